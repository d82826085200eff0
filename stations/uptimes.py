"""Uptime of a scope by the three formulas: sums in the database, a site's or a port's at once.

Only what was not up is added up; how long ports were there is known from their first sign of life.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, reduce
from typing import Any, Final, NamedTuple

from django.db.models import (
    Case,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models import Sum as SumOf
from django.db.models.functions import Coalesce, Greatest, Least

from evcms.core import clock

from . import formulas
from .availability import between
from .calendars import Calendar
from .formulas import Lost, Piece, Sum, Terms, Uptime
from .hours import Hours
from .models import AvailabilityInterval, Evse
from .scope import Scope
from .uptime_ground import Contracts, Ground, contracts, moment, rapid
from .vocabulary import PortState

WORST: Final = 50  # ports on the page; the export has all
SOME: Final = 500  # ports that are asked for by their numbers
PORT: Final = "evse_id"
SITE: Final = "evse__station__site_id"
NONE_LOST: Final = Lost()


class Three(NamedTuple):
    """`uk` is None where no rapid port stands."""

    nevi: Uptime
    uk: Uptime | None
    sla: Uptime
    ports: int


class Asked:
    """The period, and the ports that it is about."""

    def __init__(self, ground: Ground, since: datetime, until: datetime) -> None:
        self.ground, self.contracts = ground, ground.contracts
        self._whole: dict[int, tuple[int, int, int]] = {}
        # In UTC: two moments of one zone are subtracted by their wall clocks, and the night of the change is lost.
        self.since, self.until = since.astimezone(UTC), min(until, clock.now()).astimezone(UTC)

    @classmethod
    def of(cls, scope: Scope, site_id: int | None = None) -> "Asked":
        """`site_id`: of this site alone."""
        rows = scope.sites() if site_id is None else scope.sites().filter(pk=site_id)
        earliest = scope.before.since.astimezone(UTC)
        return cls(Ground(rows, contracts(scope.access.organization), earliest), scope.since, scope.until)

    def before(self, scope: Scope) -> "Asked":
        """The same ground in the period before."""
        return Asked(self.ground, scope.before.since, scope.before.until)

    @property
    def days(self) -> int:
        return (self.until - self.since).days

    def evses(self) -> QuerySet[Evse]:
        """That were there in the period."""
        rows = Evse.objects.filter(station__site__in=self.ground.sites, heard_since__lt=self.until)
        return rows.filter(Q(gone_since=None) | Q(gone_since__gt=self.since)).order_by()

    def lost(self) -> QuerySet[AvailabilityInterval]:
        rows = AvailabilityInterval.objects.exclude(state=PortState.UP).order_by()
        return between(rows, self.since, self.until).filter(evse__station__site__in=self.ground.sites)

    @cached_property
    def calendars(self) -> dict[int, tuple[Calendar | None, Calendar | None]]:
        """Site → when it was open, and the contract's hours; None: always."""
        return {
            site: (self._calendar(opened, zone), self._calendar(counted, zone))
            for site, (zone, opened, counted) in self.ground.clocked.items()
        }

    @cached_property
    def clocked_rows(self) -> list[tuple[Any, ...]]:
        """What was lost where a place is not always open. Any: a row's values."""
        if not self.calendars:
            return []
        rows = self.lost().filter(evse__station__site__in=self.calendars)
        rows = rows.annotate(rapid=rapid("evse"), short=_within_grace(self.contracts))
        return list(rows.values_list("evse_id", SITE, "rapid", "cause", "excuses", "short", "since", "until"))

    def _calendar(self, hours: Hours, zone: str) -> Calendar | None:
        return None if hours.always else Calendar(hours, zone, self.since, self.until)

    def whole(self, site: int) -> tuple[int, int, int]:
        """As `measured`, of the whole period; kept, for most ports were there all the time."""
        found = self._whole.get(site)
        if found is None:
            found = self._whole[site] = self.measured(site, self.since, self.until)
        return found

    def measured(self, site: int, begin: datetime, end: datetime) -> tuple[int, int, int]:
        """Seconds of [begin, end) within the period: in all, while open, and in the contract's hours."""
        begin, end = max(begin, self.since), min(end, self.until)
        whole = max(0, _seconds(end - begin))
        opened, counted = self.calendars.get(site, (None, None))
        return (
            whole,
            opened.seconds(begin, end) if opened else whole,
            counted.seconds(begin, end) if counted else whole,
        )


def clipped(begin: str, end: str, since: datetime, until: datetime) -> ExpressionWrapper:
    """How much of [begin, end) lies in the period."""
    last = Least(Coalesce(end, moment(until)), moment(until))
    return ExpressionWrapper(last - Greatest(begin, moment(since)), output_field=DurationField())


