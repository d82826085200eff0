"""What uptime is counted on: the sites that are asked about, their ports, hours and contracts, read once."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Final, NamedTuple

from django.db.models import Count, DateTimeField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce, Greatest

from evcms.core.models import Organization

from .formulas import RAPID_W, Terms
from .hours import Hours, read
from .models import AvailabilityTerms, Connector, Evse, Site

EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
ALWAYS: Final = Hours((), always=True)


@dataclass(frozen=True)
class Contracts:
    """The terms of each site, and of all others; `hours` that count, as people wrote them."""

    usual: Terms
    usual_grace: int
    usual_hours: str
    of_site: dict[int, Terms]
    hours: dict[int, str]
    grace: dict[int, int]

    def of(self, site_id: int | None) -> Terms:
        return self.of_site.get(site_id or 0, self.usual)

    def hours_of(self, site_id: int) -> str:
        return self.hours.get(site_id, self.usual_hours)

    def grace_of(self, site_id: int | None) -> int:
        return self.grace.get(site_id or 0, self.usual_grace)


def contracts(organization: Organization) -> Contracts:
    """One query. Without any row the usual terms are ours."""
    rows = list(AvailabilityTerms.objects.filter(organization=organization))
    usual = next((row for row in rows if row.site_id is None), AvailabilityTerms())
    own = {row.site_id: row for row in rows if row.site_id}
    return Contracts(
        as_terms(usual),
        usual.grace_minutes,
        usual.hours,
        {site: as_terms(row) for site, row in own.items()},
        {site: row.hours for site, row in own.items()},
        {site: row.grace_minutes for site, row in own.items()},
    )


def as_terms(row: AvailabilityTerms) -> Terms:
    return Terms(row.target_permille * 10, row.offline_counts, frozenset(row.kinds), row.cap_minutes)


class PortsThere(NamedTuple):
    """`ports` ports that were first heard of and left at the same time."""

    site: int
    rapid: bool
    heard: datetime
    gone: datetime | None
    ports: int


class ModelThere(NamedTuple):
    """`begun`: since when they are there with this firmware."""

    vendor: str
    model: str
    firmware: str
    begun: datetime
    gone: datetime | None
    ports: int


class Place(NamedTuple):
    """A site: its name, zone, opening hours; by which rules and until which day it is counted (None: it is not)."""

    name: str
    zone: str
    hours: str
    rules: str | None
    day: date | None


class Ground:
    """The sites that are asked about, their ports and hours: read once for all periods.

    `earliest`: no period begins before. Ports that were there by then are alike, and come as one row.
    """

    def __init__(self, sites: QuerySet[Site], contracts: Contracts, earliest: datetime = EVER) -> None:
        self.sites, self.contracts, self.earliest = sites, contracts, earliest

    @cached_property
    def ports(self) -> list[PortsThere]:
        """All that were ever heard of. One query."""
        rows = self._heard().annotate(rapid=rapid("pk"), heard=Greatest("heard_since", moment(self.earliest)))
        names = ("station__site_id", "rapid", "heard", "gone_since")
        return [PortsThere(*row) for row in rows.values_list(*names).annotate(ports=Count("pk"))]

    @cached_property
    def models(self) -> list[ModelThere]:
        """All that were ever heard of, by model and firmware. One query."""
        firmware = Coalesce("station__firmware_since", "heard_since")
        rows = self._heard().annotate(begun=Greatest("heard_since", firmware, moment(self.earliest)))
        names = ("station__vendor", "station__model", "station__firmware_version", "begun", "gone_since")
        return [ModelThere(*row) for row in rows.values_list(*names).annotate(ports=Count("pk"))]

    def _heard(self) -> QuerySet[Evse]:
        return Evse.objects.filter(station__site__in=self.sites).exclude(heard_since=None).order_by()

    @cached_property
    def places(self) -> dict[int, Place]:
        """By site. One query."""
        names = (
            "pk",
            "name",
            "time_zone",
            "opening_hours",
            "availability_days_mark__rules",
            "availability_days_mark__day",
        )
        return {pk: Place(*row) for pk, *row in self.sites.order_by().values_list(*names)}

    @cached_property
    def clocked(self) -> dict[int, tuple[str, Hours, Hours]]:
        """Site → its zone, opening hours, and the contract's hours, where either does not mean always.

        Hours that no machine understands are taken for always: nothing is left out that nobody can check.
        """
        found = {}
        for pk, place in self.places.items():
            opened, counted = _hours(place.hours), _hours(self.contracts.hours_of(pk))
            if not (opened.always and counted.always):
                found[pk] = (place.zone, opened, counted)
        return found


def _hours(text: str) -> Hours:
    return read(text) or ALWAYS


def moment(at: datetime) -> Value:
    return Value(at, output_field=DateTimeField())


def rapid(evse: str) -> Exists:
    """Has the port a plug of 50 kW or more?"""
    return Exists(Connector.objects.filter(evse=OuterRef(evse), max_power_w__gte=RAPID_W))
