"""What was wrong in the past and is right again: incidents with their time-line, and maintenance that is over."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from alerts.catalogue import CATALOGUE, is_dangerous
from alerts.models import Incident, IncidentEntry
from alerts.services.watching import station_key
from alerts.subscribers import fault_key
from alerts.vocabulary import IncidentKind, IncidentState, Severity
from evcms.demo.charging import Place
from evcms.demo.street import Street
from evcms.simulator.past import PastOutage
from stations.faultwords import headline
from stations.models import MaintenanceWindow, Station, WindowState

SWEEP: Final = timedelta(seconds=5)  # alerts look at dark stations every ten seconds
LOSES_THE_TIME: Final = timedelta(hours=2)
SETS_THE_TIME: Final = timedelta(minutes=25)
MOST_CLOCKS: Final = 3
PLANNED_AHEAD: Final = timedelta(days=3)


@dataclass(frozen=True)
class _Trouble:
    incident: Incident
    station: Station
    closing: str


def load(street: Street, places: dict[tuple[str, int], Place], outages: list[PastOutage]) -> int:
    """Returns how many incidents there were."""
    windows = [outage for outage in outages if outage.kind == "maintenance"]
    MaintenanceWindow.objects.bulk_create([_window(street, outage) for outage in windows])
    troubles = [
        trouble
        for outage in outages
        for trouble in _incident(street, places, outage)
        if not any(_covers(window, outage) for window in windows)
    ]
    troubles += _wrong_clocks(street, outages)
    Incident.objects.bulk_create([trouble.incident for trouble in troubles])
    through = Incident.stations.through
    through.objects.bulk_create([through(incident_id=one.incident.pk, station_id=one.station.pk) for one in troubles])
    IncidentEntry.objects.bulk_create([entry for trouble in troubles for entry in _entries(trouble)])
    return len(troubles)


def _covers(window: PastOutage, outage: PastOutage) -> bool:
    return window.station == outage.station and window.start <= outage.start < window.end


def _window(street: Street, outage: PastOutage) -> MaintenanceWindow:
    return MaintenanceWindow(
        organization=street.access.organization,
        station=street.stations[outage.station],
        title="Yearly service",
        starts_at=outage.start,
        ends_at=outage.end,
        state=WindowState.ENDED,
        created_by=street.access.user,
        created_at=outage.start - PLANNED_AHEAD,
    )


def _incident(street: Street, places: dict[tuple[str, int], Place], outage: PastOutage) -> Iterator[_Trouble]:
    """A short gap of the link is none; a fault always is."""
    if outage.kind == "offline":
        after = timedelta(seconds=settings.STATION_OFFLINE_AFTER)
        if outage.end - outage.start > after + SWEEP:
            yield _offline(street, outage, outage.start + after + SWEEP)
    elif outage.kind == "fault" and outage.connector is not None:
        yield _fault(street, places[(outage.station, outage.connector)], outage)


def _offline(street: Street, outage: PastOutage, at: datetime) -> _Trouble:
    station = street.stations[outage.station]
    row = _row(street, IncidentKind.STATION_OFFLINE, station, at, outage.end)
    row.key = station_key(station.pk)
    row.title = _("%(station)s is offline") % {"station": station}
    row.detail = {"since": outage.start.isoformat()}
    return _Trouble(row, station, _("The station is online again"))


def _fault(street: Street, place: Place, outage: PastOutage) -> _Trouble:
    station = street.stations[outage.station]
    code = "" if place.counts_events else outage.code
    row = _row(street, IncidentKind.CONNECTOR_FAULTED, station, outage.start, outage.end)
    row.key = fault_key(station.pk, place.connector.pk)
    row.connector = place.connector
    words = headline(code)
    row.title = _("%(what)s reports a fault") % {"what": place.connector} + (f": {words}" if words else "")
    row.detail = {"error_code": code, "info": ""}
    if is_dangerous(code):
        row.severity = Severity.CRITICAL
    return _Trouble(row, station, _("Its status is %(status)s again") % {"status": "available"})


def _wrong_clocks(street: Street, outages: list[PastOutage]) -> Iterator[_Trouble]:
    """Who comes back after a long outage may have lost the time until somebody sets it."""
    long = [one for one in outages if one.kind == "offline" and one.end - one.start >= LOSES_THE_TIME]
    for outage in long[-MOST_CLOCKS:]:
        station = street.stations[outage.station]
        row = _row(street, IncidentKind.CLOCK_SKEW, station, outage.end, outage.end + SETS_THE_TIME)
        row.key = f"clock_skew:{station.pk}"
        row.title = _("The clock of %(station)s is wrong by %(how)s") % {"station": station, "how": _("2 hours")}
        yield _Trouble(row, station, _("The clock is right again"))


def _row(street: Street, kind: IncidentKind, station: Station, opened: datetime, resolved: datetime) -> Incident:
    return Incident(
        organization=street.access.organization,
        kind=kind,
        severity=CATALOGUE[kind].severity,
        state=IncidentState.RESOLVED,
        site_id=station.site_id,
        station=station,
        opened_at=opened,
        resolved_at=resolved,
    )


def _entries(trouble: _Trouble) -> Iterator[IncidentEntry]:
    incident = trouble.incident
    opened = _("Opened: %(title)s") % {"title": incident.title}
    yield IncidentEntry(incident=incident, at=incident.opened_at, text=opened)
    if incident.resolved_at:
        yield IncidentEntry(incident=incident, at=incident.resolved_at, text=trouble.closing)
