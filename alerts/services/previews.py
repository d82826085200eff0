"""What an exception would have changed: its trouble counted in the rows of the past, as it stands and with the rule.

Where only the present is kept (a clock's error, a reader's link), the incidents that there were are counted instead:
they tell what a rule would have left out, not what it would have found besides, and the page says so.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from alerts import hindsight
from alerts.catalogue import CATALOGUE, Span
from alerts.models import Incident, Notification, ProblemReport
from alerts.rulebook import Setting, Spot
from alerts.vocabulary import IncidentKind, NotificationState
from billing import signs as money
from evcms.core import clock
from evcms.core.access import Access
from sessions import signs
from stations import fleet, history
from stations.fleet import Standing
from stations.queries import stations, visible_sites

LOOKS_BACK: Final = timedelta(days=30)
K = IncidentKind
SettingOf = Callable[[Spot], Setting]


@dataclass(frozen=True)
class Past:
    """The places of a rule, and since when they are looked at."""

    kind: IncidentKind
    organization_id: int
    stations: dict[int, Standing]
    sites: dict[int, Spot]
    whole: bool  # the organization itself is one of its places
    since: datetime

    def spot(self, station_id: int) -> Spot:
        one = self.stations[station_id]
        return Spot(one.organization_id, one.site_id, one.id, one.model, one.zone)


Count = Callable[[Past, SettingOf], int]


def past_of(access: Access, kind: IncidentKind, concerns: Callable[[Spot], bool]) -> Past:
    """The stations and sites that the person sees and the rule concerns."""
    seen = set(stations(access).values_list("pk", flat=True))
    every = {one.id: one for one in fleet.standing() if one.id in seen}
    organization = access.organization
    sites = {row.pk: Spot(organization.pk, row.pk, zone=row.time_zone) for row in visible_sites(access)}
    past = Past(
        kind=kind,
        organization_id=organization.pk,
        stations=every,
        sites={pk: spot for pk, spot in sites.items() if concerns(spot)},
        whole=access.all_sites and concerns(Spot(organization.pk)),
        since=clock.now() - LOOKS_BACK,
    )
    for pk in [pk for pk in every if not concerns(past.spot(pk))]:
        del every[pk]
    return past


def count(past: Past, setting_of: SettingOf) -> int:
    return COUNTS.get(past.kind, _incidents)(past, setting_of)


def caveat(kind: IncidentKind) -> Promise | str:
    """Why the rows of the past do not tell all; "" when they do."""
    return CAVEATS.get(kind, "")


def _wanted(setting: Setting, zone: str) -> hindsight.Wanted:
    return lambda at: setting.holds(at, zone)


# Stretches and bursts ----------------------------------------------------------------------------------------


def _offline(past: Past, setting_of: SettingOf) -> int:
    found, now, total = history.links(past.stations, since=past.since), clock.now(), 0
    for pk in past.stations:
        spans = history.gaps(found.get(pk, []), now)
        total += _lasting(spans, setting_of(past.spot(pk)), past.spot(pk).zone)
    return total


def _lasting(spans: Iterable[tuple[datetime, datetime]], setting: Setting, zone: str) -> int:
    return hindsight.lasting(spans, duration=setting.duration, wanted=_wanted(setting, zone))


def _faults(connectors: bool) -> Count:
    def counted(past: Past, setting_of: SettingOf) -> int:
        found = history.faults(past.stations, since=past.since, until=clock.now(), connectors=connectors)
        spots = {place: past.spot(place[0]) for place in found}
        return sum(_lasting(spans, setting_of(spots[place]), spots[place].zone) for place, spans in found.items())

    return counted


def _alarms(past: Past, setting_of: SettingOf) -> int:
    found = history.alarms(past.stations, since=past.since, until=clock.now())
    spots = {place: past.spot(place[0]) for place in found}
    return sum(_lasting(spans, setting_of(spots[place]), spots[place].zone) for place, spans in found.items())


def _bursts(moments: Sequence[datetime], setting: Setting, zone: str, threshold: int | None = None) -> int:
    return hindsight.bursts(
        moments,
        threshold=max(1, threshold or setting.threshold),
        within=setting.duration,
        wanted=_wanted(setting, zone),
    )


def _of_stations(
    read: Callable[[Past], Mapping[tuple[int, object], Sequence[datetime]]], *, each: bool = False
) -> Count:
    """Moments by (station, whatever parts them). `each`: every one counts, the threshold is of something else."""

    def counted(past: Past, setting_of: SettingOf) -> int:
        total = 0
        for (pk, _part), moments in read(past).items():
            spot = past.spot(pk)
            total += _bursts(moments, setting_of(spot), spot.zone, 1 if each else None)
        return total

    return counted


def _links(past: Past) -> dict[tuple[int, object], list[datetime]]:
    found = history.links(past.stations, since=past.since)
    return {(pk, None): [opened for opened, _closed in spans] for pk, spans in found.items()}


def _boots(past: Past) -> dict[tuple[int, object], list[datetime]]:
    return {(pk, None): moments for pk, moments in history.boots(past.stations, since=past.since).items()}


def _reports(past: Past) -> dict[tuple[int, object], list[datetime]]:
    rows = ProblemReport.objects.filter(connector__station__in=list(past.stations), created_at__gte=past.since)
    found: dict[tuple[int, object], list[datetime]] = {}
    columns = ("connector__station_id", "connector_id", "created_at")
    for station, connector, at in rows.order_by("created_at").values_list(*columns):
        found.setdefault((station, connector), []).append(at)
    return found


# Charging and money --------------------------------------------------------------------------------------------


def _start_failures(past: Past, setting_of: SettingOf) -> int:
    total = 0
    for (pk, _connector), tries in signs.starts(past.stations, since=past.since).items():
        total += _rows(tries, setting_of(past.spot(pk)), past.spot(pk).zone)
    return total


def _rows(tries: Sequence[tuple[datetime, bool]], setting: Setting, zone: str) -> int:
    """`tries`: (moment, failed) in their order."""
    return hindsight.rows(tries, threshold=setting.threshold, within=setting.duration, wanted=_wanted(setting, zone))


def _stuck(past: Past, setting_of: SettingOf) -> int:
    total = 0
    for pk, began, ended in signs.lengths(past.stations, since=past.since):
        spot = past.spot(pk)
        setting = setting_of(spot)
        opens = began + timedelta(hours=setting.threshold)
        total += opens < (ended or clock.now()) and setting.holds(opens, spot.zone)
    return total


def _payments(past: Past, setting_of: SettingOf) -> int:
    found = money.tries_by_site(past.organization_id, since=past.since)
    return sum(_rows(found.get(pk, ()), setting_of(spot), spot.zone) for pk, spot in past.sites.items())


def _holds(past: Past, setting_of: SettingOf) -> int:
    """A hold that was still open so many hours before the bank would have freed it."""
    total = 0
    for hold in money.holds_of(past.organization_id, since=past.since):
        spot = past.sites.get(hold.site_id or 0)
        if spot is None:
            continue
        setting = setting_of(spot)
        opens = max(hold.began, hold.until - timedelta(hours=setting.threshold))
        over = min(hold.ended or hold.until, clock.now())
        total += opens < over and setting.holds(opens, spot.zone)
    return total


def _to_nobody(past: Past, setting_of: SettingOf) -> int:
    if not past.whole:
        return 0
    rows = Notification.objects.filter(
        organization=past.organization_id, state=NotificationState.FAILED, created_at__gte=past.since
    )
    moments = list(rows.order_by("created_at").values_list("created_at", flat=True))
    return _bursts(moments, setting_of(Spot(past.organization_id)), "UTC")


# By the incidents that there were ------------------------------------------------------------------------------


def _incidents(past: Past, setting_of: SettingOf) -> int:
    """Those that would have opened: wanted at that moment, and long enough for what must last."""
    usual, now, total = CATALOGUE[past.kind], clock.now(), 0
    rows = Incident.objects.filter(organization=past.organization_id, kind=past.kind, opened_at__gte=past.since)
    for row in rows:
        spot = _spot(past, row)
        if spot is None:
            continue
        setting = setting_of(spot)
        longer = setting.duration - timedelta(seconds=usual.duration_s) if usual.span == Span.FOR else timedelta()
        opens = row.opened_at + max(longer, timedelta())
        total += opens <= (row.resolved_at or now) and setting.holds(opens, spot.zone)
    return total


def _spot(past: Past, row: Incident) -> Spot | None:
    """Where it was, when that is one of the rule's places."""
    if row.station_id in past.stations:
        return past.spot(row.station_id)
    if row.station_id is None and row.site_id in past.sites:
        return past.sites[row.site_id]
    whole = row.station_id is None and row.site_id is None and past.whole
    return Spot(past.organization_id) if whole else None


