"""The live tape: what the event log says, in words, for those who may see where it happened."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from alerts.models import Incident
from alerts.queries import incidents
from billing.models import Payment
from billing.queries import payments
from evcms.core.access import Access, Permission
from evcms.core.models import Event
from evcms.templatetags import figures, statuses
from sessions.models import Attempt, ChargingSession
from sessions.queries import attempts, sessions
from stations import queries as stations
from stations.models import Connector, Station

LOOKED_AT: Final = 300  # newest events that are looked at for one tape
MOST: Final = 30

KINDS: Final[dict[str, tuple[object, tuple[str, ...]]]] = {
    "sessions": (gettext_lazy("Sessions"), ("SessionStarted", "SessionEnded", "SessionFailed")),
    "connectors": (gettext_lazy("Connectors"), ("ConnectorStatusChanged",)),
    "links": (gettext_lazy("Links"), ("StationConnected", "StationDisconnected", "StationBooted", "GatewayLost")),
    "incidents": (gettext_lazy("Incidents"), ("IncidentOpened", "IncidentResolved")),
    "money": (gettext_lazy("Money"), ("PaymentAuthorized", "PaymentSettled", "PaymentReleased", "PaymentFailed")),
}


@dataclass(frozen=True)
class Line:
    """`status` gives shape and colour, `url` leads to the row behind it."""

    at: datetime
    status: str
    text: str
    url: str
    zone: str


@dataclass
class Rows:
    """The visible rows that a stretch of the log speaks of, by primary key."""

    stations: dict[int, Station] = field(default_factory=dict)
    connectors: dict[int, Connector] = field(default_factory=dict)
    sessions: dict[int, ChargingSession] = field(default_factory=dict)
    attempts: dict[int, Attempt] = field(default_factory=dict)
    incidents: dict[int, Incident] = field(default_factory=dict)
    payments: dict[int, Payment] = field(default_factory=dict)


def tape(access: Access, kind: str = "") -> list[Line]:
    """The newest lines, newest first; at most 7 queries however long the log is."""
    names = KINDS[kind][1] if kind in KINDS else tuple(name for _label, many in KINDS.values() for name in many)
    if not access.can(Permission.MONEY):
        names = tuple(name for name in names if not name.startswith("Payment"))
    log = list(Event.objects.filter(name__in=names).order_by("-pk")[:LOOKED_AT])
    rows = _rows(access, log)
    lines = (_line(event, rows) for event in log)
    return [line for line in lines if line][:MOST]


def _rows(access: Access, log: Iterable[Event]) -> Rows:
    wanted: dict[str, set[int]] = {}
    for event in log:
        for name, value in event.payload.items():
            if isinstance(value, int) and not isinstance(value, bool):
                wanted.setdefault(name, set()).add(value)
            elif name == "station_ids":
                wanted.setdefault("station_id", set()).update(value[:1])
    found = Rows()
    sources: dict[str, tuple[dict[int, Any], Callable[[], Any]]] = {  # Any: rows of six models
        "station_id": (found.stations, lambda: stations.stations(access)),
        "connector_id": (found.connectors, lambda: stations.connectors(access)),
        "session_id": (found.sessions, lambda: sessions(access)),
        "attempt_id": (found.attempts, lambda: attempts(access)),
        "incident_id": (found.incidents, lambda: incidents(access)),
        "payment_id": (found.payments, lambda: payments(access)),
    }
    for name, (known, source) in sources.items():
        ids = wanted.get(name, set()) - ({0} if name != "attempt_id" else set())
        if ids and (name != "attempt_id" or any(event.name == "SessionFailed" for event in log)):
            known.update({row.pk: row for row in source().filter(pk__in=ids)})
    return found


def _line(event: Event, rows: Rows) -> Line | None:
    """None when what it speaks of is not there, or not this person's to see."""
    says = event.payload
    tellers: tuple[tuple[str, dict[int, Any], Callable[[Event, Any], Line]], ...] = (  # Any: rows of four models
        ("session_id", rows.sessions, _session),
        ("incident_id", rows.incidents, _incident),
        ("payment_id", rows.payments, _payment),
        ("connector_id", rows.connectors, _connector),
    )
    for name, known, tell in tellers:
        if says.get(name):
            row = known.get(says[name])
            return tell(event, row) if row else None
    if event.name == "SessionFailed":
        attempt = rows.attempts.get(says["attempt_id"])
        return _failed(event, attempt) if attempt else None
    station = rows.stations.get(says.get("station_id") or next(iter(says.get("station_ids", ())), 0))
    return _station(event, station) if station else None


