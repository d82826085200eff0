"""Trouble in sessions: no energy, no end, no start, and nobody where people usually are."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _

from alerts.vocabulary import IncidentKind
from sessions import signs

from .finding import Finding, View

SILENT_FOR: Final = timedelta(hours=6)  # a session of which an online station says nothing


def no_energy(view: View) -> Iterator[Finding]:
    """`since` is moved so that the readings themselves must have lasted: a silent station proves nothing."""
    kind = IncidentKind.NO_ENERGY
    for row in signs.standstills():
        station = view.stations.get(row.station_id)
        if station is None or row.until - row.since < view.setting(kind, station).duration:
            continue
        title = _("%(station)s charges without energy") % {"station": station.label}
        where = row.connector_id or station.id
        yield view.at_station(
            kind,
            f"no_energy:{where}",
            station,
            title,
            row.since,
            connector_id=row.connector_id,
            symptom=kind,
            session=row.session_id,
        )


def stuck(view: View) -> Iterator[Finding]:
    kind = IncidentKind.STUCK_SESSION
    before = view.now - timedelta(hours=view.book.least_threshold(kind))
    for row in signs.long_sessions(before=before, silent_before=view.now - SILENT_FOR):
        station = view.stations.get(row.station_id)
        if station is None or not station.online:
            continue
        long = row.started_at <= view.now - timedelta(hours=view.setting(kind, station).threshold)
        silent = row.heard_at <= view.now - SILENT_FOR
        if not long and not silent:
            continue
        endless, mute = _("A session at %(station)s does not end"), _("Nothing is heard of a session at %(station)s")
        yield view.at_station(
            kind,
            f"stuck:{row.session_id}",
            station,
            (endless if long else mute) % {"station": station.label},
            row.heard_at if silent else row.started_at,
            connector_id=row.connector_id,
            session=row.session_id,
        )


def start_failures(view: View) -> Iterator[Finding]:
    for span in view.book.spans(IncidentKind.START_FAILURES):
        yield from _start_failures(view, span)


def _start_failures(view: View, span: timedelta) -> Iterator[Finding]:
    kind = IncidentKind.START_FAILURES
    for row in signs.failed_starts(since=view.now - span, least=view.book.least_threshold(kind)):
        station = view.counted(kind, row.station_id, span, row.in_a_row)
        if station is None:
            continue
        title = _("Starts fail at %(station)s, one after the other") % {"station": station.label}
        where = f"connector:{row.connector_id}" if row.connector_id else f"station:{station.id}"
        yield view.at_station(
            kind,
            f"start_failures:{where}",
            station,
            title,
            row.newest,
            connector_id=row.connector_id,
            symptom=kind,
            causes=sorted(set(row.causes)),
        )