def of_site(asked: Asked) -> dict[int, tuple[Sum, Sum | None]]:
    """Site → the sum of its ports, and of its rapid ones."""
    lost = lost_of_site(asked)
    there: dict[tuple[int, bool], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for port in asked.ground.ports:
        whole = port.gone is None and port.heard <= asked.since
        lengths = asked.whole(port.site) if whole else asked.measured(port.site, port.heard, port.gone or asked.until)
        if lengths[0]:
            mine = there[port.site, port.rapid]
            for place, seconds in enumerate(lengths):
                mine[place] += seconds * port.ports
            mine[3] += port.ports
    parts: dict[int, dict[bool, Sum]] = defaultdict(dict)
    for (site, fast), (present, opened, counted, number) in there.items():
        parts[site][fast] = Sum(present, opened, counted, lost.get((site, fast), NONE_LOST), number)
    return {site: (reduce(Sum.plus, part.values()), part.get(True)) for site, part in parts.items()}


def lost_of_site(asked: Asked) -> dict[tuple[int, bool], Lost]:
    """(site, rapid) → what its ports lost."""
    pieces = _pieces(asked, asked.lost(), SITE)
    return {key: formulas.lost(mine, asked.contracts.of(key[0])) for key, mine in pieces.items()}


def _pieces(asked: Asked, lost: QuerySet[AvailabilityInterval], key: str) -> dict[tuple[int, bool], list[Piece]]:
    """`key`: the column of the port or the site. One query, and one more where a place is not always open."""
    found: dict[tuple[int, bool], list[Piece]] = defaultdict(list)
    rows = lost.annotate(rapid=rapid("evse"), short=_within_grace(asked.contracts))
    length = clipped("since", "until", asked.since, asked.until)
    names = (key, "rapid", "cause", "excuses", "short")
    plain = rows.exclude(evse__station__site__in=asked.calendars) if asked.calendars else rows
    for place, fast, cause, excuses, short, span in plain.values_list(*names).annotate(span=SumOf(length)):
        seconds = _seconds(span)
        found[place, fast].append(_piece(cause, excuses, short, (seconds, seconds, seconds)))
    for evse, site, fast, cause, excuses, short, since, until in asked.clocked_rows:
        found[evse if key == PORT else site, fast].append(
            _piece(cause, excuses, short, asked.measured(site, since, until or asked.until))
        )
    return found


def _within_grace(contracts: Contracts) -> Case:
    """Is the whole outage shorter than the contract's grace?"""
    grace = Coalesce("evse__station__site__availability_terms__grace_minutes", Value(contracts.usual_grace))
    return Case(When(outage_s__lt=grace * 60, then=Value(True)), default=Value(False))


def _piece(cause: str, excuses: str, short: object, lengths: tuple[int, int, int]) -> Piece:
    return Piece(cause, kinds(excuses), bool(short), *lengths)


@cache
def kinds(excuses: str) -> frozenset[str]:
    """Few, for kinds are sorted."""
    return frozenset(filter(None, excuses.split(",")))


def _seconds(span: timedelta | None) -> int:
    return int(span.total_seconds()) if span else 0


def three(total: Sum, fast: Sum | None, terms: Terms, days: int) -> Three:
    return Three(
        formulas.nevi(total, days), formulas.uk(fast) if fast else None, formulas.sla(total, terms), total.ports
    )


def sites(asked: Asked) -> dict[int, Three]:
    """Site id → its figures."""
    return {site: three(*sums, asked.contracts.of(site), asked.days) for site, sums in of_site(asked).items()}


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
    pieces = _pieces(asked, lost.filter(evse__in=evses) if len(evses) <= SOME else lost, PORT)
    found = {}
    for evse in evses:
        fast: bool = evse.rapid  # type: ignore[attr-defined]
        if evse.heard_since is None:
            continue
        lengths = asked.measured(evse.station.site_id or 0, evse.heard_since, evse.gone_since or asked.until)
        if lengths[0]:
            terms = asked.contracts.of(evse.station.site_id)
            total = Sum(*lengths, formulas.lost(pieces.get((evse.pk, fast), ()), terms), 1)
            found[evse.pk] = three(total, total if fast else None, terms, asked.days)
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
    """The most faults an hour first. Time before a station's present firmware is left out. One query."""
    there: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in asked.ground.models:
        span = (min(row.gone, asked.until) if row.gone else asked.until) - max(row.begun, asked.since)
        if span > timedelta(0):
            mine = there[row.vendor, row.model, row.firmware]
            mine[0] += row.ports
            mine[1] += _seconds(span) * row.ports
    lost = _lost_by_model(asked, [f"evse__station__{name}" for name in ("vendor", "model", "firmware_version")])
    found = []
    for name, (ports, seconds) in there.items():
        down, repair, faults = lost.get(name, (None, None, 0))
        found.append(Reliability(*name, ports, seconds // 3600, faults, _seconds(down) // 3600, _seconds(repair)))
    return sorted(found, key=lambda row: (-(row.per_thousand or 0), -row.hours, row.model, row.firmware))


def _lost_by_model(asked: Asked, names: list[str]) -> dict[tuple[str, ...], tuple[Any, Any, int]]:
    """(vendor, model, firmware) → time lost, of that in repair, and faults. Any: spans or None."""
    firmware = Coalesce("evse__station__firmware_since", moment(asked.since))
    rows = asked.lost().annotate(begun=Greatest("since", firmware)).filter(Q(until=None) | Q(until__gt=F("begun")))
    length = clipped("begun", "until", asked.since, asked.until)
    said = rows.values(*names).annotate(
        span=SumOf(length),
        mended=SumOf(length, filter=Q(repair=True)),
        faults=Count("pk", filter=Q(fault=True, since__gte=F("begun"), since__gt=moment(asked.since))),
    )
    return {tuple(row[name] for name in names): (row["span"], row["mended"], row["faults"]) for row in said}
