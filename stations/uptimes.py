"""Uptime of a scope by the three formulas: sums in the database, a site's or a port's at once.

Only what was not up is added up; how long ports were there is known from their first sign of life.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import (
    Case,
    Count,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models import Sum as SumOf
from django.db.models.functions import Coalesce, Greatest, Least

from evcms.core import clock
from evcms.core.models import Organization

from . import formulas
from .availability import between
from .formulas import Piece, Sum, Terms, Uptime
from .models import AvailabilityInterval, AvailabilityTerms, Connector, Evse
from .scope import Scope
from .vocabulary import PortState

WORST: Final = 50  # ports on the page; the export has all
SOME: Final = 500  # ports that are asked for by their numbers
SITE: Final = "evse__station__site_id"


@dataclass(frozen=True)
class Three:
    """`uk` is None where no rapid port stands."""

    nevi: Uptime
    uk: Uptime | None
    sla: Uptime
    ports: int


@dataclass(frozen=True)
class Contracts:
    """The terms of each site, and of all others."""

    usual: Terms
    usual_grace: int
    of_site: dict[int, Terms]

    def of(self, site_id: int | None) -> Terms:
        return self.of_site.get(site_id or 0, self.usual)


def contracts(organization: Organization) -> Contracts:
    """One query. Without any row the usual terms are ours."""
    rows = list(AvailabilityTerms.objects.filter(organization=organization))
    usual = next((row for row in rows if row.site_id is None), AvailabilityTerms())
    return Contracts(as_terms(usual), usual.grace_minutes, {row.site_id: as_terms(row) for row in rows if row.site_id})


def as_terms(row: AvailabilityTerms) -> Terms:
    return Terms(row.target_permille * 10, row.offline_counts, frozenset(row.kinds), row.cap_minutes)


class Asked:
    """The period, and the ports that it is about."""

    def __init__(self, scope: Scope, contracts: Contracts) -> None:
        self.scope, self.contracts = scope, contracts
        self.since, self.until = scope.since, min(scope.until, clock.now())

    @property
    def days(self) -> int:
        return (self.until - self.since).days

    def evses(self) -> QuerySet[Evse]:
        """That were there in the period."""
        rows = Evse.objects.filter(station__site__in=self.scope.sites(), heard_since__lt=self.until)
        return rows.filter(Q(gone_since=None) | Q(gone_since__gt=self.since)).order_by()

    def lost(self) -> QuerySet[AvailabilityInterval]:
        rows = AvailabilityInterval.objects.exclude(state=PortState.UP).order_by()
        return between(rows, self.since, self.until).filter(evse__station__site__in=self.scope.sites())


def _moment(at: datetime) -> Value:
    return Value(at, output_field=DateTimeField())


def clipped(begin: str, end: str, since: datetime, until: datetime) -> ExpressionWrapper:
    """How much of [begin, end) lies in the period."""
    last = Least(Coalesce(end, _moment(until)), _moment(until))
    return ExpressionWrapper(last - Greatest(begin, _moment(since)), output_field=DurationField())


def rapid(evse: str) -> Exists:
    """Has the port a plug of 50 kW or more?"""
    return Exists(Connector.objects.filter(evse=OuterRef(evse), max_power_w__gte=formulas.RAPID_W))


def of_site(asked: Asked) -> dict[int, dict[bool, Sum]]:
    """Site → rapid ports or not → their sum. Two queries."""
    found: dict[int, dict[bool, Sum]] = defaultdict(dict)
    pieces = _pieces(asked, asked.lost(), SITE)
    length = SumOf(clipped("heard_since", "gone_since", asked.since, asked.until))
    rows = asked.evses().annotate(rapid=rapid("pk")).values_list("station__site_id", "rapid")
    for site, is_rapid, span, count in rows.annotate(span=length, count=Count("pk")):
        seconds = _seconds(span)
        mine = tuple(pieces.get((site, is_rapid), ()))
        found[site][is_rapid] = Sum(seconds, seconds, seconds, mine, count)
    return found


def _pieces(asked: Asked, lost: QuerySet[AvailabilityInterval], key: str) -> dict[tuple[int, bool], list[Piece]]:
    """`key`: the column of the port or the site. One query."""
    found: dict[tuple[int, bool], list[Piece]] = defaultdict(list)
    grace = Coalesce("evse__station__site__availability_terms__grace_minutes", Value(asked.contracts.usual_grace))
    within = Case(When(outage_s__lt=grace * 60, then=Value(True)), default=Value(False))
    rows = lost.annotate(rapid=rapid("evse"), short=within)
    length = clipped("since", "until", asked.since, asked.until)
    for place, is_rapid, cause, excuses, short, span in rows.values_list(
        key, "rapid", "cause", "excuses", "short"
    ).annotate(span=SumOf(length)):
        seconds = _seconds(span)
        kinds = frozenset(filter(None, excuses.split(",")))
        found[place, is_rapid].append(Piece(cause, kinds, bool(short), seconds, seconds, seconds))
    return found


def _seconds(span: timedelta | None) -> int:
    return int(span.total_seconds()) if span else 0


def three(parts: dict[bool, Sum], terms: Terms, days: int) -> Three:
    total = sum(parts.values(), Sum())
    fast = parts.get(True)
    return Three(
        formulas.nevi(total, days), formulas.uk(fast) if fast else None, formulas.sla(total, terms), total.ports
    )


def sites(asked: Asked) -> dict[int, Three]:
    """Site id → its figures."""
    return {site: three(parts, asked.contracts.of(site), asked.days) for site, parts in of_site(asked).items()}


def network(of_sites: dict[int, Three], usual: Terms) -> Three | None:
    """All of them together; None of none."""
    rows = list(of_sites.values())
    if not rows:
        return None
    fast = [row.uk for row in rows if row.uk]
    return Three(
        formulas.added((row.nevi for row in rows), formulas.NEVI_TARGET + 1),
        formulas.added(fast, formulas.UK_TARGET) if fast else None,
        formulas.added((row.sla for row in rows), usual.target),
        sum(row.ports for row in rows),
    )


def worst(asked: Asked, most: int = WORST) -> list[Evse]:
    """The ports that were out of order longest, the worst first. Two queries."""
    length = SumOf(clipped("since", "until", asked.since, asked.until))
    rows = asked.lost().values("evse_id").annotate(lost=length).order_by("-lost", "evse_id")
    ids = [row["evse_id"] for row in rows[:most]]
    known = described(Evse.objects.filter(pk__in=ids))
    return sorted(known, key=lambda evse: ids.index(evse.pk))


def described(rows: QuerySet[Evse]) -> QuerySet[Evse]:
    """As `ports` needs them."""
    rows = rows.select_related("station__site").annotate(rapid=rapid("pk"))
    return rows.order_by("station__site__name", "station__identity", "number")


def ports(asked: Asked, evses: Sequence[Evse]) -> dict[int, Three]:
    """EVSE id → its figures; only those that were there. `evses` from `described`. One query."""
    lost = asked.lost()
    pieces = _pieces(asked, lost.filter(evse__in=evses) if len(evses) <= SOME else lost, "evse_id")
    found = {}
    for evse in evses:
        fast: bool = evse.rapid  # type: ignore[attr-defined]
        if evse.heard_since is None:
            continue
        span = min(evse.gone_since or asked.until, asked.until) - max(evse.heard_since, asked.since)
        if span > timedelta(0):
            seconds = _seconds(span)
            total = Sum(seconds, seconds, seconds, tuple(pieces.get((evse.pk, fast), ())), 1)
            found[evse.pk] = three({fast: total}, asked.contracts.of(evse.station.site_id), asked.days)
    return found


# Faults by model and firmware --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reliability:
    """Of all ports of a model while they ran the firmware that they run now."""

    vendor: str
    model: str
    firmware: str
    ports: int
    hours: int  # port-hours
    faults: int
    down_h: int
    repair_s: int

    FEWEST = 5  # faults; of fewer a mean says nothing

    @property
    def enough(self) -> bool:
        return self.faults >= self.FEWEST

    @property
    def per_thousand(self) -> float | None:
        """Faults in 1,000 port-hours."""
        return 1000 * self.faults / self.hours if self.hours else None

    @property
    def between(self) -> timedelta | None:
        """Mean time in order between two faults."""
        return timedelta(hours=(self.hours - self.down_h) / self.faults) if self.enough else None

    @property
    def repair(self) -> timedelta | None:
        """Mean time from a fault until the port is in order again."""
        return timedelta(seconds=self.repair_s / self.faults) if self.enough else None


def reliability(asked: Asked) -> list[Reliability]:
    """The most faults an hour first. Time before a station's present firmware is left out. Two queries."""
    who = ("vendor", "model", "firmware_version")
    begun = Greatest("heard_since", Coalesce("station__firmware_since", _moment(asked.since)), _moment(asked.since))
    there = asked.evses().annotate(begun=begun).filter(begun__lt=asked.until)
    names = [f"station__{name}" for name in who]
    length = SumOf(clipped("begun", "gone_since", asked.since, asked.until))
    hours = there.values(*names).annotate(span=length, count=Count("pk"))
    lost = _lost_by_model(asked, [f"evse__station__{name}" for name in who])
    found = []
    for row in hours:
        name: tuple[str, str, str] = tuple(row[each] for each in names)
        down, repair, faults = lost.get(name, (None, None, 0))
        found.append(
            Reliability(
                *name, row["count"], _seconds(row["span"]) // 3600, faults, _seconds(down) // 3600, _seconds(repair)
            )
        )
    return sorted(found, key=lambda row: (-(row.per_thousand or 0), -row.hours, row.model, row.firmware))


def _lost_by_model(asked: Asked, names: list[str]) -> dict[tuple[str, ...], tuple[Any, Any, int]]:
    """(vendor, model, firmware) → time lost, of that in repair, and faults. Any: spans or None."""
    firmware = Coalesce("evse__station__firmware_since", _moment(asked.since))
    rows = asked.lost().annotate(begun=Greatest("since", firmware)).filter(Q(until=None) | Q(until__gt=F("begun")))
    length = clipped("begun", "until", asked.since, asked.until)
    said = rows.values(*names).annotate(
        span=SumOf(length),
        mended=SumOf(length, filter=Q(repair=True)),
        faults=Count("pk", filter=Q(fault=True, since__gte=F("begun"), since__gt=_moment(asked.since))),
    )
    return {tuple(row[name] for name in names): (row["span"], row["mended"], row["faults"]) for row in said}