def _zone(station: Station) -> str:
    return station.site.time_zone if station.site else ""


def _session(event: Event, row: ChargingSession) -> Line:
    url = reverse("session", args=[row.public_id])
    place = row.connector or row.station
    if event.name == "SessionStarted":
        return Line(event.created_at, "charging", _("Session started at %(place)s") % {"place": place}, url, _site(row))
    text = _("Session ended at %(place)s: %(energy)s")
    said = text % {"place": place, "energy": figures.kwh(row.energy_mwh)}
    return Line(event.created_at, "ended", said, url, _site(row))


def _site(row: ChargingSession) -> str:
    return row.site.time_zone if row.site else ""


def _failed(event: Event, row: Attempt) -> Line:
    text = _("A start at %(place)s came to nothing: %(cause)s")
    said = text % {"place": row.connector or row.station, "cause": row.get_cause_display()}
    return Line(event.created_at, "failed", said, reverse("attempts") + "?state=failed", "")


def _incident(event: Event, row: Incident) -> Line:
    opened = event.name == "IncidentOpened"
    said = row.title if opened else _("Over: %(title)s") % {"title": row.title}
    status = statuses.SEVERITIES.get(row.severity, "warning") if opened else "resolved"
    zone = row.site.time_zone if row.site else ""
    return Line(event.created_at, status, said, reverse("incident", args=[row.pk]), zone)


def _payment(event: Event, row: Payment) -> Line:
    words = {
        "PaymentAuthorized": ("held", _("%(amount)s held for %(place)s"), row.hold_minor),
        "PaymentSettled": ("captured", _("%(amount)s paid at %(place)s"), row.captured_minor),
        "PaymentReleased": ("released", _("A hold of %(amount)s at %(place)s is released"), row.hold_minor),
        "PaymentFailed": ("failed", _("A payment of %(amount)s at %(place)s failed"), row.due_minor or row.hold_minor),
    }
    status, text, minor = words[event.name]
    url = reverse("session", args=[row.session.public_id]) if row.session else ""
    said = text % {"amount": figures.amount(minor, row.currency), "place": row.connector}
    return Line(event.created_at, status, said, url, _zone(row.connector.station))


def _connector(event: Event, row: Connector) -> Line:
    status = event.payload["status"]
    said = f"{row}: {statuses.look(status).word}"
    if not event.payload["live"]:
        said = _("%(what)s (reported late)") % {"what": said}
    return Line(event.created_at, status, said, reverse("station", args=[row.station.identity]), _zone(row.station))


def _station(event: Event, row: Station) -> Line:
    name = str(row)
    words = {
        "StationConnected": ("online", _("%(station)s is online")),
        "StationDisconnected": ("offline", _("%(station)s went offline")),
        "StationBooted": ("online", _("%(station)s has started")),
        "GatewayLost": ("critical", _("The charger gateway was lost: %(station)s and others are offline")),
        "ConnectorStatusChanged": (event.payload.get("status", ""), _("%(station)s, the whole station")),
    }
    status, text = words[event.name]
    said = text % {"station": name}
    if event.name == "ConnectorStatusChanged":
        said = f"{said}: {statuses.look(status).word}"
    return Line(event.created_at, status, said, reverse("station", args=[row.identity]), _zone(row))
