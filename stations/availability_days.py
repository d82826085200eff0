"""Uptime of a whole network from its counted days (`AvailabilityDay`), and to the second what `uptimes.sites` says.

Of a site whose days are counted as it counts now, a period is the difference of two rows; what came after the last
counted day, and every other site, is read from the intervals.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Q

from .formulas import Sum
from .models import AvailabilityDay, Evse
from .tallies import NOTHING, Tally, sums
from .uptime_ground import Contracts, Ground, rapid
from .uptimes import NONE_LOST, Asked, Three, lost_of_site, sites, three

BEHIND: Final = 2  # days; a site that is further behind is read from its intervals
NO_PORTS: Final = Sum()


def midnight(day: date, zone: str) -> datetime:
    """Its beginning, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def day_of(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def rules_of(ground: Ground, zone: str) -> dict[int, str]:
    """Site → a digest of all but its ports and intervals that its days depend on."""
    contracts, made, found = ground.contracts, dict[tuple[object, ...], str](), {}
    for site, place in ground.places.items():
        terms = contracts.of(site)
        said = (
            zone, place.zone, place.hours, contracts.hours_of(site), contracts.grace_of(site), terms.offline_counts,
            ",".join(sorted(terms.kinds)),
        )  # fmt: skip
        if said not in made:
            made[said] = sha256(repr(said).encode()).hexdigest()[:40]
        found[site] = made[said]
    return found


def _known(ground: Ground, by: date, zone: str) -> tuple[date, set[int]]:
    """The last day by whose beginning many sites are counted, `by` at most, and these sites."""
    rules = rules_of(ground, zone)
    marks = {site: place.day for site, place in ground.places.items() if place.day and place.rules == rules[site]}
    near = [day for day in marks.values() if day >= by - timedelta(days=BEHIND)]
    last = min(by, *near) if near else by
    return last, {site for site, day in marks.items() if day >= last}


def network_sites(asked: Asked, past: Asked, zone: str) -> tuple[dict[int, Three], dict[int, Three]]:
    """Of two periods, the one before right behind the other: site id → its figures. Three queries."""
    last, known = _known(asked.ground, day_of(asked.until, zone), zone)
    periods = [_period(one, last, zone) if known else None for one in (asked, past)]
    wanted = {day for period in periods if period for day in period}
    tallies = _tallies(asked.ground, wanted)
    found = []
    for one, period in zip((asked, past), periods, strict=True):
        if period is None:
            found.append(sites(one))
        else:
            found.append(_counted(one, period, known, tallies, zone) | _others(one, known))
    return found[0], found[1]


def _period(asked: Asked, last: date, zone: str) -> tuple[date, date] | None:
    """The days between which a period lies, as far as they are counted; None where it has no counted days."""
    first, end = day_of(asked.since, zone), min(last, day_of(asked.until, zone))
    return (first, end) if first < end and midnight(first, zone) == asked.since else None


def _tallies(ground: Ground, wanted: set[date]) -> dict[date, dict[int, Tally]]:
    found: dict[date, dict[int, Tally]] = defaultdict(dict)
    if not wanted:
        return found
    rows = AvailabilityDay.objects.filter(day__in=sorted(wanted), site__in=ground.sites).order_by()
    for day, site, *values in rows.values_list("day", "site_id", *Tally._fields):
        found[day][site] = Tally._make(values)
    return found


def _counted(
    asked: Asked, period: tuple[date, date], known: set[int], tallies: dict[date, dict[int, Tally]], zone: str
) -> dict[int, Three]:
    before, after = (tallies[day] for day in period)
    since = midnight(period[1], zone)
    tail = _Tail(Asked(asked.ground, since, asked.until)) if since < asked.until else None
    contracts, days, found = asked.contracts, asked.days, {}
    for site, tally in after.items():
        if site not in known:
            continue
        total, fast = sums(before.get(site, NOTHING), tally)
        if tail:
            total, fast = tail.added(site, tally, total, fast)
        if total.ports:
            found[site] = three(total, fast, contracts.of(site), days)
    return found | (tail.newcomers(known - after.keys(), contracts, days) if tail else {})


def _others(asked: Asked, known: set[int]) -> dict[int, Three]:
    """The sites that are not counted."""
    left = asked.ground.places.keys() - known
    if not left:
        return {}
    ground = Ground(asked.ground.sites.filter(pk__in=left), asked.contracts, asked.ground.earliest)
    return sites(Asked(ground, asked.since, asked.until))


class _Tail:
    """What came after the last counted day. Two queries."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.lost = lost_of_site(asked)
        self.moved: dict[int, list[_Moved]] = defaultdict(list)
        ports = Evse.objects.filter(station__site__in=asked.ground.sites).annotate(rapid=rapid("pk")).order_by()
        moved = ports.filter(Q(heard_since__gte=asked.since) | Q(gone_since__gt=asked.since))
        for site, fast, heard, gone in moved.values_list("station__site_id", "rapid", "heard_since", "gone_since"):
            if heard is not None:
                self._move(site, fast, heard, gone)

    def _move(self, site: int, fast: bool, heard: datetime, gone: datetime | None) -> None:
        """A port that came was not there before; one that only went is not there any more."""
        asked = self.asked
        if heard >= asked.since:
            lengths = asked.measured(site, heard, gone or asked.until)
            self.moved[site].append(_Moved(fast, lengths, int(lengths[0] > 0)))
        elif gone is not None and gone < asked.until:
            all_, opened, agreed = asked.measured(site, gone, asked.until)
            self.moved[site].append(_Moved(fast, (-all_, -opened, -agreed), 0))

    def added(self, site: int, tally: Tally, total: Sum, fast: Sum | None) -> tuple[Sum, Sum | None]:
        """The sums with what this site came to since."""
        moved = self.moved.get(site, ())
        alive, quick = tally.alive
        total = self._more(site, alive, total, moved)
        for rapid_ones in (False, True):
            if lost := self.lost.get((site, rapid_ones)):
                total = total._replace(lost=total.lost.plus(lost))
        moved = [one for one in moved if one.rapid]
        if fast is None and not moved:
            return total, None
        fast = self._more(site, quick, fast or NO_PORTS, moved)
        fast = fast._replace(lost=fast.lost.plus(self.lost.get((site, True), NONE_LOST)))
        return total, fast if fast.ports else None

    def _more(self, site: int, alive: int, total: Sum, moved: Sequence["_Moved"]) -> Sum:
        all_, opened, agreed = self.asked.whole(site)
        present, open_s, sla_s, lost, ports = total
        present, open_s, sla_s = present + alive * all_, open_s + alive * opened, sla_s + alive * agreed
        for _fast, lengths, came in moved:
            present, open_s, sla_s = present + lengths[0], open_s + lengths[1], sla_s + lengths[2]
            ports += came
        return Sum(present, open_s, sla_s, lost, ports)

    def newcomers(self, sites: Iterable[int], contracts: Contracts, days: int) -> dict[int, Three]:
        """Sites that had nothing by the last counted day."""
        found = {}
        for site in set(sites) & self.moved.keys():
            total, fast = self.added(site, NOTHING, NO_PORTS, None)
            if total.ports:
                found[site] = three(total, fast, contracts.of(site), days)
        return found


class _Moved(NamedTuple):
    """A port that came or went: how much longer it was there than what was there before; `came`: one more port."""

    rapid: bool
    lengths: tuple[int, int, int]
    came: int
