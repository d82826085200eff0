"""Which price holds here and now, and its frozen form. Used by `services` on the hot path and by `queries`."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from django.db.models import Q, QuerySet

from evcms.core import clock
from evcms.core.prepared import Prepared, PreparedMany
from stations.models import Connector, Site

from .holidays import dates
from .models import PriceSnapshot, SitePricing, Tariff, TariffAssignment
from .terms import Element, Idle, Terms, optional

MANY: Final = (
    500  # sites: of more than that all that are frozen are read, for a statement takes so many parameters only
)


class Setting(NamedTuple):
    """What a place and a moment add to a tariff: the year of its holidays, the site's zone, and whether prices stay as
    they were at the start.
    """

    year: int
    time_zone: str = "UTC"
    frozen: bool = False


class Place(NamedTuple):
    """Where a session begins, when, and whose driver it is; ids that are None are nobody's."""

    organization_id: int
    site_id: int | None
    station_id: int | None
    connector_id: int | None
    group_id: int | None
    at: datetime


def _assignments(places: Sequence[Sequence[int]]) -> QuerySet[TariffAssignment]:
    """Those that may hold at one of the places (as `Place`, without its moment), at some time."""
    organizations, sites, stations, connectors, groups = zip(*places, strict=True)
    nearest = (
        Q(site=None, station=None, connector=None)
        | Q(site_id__in=sites, station=None, connector=None)
        | Q(station_id__in=stations, connector=None)
        | Q(connector_id__in=connectors)
    )
    return (
        TariffAssignment.objects.filter(
            nearest,
            Q(group=None) | Q(group_id__in=groups),
            organization_id__in=organizations,
            tariff__archived_at=None,
        )
        .order_by()
        .select_related("tariff")
    )


_AT_PLACES: Final = PreparedMany(_assignments, int, int, int, int, int)
_SNAPSHOT: Final = Prepared(
    lambda organization_id, tariff_id, digest: PriceSnapshot.objects.filter(
        organization_id=organization_id, tariff_id=tariff_id, digest=digest
    ),
    int, int, str,
)  # fmt: skip


def tariff_in_force(
    *,
    organization_id: int,
    site_id: int | None,
    station_id: int | None,
    connector_id: int | None,
    at: datetime,
    group_id: int | None = None,
) -> Tariff | None:
    """The tariff that holds there at `at` for a driver of the group (None: anybody). One query."""
    place = Place(organization_id, site_id, station_id, connector_id, group_id, at)
    return tariffs_at([place])[0]


def tariffs_at(places: Sequence[Place]) -> list[Tariff | None]:
    """As `tariff_in_force`, for many."""
    keys = dict.fromkeys(tuple(pk or 0 for pk in place[:5]) for place in places)  # 0: none
    found = {row.pk: row for row in _AT_PLACES.rows(list(keys))}.values()
    return [
        best.tariff if (best := max((row for row in found if _holds(row, place)), key=rank, default=None)) else None
        for place in places
    ]


def _holds(row: TariffAssignment, place: Place) -> bool:
    return (
        row.organization_id == place.organization_id
        and row.valid_from <= place.at
        and (row.valid_until is None or row.valid_until > place.at)
        and row.group_id in (None, place.group_id)
        and _reaches(row, place)
    )


def _reaches(row: TariffAssignment, place: Place) -> bool:
    """The nearest place that the row names decides."""
    if row.connector_id is not None:
        return row.connector_id == place.connector_id
    if row.station_id is not None:
        return row.station_id == place.station_id
    return row.site_id in (None, place.site_id)


class Stand(NamedTuple):
    """Where a connector stands: ids. `site_id` and `organization_id` are 0 without one."""

    connector_id: int
    station_id: int
    site_id: int
    organization_id: int


def tariffs_in_force(connectors: Iterable[Connector], at: datetime) -> dict[int, Tariff]:
    """Connector id → its tariff for anybody, as `tariff_in_force` finds it, for many connectors. One query."""
    stands = (
        Stand(row.pk, row.station.pk, row.station.site_id or 0, row.station.organization_id or 0) for row in connectors
    )
    return tariffs_at_stands(stands, at)


def tariffs_at_stands(stands: Iterable[Stand], at: datetime) -> dict[int, Tariff]:
    """As `tariffs_in_force`, for who has ids only. One query."""
    rows = list(stands)
    owners = {row.organization_id for row in rows if row.organization_id}
    valid = TariffAssignment.objects.filter(organization_id__in=owners, group=None, valid_from__lte=at)
    found: dict[tuple[str, int], TariffAssignment] = {}
    valid = valid.filter(Q(valid_until=None) | Q(valid_until__gt=at), tariff__archived_at=None)
    for each in valid.select_related("tariff"):
        place = _place_of(each)
        found[place] = max(found.get(place, each), each, key=rank)
    return {row.connector_id: best.tariff for row in rows if (best := _best(row, found))}


def _place_of(assignment: TariffAssignment) -> tuple[str, int]:
    for kind in ("connector", "station", "site"):
        if pk := getattr(assignment, f"{kind}_id"):
            return kind, pk
    return "organization", assignment.organization_id


