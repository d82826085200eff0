"""Which price holds here and now, and its frozen form. Used by `services` on the hot path and by `queries`."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db.models import Q, QuerySet

from evcms.core.prepared import Prepared
from stations.models import Connector

from .models import PriceSnapshot, Tariff, TariffAssignment
from .pricing import Terms


def _assignments(
    organization_id: int, site_id: int, station_id: int, connector_id: int, at: datetime
) -> QuerySet[TariffAssignment]:
    """Those valid at `at` for the place; 0 stands for no site, station or connector, and finds none."""
    places = (
        Q(site=None, station=None, connector=None)
        | Q(site_id=site_id, station=None, connector=None)
        | Q(station_id=station_id, connector=None)
        | Q(connector_id=connector_id)
    )
    return (
        TariffAssignment.objects.filter(places, organization_id=organization_id, valid_from__lte=at)
        .filter(Q(valid_until=None) | Q(valid_until__gt=at), tariff__archived_at=None)
        .select_related("tariff")
    )


_IN_FORCE: Final = Prepared(_assignments, int, int, int, int, datetime)
_SNAPSHOT: Final = Prepared(
    lambda organization_id, tariff_id, digest: PriceSnapshot.objects.filter(
        organization_id=organization_id, tariff_id=tariff_id, digest=digest
    ),
    int, int, str,
)  # fmt: skip


def tariff_in_force(
    *, organization_id: int, site_id: int | None, station_id: int | None, connector_id: int | None, at: datetime
) -> Tariff | None:
    """The tariff of the most particular assignment valid at `at`; of equals the one that began last. One query."""
    assignments = _IN_FORCE.rows(organization_id, site_id or 0, station_id or 0, connector_id or 0, at)  # 0: no place
    best = max(assignments, key=_particularity, default=None)
    return best.tariff if best else None


def tariffs_in_force(connectors: Iterable[Connector], at: datetime) -> dict[int, Tariff]:
    """Connector id → its tariff, as `tariff_in_force` finds it, for many connectors. One query."""
    rows = list(connectors)
    owners = {row.station.organization_id for row in rows if row.station.organization_id}
    valid = TariffAssignment.objects.filter(organization_id__in=owners, valid_from__lte=at, tariff__archived_at=None)
    found: dict[tuple[str, int], TariffAssignment] = {}
    for each in valid.filter(Q(valid_until=None) | Q(valid_until__gt=at)).select_related("tariff"):
        place = _place_of(each)
        found[place] = max(found.get(place, each), each, key=_particularity)
    return {row.pk: best.tariff for row in rows if (best := _most_particular(row, found))}


def _place_of(assignment: TariffAssignment) -> tuple[str, int]:
    for kind in ("connector", "station", "site"):
        if pk := getattr(assignment, f"{kind}_id"):
            return kind, pk
    return "organization", assignment.organization_id


def _most_particular(connector: Connector, found: dict[tuple[str, int], TariffAssignment]) -> TariffAssignment | None:
    station = connector.station
    places = (
        ("connector", connector.pk),
        ("station", station.pk),
        ("site", station.site_id or 0),
        ("organization", station.organization_id or 0),
    )
    here = (found.get(place) for place in places)
    return next((each for each in here if each and each.organization_id == station.organization_id), None)


def _particularity(assignment: TariffAssignment) -> tuple[int, datetime, int]:
    if assignment.connector_id:
        depth = 3
    elif assignment.station_id:
        depth = 2
    else:
        depth = 1 if assignment.site_id else 0
    return depth, assignment.valid_from, assignment.pk


def terms_of(tariff: Tariff) -> Terms:
    return Terms.from_texts(
        currency=tariff.currency,
        per_kwh=tariff.per_kwh,
        per_minute=tariff.per_minute,
        per_start=tariff.per_start,
        idle_per_minute=tariff.idle_per_minute,
        idle_grace_minutes=tariff.idle_grace_minutes,
        tax_percent=tariff.tax_percent,
        tax_included=tariff.tax_included,
        max_price=tariff.max_price,
    )


def snapshot_of(tariff: Tariff) -> PriceSnapshot:
    """The frozen terms of a tariff as it stands, made once per content. One query when they exist."""
    terms = terms_of(tariff).to_json()
    key = {"organization_id": tariff.organization_id, "tariff_id": tariff.pk, "digest": digest(terms)}
    snapshot = _SNAPSHOT.first(tariff.organization_id, tariff.pk, key["digest"])
    if snapshot is None:
        PriceSnapshot.objects.bulk_create([PriceSnapshot(terms=terms, **key)], ignore_conflicts=True)
        snapshot = PriceSnapshot.objects.get(**key)
    return snapshot


def digest(terms: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(terms, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def decimal(text: str) -> Decimal:
    """A price text of a tariff; empty is 0."""
    return Decimal(text or "0")
