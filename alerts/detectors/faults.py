"""What stations say of themselves: faults, readings that do not add up, security events, firmware."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _

from alerts.catalogue import is_dangerous
from alerts.models import Incident
from alerts.vocabulary import IncidentKind
from sessions import signs
from stations import fleet
from stations.faultwords import headline
from stations.fleet import Standing
from stations.reports import MonitorSeverity

from .finding import Finding, View
from .links import clock_is_wrong

SAME_CAUSE: Final = timedelta(minutes=2)  # between an alarm and the status that tells of the same


def connector_faulted(view: View) -> Iterator[Finding]:
    for fault in fleet.faulted_connectors():
        station = view.stations.get(fault.station_id)
        if station is None:
            continue
        title = _("%(what)s reports a fault") % {"what": fault.label} + _code(fault.error)
        yield view.at_station(
            IncidentKind.CONNECTOR_FAULTED,
            f"fault:connector:{fault.connector_id}",
            station,
            title,
            fault.since,
            connector_id=fault.connector_id,
            symptom=f"{IncidentKind.CONNECTOR_FAULTED} {fault.error}",
            danger=is_dangerous(fault.error),
            error_code=fault.error,
            info=fault.info,
        )


def station_faulted(view: View) -> Iterator[Finding]:
    kind = IncidentKind.STATION_FAULTED
    for station in view.stations.values():
        if station.faulted:
            title = _("%(what)s reports a fault") % {"what": station.label} + _code(station.error)
            yield view.at_station(
                kind,
                f"fault:station:{station.id}",
                station,
                title,
                station.status_at or view.now,
                symptom=f"{kind} {station.error}",
                danger=is_dangerous(station.error),
                error_code=station.error,
            )


def _code(error: str) -> str:
    words = headline(error)
    return f": {words}" if words else ""


def readings(view: View) -> Iterator[Finding]:
    kind = IncidentKind.METER
    for span in view.book.spans(kind):
        for row in signs.oddities(since=view.now - span):
            station = view.counted(kind, row.station_id, span, row.count)
            if station is not None and not _is_told_by_its_clock(view, station, row):
                title = _("%(station)s: %(what)s") % {"station": station.label, "what": row.word}
                yield view.at_station(kind, f"meter:{station.id}:{row.kind}", station, title, row.first_at)


def _is_told_by_its_clock(view: View, station: Standing, row: signs.Oddity) -> bool:
    """A clock that is wrong, or was when the reading came, has an incident of its own: one cause, one incident."""
    if row.kind != signs.WRONG_CLOCK:
        return False
    was = Incident.objects.filter(kind=IncidentKind.CLOCK_SKEW, stations=station.id, last_seen_at__gte=row.first_at)
    return clock_is_wrong(view, station) or was.exists()


def security(view: View) -> Iterator[Finding]:
    kind = IncidentKind.SECURITY_EVENT
    for span in view.book.spans(kind):
        for row in fleet.security_events(since=view.now - span):
            station = view.counted(kind, row.station_id, span, row.count)
            if station is not None:
                title = _("%(station)s reports: %(event)s") % {"station": station.label, "event": row.type}
                key = f"security:{station.id}:{row.type}"
                yield view.at_station(kind, key, station, title, row.first_at, info=row.info)


def alarms(view: View) -> Iterator[Finding]:
    """What the station's own monitors say, as long as it stands. A fault of the same time tells it already."""
    kind = IncidentKind.STATION_ALARM
    found = fleet.alarms()
    faults = {fault.connector_id: fault.since for fault in fleet.faulted_connectors()} if found else {}
    for row in found:
        station = view.stations.get(row.station_id)
        if station is None:
            continue
        fault = station.status_at if station.faulted else faults.get(row.connector_id or 0)
        if fault is not None and fault <= row.since + SAME_CAUSE:
            continue
        title = _("%(station)s raises an alarm: %(subject)s, %(severity)s") % {
            "station": station.label, "subject": row.subject, "severity": row.severity_word,
        }  # fmt: skip
        yield view.at_station(
            kind, f"alarm:{station.id}:{row.subject}", station, title, row.since, connector_id=row.connector_id,
            symptom=f"{kind} {row.subject}", danger=row.severity == MonitorSeverity.DANGER, value=row.value,
            info=row.info,
        )  # fmt: skip


def firmware(view: View) -> Iterator[Finding]:
    """Failed, or not moved for too long. An update that is newer ends the trouble of the one before."""
    for span in view.book.spans(IncidentKind.FIRMWARE_FAILED):
        yield from _firmware(view, span)


def _firmware(view: View, span: timedelta) -> Iterator[Finding]:
    kind = IncidentKind.FIRMWARE_FAILED
    for row in fleet.firmware_updates(since=view.now - span):
        station = view.counted(kind, row.station_id, span)
        if station is None:
            continue
        said = {"station": station.label, "version": row.version or "?", "state": row.state_word}
        patience = timedelta(minutes=view.setting(kind, station).threshold)
        if row.trouble:
            title = _("Firmware %(version)s of %(station)s: %(state)s") % said
        elif not row.ended and view.now - row.moved_at >= patience:
            title = _("Firmware %(version)s of %(station)s does not move on: %(state)s") % said
        else:
            continue
        yield view.at_station(kind, f"firmware:{station.id}", station, title, row.moved_at, info=row.info)
