"""Counts the interval store by site and local day (`AvailabilityDay`), behind the store as that is behind the gateway.

A mark for each site says by the beginning of which day it is counted. Who writes intervals of an earlier day lowers the
mark in the same transaction (`moved`), who moves ports takes it away (`forget`); the next sweep counts from there on,
and until then the pages read the intervals of that site. Both lock the mark (always after the marks of stations), so
what the sweep did not see it counts again. Counting starts from the intervals each time: twice, late, or killed in
between gives the same rows. Hours, zones and contracts need nobody: a page that finds others than were counted reads
intervals. Ports that changed behind the services' back (the admin) are found by the next sweep.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Final, NamedTuple

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet, Sum

from evcms.core import clock
from evcms.core.models import Organization
from stations.availability import between
from stations.availability_days import day_of, midnight, rules_of
from stations.calendars import Calendar
from stations.models import AvailabilityDay, AvailabilityDayMark, AvailabilityInterval, Evse, Site
from stations.tallies import NOTHING, Outage, Port, Rules, Tally, by_day
from stations.uptime_ground import ALWAYS, Ground, contracts, rapid
from stations.uptimes import SITE, kinds
from stations.vocabulary import PortState

SETTLES: Final = timedelta(minutes=10)  # after midnight: most of what a day had to say has been said
CHUNK: Final = 50  # sites in one transaction
BATCH: Final = 1000
BUDGET_S: Final = 20.0  # of a sweep; the next one goes on
SPREAD: Final = 9_973  # a prime, so that ports of equal count and sum of numbers are still told apart


def moved(first: Mapping[int, datetime]) -> None:
    """Intervals or ports of these sites changed, from these moments on: in the caller's transaction."""
    marks = _locked(first)
    for mark in marks:
        if mark.day and mark.day > (day := day_of(first[mark.site_id], mark.zone)):
            AvailabilityDayMark.objects.filter(pk=mark.pk).update(day=day)


def forget(sites: Iterable[int | None]) -> None:
    """Ports of these sites came, went, or became rapid: in the caller's transaction."""
    wanted = {site for site in sites if site}
    _locked(wanted)
    AvailabilityDayMark.objects.filter(site__in=wanted).update(day=None)


def _locked(sites: Iterable[int]) -> list[AvailabilityDayMark]:
    """Their marks, in order of sites. One that was not there is made: else nobody would wait for it."""
    wanted = set(sites)
    rows = AvailabilityDayMark.objects.select_for_update().filter(site__in=wanted).order_by("site_id")
    found = list(rows)
    if missing := wanted - {row.site_id for row in found}:
        fresh = [AvailabilityDayMark(site_id=site) for site in sorted(missing)]
        AvailabilityDayMark.objects.bulk_create(fresh, ignore_conflicts=True)
        found = list(rows.all())
    return found


# Counting -------------------------------------------------------------------------------------------


def count_availability_days(*, again: bool = False, budget_s: float = BUDGET_S) -> int:
    """Counts what is due, all sites' days up to the last midnight; how many sites were counted.

    `again`: all from the beginning, whatever stands.
    """
    begin, done = time.monotonic(), 0
    for organization in Organization.objects.order_by("pk"):
        if again:
            with transaction.atomic():
                forget(Site.objects.filter(organization=organization).values_list("pk", flat=True))
        due = _due(organization)
        for place in range(0, len(due), CHUNK):
            with transaction.atomic():
                done += _count(organization, due[place : place + CHUNK])
            if time.monotonic() - begin > budget_s:
                return done
    return done


def _last(organization: Organization) -> date:
    return day_of(clock.now() - SETTLES, organization.time_zone)


def _due(organization: Organization) -> list[int]:
    """Sites that are behind, or whose rules or ports are others than those that were counted."""
    sites = Site.objects.filter(organization=organization)
    rules, ports = rules_of(Ground(sites, contracts(organization)), organization.time_zone), _ports_of(sites)
    marks = {mark.site_id: mark for mark in AvailabilityDayMark.objects.filter(site__in=sites)}
    last = _last(organization)
    return [
        site
        for site in sorted(rules)
        if (mark := marks.get(site)) is None
        or mark.day is None
        or mark.day < last
        or (mark.rules, mark.ports) != (rules[site], ports.get(site, ""))
    ]


def _ports_of(sites: QuerySet[Site]) -> dict[int, str]:
    """Site → which ports it has, and which of them are rapid."""
    rows = Evse.objects.filter(station__site__in=sites).annotate(rapid=rapid("pk")).order_by()
    told: dict[int, list[str]] = defaultdict(list)
    sums = {"all": Count("pk"), "sum": Sum("pk"), "spread": Sum(F("pk") * (F("pk") % SPREAD))}
    for site, fast, *numbers in rows.values_list("station__site_id", "rapid").annotate(**sums).order_by("rapid"):
        told[site].append(".".join(str(int(number)) for number in (fast, *numbers)))
    return {site: "/".join(parts) for site, parts in told.items()}