COUNTS: Final[dict[IncidentKind, Count]] = {
    K.STATION_OFFLINE: _offline,
    K.LINK_FLAPPING: _of_stations(_links),
    K.BOOT_LOOP: _of_stations(_boots),
    K.CONNECTOR_FAULTED: _faults(connectors=True),
    K.STATION_FAULTED: _faults(connectors=False),
    K.METER: _of_stations(lambda past: signs.discrepancies(past.stations, since=past.since)),
    K.STATION_ALARM: _alarms,
    K.SECURITY_EVENT: _of_stations(lambda past: history.security(past.stations, since=past.since)),
    K.FIRMWARE_FAILED: _of_stations(lambda past: history.failed_updates(past.stations, since=past.since), each=True),
    K.DRIVER_REPORT: _of_stations(_reports),
    K.START_FAILURES: _start_failures,
    K.STUCK_SESSION: _stuck,
    K.PAYMENT_FAILURES: _payments,
    K.HOLD_LAPSING: _holds,
    K.DEAD_DELIVERY: _to_nobody,
}

_TOGETHER: Final = _("It is found by looking at all stations at one moment.")
CAVEATS: Final[dict[IncidentKind, Promise | str]] = {
    K.FIRMWARE_FAILED: _("Of an update only the last word is kept: those that stood still for a while are left out."),
    K.STUCK_SESSION: _("Sessions of which nothing was heard for a while are left out."),
    K.PAYMENT_FAILURES: _("Failures in a row are counted, for each site."),
    K.NO_ENERGY: _("Readings of sessions that are over are not gone through again."),
    K.CLOCK_SKEW: _("Only the present error of a clock is kept."),
    K.SILENT_STATION: _("What was usual at a past hour is not kept."),
    K.EARLY_FAULT: _("Charts keep how a connector is, not how it was."),
    K.SITE_POWER: _("Readings of a month are too many to be added up for a page."),
    K.READER_OFFLINE: _("Only the present state of a reader is kept."),
    K.SITE_DARK: _TOGETHER,
    K.NETWORK_DARK: _TOGETHER,
    K.MANY_DARK: _TOGETHER,
    K.FIRMWARE_TROUBLE: _TOGETHER,
    K.GATEWAY_LOST: _("A gateway's end is told once."),
}