def _best(stand: Stand, found: dict[tuple[str, int], TariffAssignment]) -> TariffAssignment | None:
    places = (
        ("connector", stand.connector_id),
        ("station", stand.station_id),
        ("site", stand.site_id),
        ("organization", stand.organization_id),
    )
    here = [found[place] for place in places if place in found]
    ours = [each for each in here if each.organization_id == stand.organization_id]
    return max(ours, key=rank, default=None)


def rank(assignment: TariffAssignment) -> tuple[int, bool, int, datetime, int]:
    """Of several that hold the highest wins: priority, a group's own, the nearest place, the youngest."""
    if assignment.connector_id:
        depth = 3
    elif assignment.station_id:
        depth = 2
    else:
        depth = 1 if assignment.site_id else 0
    return assignment.priority, assignment.group_id is not None, depth, assignment.valid_from, assignment.pk


def setting_of(site: Site | None, at: datetime) -> Setting:
    """Of a place at a moment. A query when the site's pricing is not in hand."""
    if site is None:
        return Setting(at.year)
    return Setting(at.year, site.time_zone, SitePricing.objects.filter(site=site, frozen=True).exists())


def settings_of(sites: Iterable[Site | None], at: datetime) -> dict[int | None, Setting]:
    """Site id → its setting, for many. One query."""
    return settings_in({site.pk: site.time_zone for site in sites if site}, at)


def settings_in(zones: Mapping[int, str], at: datetime) -> dict[int | None, Setting]:
    """As `settings_of`, for who has the sites' ids and time zones. One query."""
    rows = SitePricing.objects.filter(frozen=True)
    if len(zones) < MANY:
        rows = rows.filter(site__in=zones)
    frozen = set(rows.values_list("site_id", flat=True))
    found: dict[int | None, Setting] = {None: Setting(at.year)}
    for pk, zone in zones.items():
        found[pk] = Setting(at.year, zone, pk in frozen)
    return found


def setting_here(connector: Connector) -> Setting:
    """Of a connector, now."""
    return setting_of(connector.station.site, clock.now())


def holidays(region: str) -> tuple[str, ...]:
    """Of this year and the next, as terms made today carry them. Raises ValueError for an unknown region."""
    year = clock.now().year
    return dates(region, year, year + 1)


def terms_of(tariff: Tariff, setting: Setting | None = None) -> Terms:
    """A tariff's terms at a place; without one as anywhere, in UTC. Raises ValueError, KeyError or TypeError for
    elements that make no sense (services.tariffs lets none in).
    """
    return _terms(tariff, setting)[0]


def _terms(tariff: Tariff, setting: Setting | None) -> tuple[Terms, str]:
    """With their digest."""
    year, zone, frozen = setting or Setting(clock.now().year)
    return _made(
        tariff.currency,
        json.dumps(tariff.elements),
        json.dumps(tariff.idle),
        tariff.tax_included,
        tariff.min_price,
        tariff.max_price,
        tariff.holidays_of,
        zone,
        frozen,
        year,
    )


@lru_cache(maxsize=1024)
def _made(
    currency: str,
    elements: str,
    idle: str,
    tax_included: bool,
    min_price: str,
    max_price: str,
    holidays_of: str,
    zone: str,
    frozen: bool,
    year: int,
) -> tuple[Terms, str]:
    """Kept, because most sessions of a site share it: parsing takes longer than the query that finds the tariff."""
    parts = tuple(Element.from_json(element) for element in json.loads(elements))
    asks = any(element.restrictions.holidays for element in parts)
    terms = Terms(
        currency=currency.upper(),
        elements=parts,
        tax_included=tax_included,
        min_price=optional(min_price),
        max_price=optional(max_price),
        idle=Idle.from_json(json.loads(idle)),
        time_zone=zone,
        holidays=dates(holidays_of, year, year + 1) if asks else (),
        frozen=frozen,
    )
    return terms, digest(terms.to_json())


def snapshot_of(tariff: Tariff, setting: Setting | None = None) -> PriceSnapshot:
    """The frozen terms of a tariff as it stands, made once per content. One query when they exist."""
    terms, content = _terms(tariff, setting)
    snapshot = _SNAPSHOT.first(tariff.organization_id, tariff.pk, content)
    if snapshot is None:
        key = {"organization_id": tariff.organization_id, "tariff_id": tariff.pk, "digest": content}
        PriceSnapshot.objects.bulk_create([PriceSnapshot(terms=terms.to_json(), **key)], ignore_conflicts=True)
        snapshot = PriceSnapshot.objects.get(**key)
    return snapshot


@lru_cache(maxsize=1024)
def _frozen(_content: str, text: str) -> Terms:
    return Terms.from_json(json.loads(text))


def frozen_terms(snapshot: PriceSnapshot) -> Terms:
    """The terms of a snapshot, parsed once a process: snapshots never change."""
    return _frozen(snapshot.digest, json.dumps(snapshot.terms))


def digest(terms: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(terms, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def decimal(text: str) -> Decimal:
    """A price text of a tariff; empty is 0."""
    return Decimal(text or "0")