class _Start(NamedTuple):
    """From where a site is counted; `whole`: from its first port on."""

    day: date
    whole: bool


def _count(organization: Organization, wanted: list[int]) -> int:
    """Some sites, from where each is counted on to the last day."""
    marks, last, zone = _locked(wanted), _last(organization), organization.time_zone
    sites = Site.objects.filter(pk__in=wanted)
    ground = Ground(sites, contracts(organization))
    rules, ports_of, ports = rules_of(ground, zone), _ports_of(sites), _ports(sites)
    starts = {}
    for mark in marks:
        now = (rules[mark.site_id], ports_of.get(mark.site_id, ""))
        first = min((port.heard for port in ports[mark.site_id]), default=None)
        heard = min(last, day_of(first, zone)) if first else last
        goes_on = (mark.rules, mark.ports) == now and mark.day is not None and mark.day > heard
        starts[mark.site_id] = _Start(mark.day, False) if goes_on and mark.day else _Start(heard, True)
        mark.zone, (mark.rules, mark.ports) = zone, now
        mark.day = max(last, starts[mark.site_id].day)
    _replace(ground, starts, last, zone, ports)
    AvailabilityDayMark.objects.bulk_update(marks, ["zone", "rules", "ports", "day"])
    return len(marks)


def _ports(sites: QuerySet[Site]) -> dict[int, list[Port]]:
    """Of each site, since when, and how long each was there."""
    found: dict[int, list[Port]] = defaultdict(list)
    rows = Evse.objects.filter(station__site__in=sites).annotate(rapid=rapid("pk"))
    for site, fast, heard, gone in rows.order_by().values_list(
        "station__site_id", "rapid", "heard_since", "gone_since"
    ):
        if site and heard:
            found[site].append(Port(fast, heard, gone))
    return found


def _replace(
    ground: Ground, starts: Mapping[int, _Start], last: date, zone: str, ports: Mapping[int, list[Port]]
) -> None:
    """The rows after each site's start."""
    wrong = Q(site__in=[site for site, start in starts.items() if start.whole])
    later: dict[date, list[int]] = defaultdict(list)
    for site, start in starts.items():
        if not start.whole:
            later[start.day].append(site)
    bases: dict[int, Tally] = {}
    for day, mine in later.items():
        wrong |= Q(site__in=mine, day__gt=day)
        rows = AvailabilityDay.objects.filter(site__in=mine, day=day)
        bases |= {site: Tally._make(values) for site, *values in rows.values_list("site_id", *Tally._fields)}
    AvailabilityDay.objects.filter(wrong).delete()
    outages = _outages(ground, midnight(min(start.day for start in starts.values()), zone), midnight(last, zone))
    made = [
        row
        for site, start in starts.items()
        for row in _rows(_Site(ground, site, zone), start.day, last, bases.get(site), ports[site], outages[site])
    ]
    AvailabilityDay.objects.bulk_create(made, batch_size=BATCH)


def _outages(ground: Ground, since: datetime, until: datetime) -> dict[int, list[Outage]]:
    found: dict[int, list[Outage]] = defaultdict(list)
    lost = between(AvailabilityInterval.objects.exclude(state=PortState.UP).order_by(), since, until)
    rows = lost.filter(evse__station__site__in=ground.sites).annotate(rapid=rapid("evse"))
    names = (SITE, "rapid", "cause", "excuses", "outage_s", "since", "until")
    for site, fast, cause, excuses, *lengths in rows.values_list(*names):
        found[site].append(Outage(fast, cause, kinds(excuses), *lengths))
    return found


class _Site(NamedTuple):
    ground: Ground
    pk: int
    zone: str

    def rules(self, since: datetime, until: datetime) -> Rules:
        contracts = self.ground.contracts
        zone, *hours = self.ground.clocked.get(self.pk, ("", ALWAYS, ALWAYS))
        opened, counted = (None if each.always else Calendar(each, zone, since, until) for each in hours)
        return Rules(opened, counted, contracts.of(self.pk), contracts.grace_of(self.pk) * 60)


def _rows(
    site: _Site, start: date, last: date, base: Tally | None, ports: list[Port], outages: list[Outage]
) -> Iterator[AvailabilityDay]:
    dates = [start + timedelta(days=number) for number in range((last - start).days + 1)]
    bounds = [midnight(day, site.zone) for day in dates]
    if len(bounds) < 2:
        return
    days = by_day(ports, outages, site.rules(bounds[0], bounds[-1]), bounds)
    totals = accumulate(days, Tally.plus, initial=base or NOTHING)
    for day, tally in zip(dates[1:], list(totals)[1:], strict=True):
        yield AvailabilityDay(site_id=site.pk, day=day, **tally._asdict())
