"""What the API tells beyond a row's columns: a station's state in a word, who refused a command, what one waits for."""

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stations.models import Command, Connector, Station
from stations.queries import COVERING
from stations.vocabulary import CommandState, ConnectorStatus, Shown

IN_USE = frozenset({Shown.OCCUPIED, Shown.CHARGING, Shown.SUSPENDED, Shown.RESERVED})


class StationState(models.TextChoices):
    MAINTENANCE = "maintenance", gettext_lazy("a maintenance window covers it")
    OFFLINE = "offline", gettext_lazy("no live link")
    FAULTED = "faulted", gettext_lazy("no connector works, at least one for a fault")
    UNAVAILABLE = "unavailable", gettext_lazy("out of service")
    AVAILABLE = "available", gettext_lazy("a car can charge now")
    IN_USE = "in_use", gettext_lazy("no connector is free, at least one is used or reserved")
    UNKNOWN = "unknown", gettext_lazy("linked, but no connector has said anything yet")


class RefusedBy(models.TextChoices):
    STATION = "station", gettext_lazy("the station refused")
    US = "us", gettext_lazy("it was not sent")


def station_state(station: Station, connectors: list[Connector]) -> StationState:
    """`station` with `online` and `in_maintenance`, its connectors with `shown`: one free connector is enough."""
    if getattr(station, "in_maintenance", False):
        return StationState.MAINTENANCE
    if not getattr(station, "online", False):
        return StationState.OFFLINE
    if station.status in COVERING:
        faulted = station.status == ConnectorStatus.FAULTED
        return StationState.FAULTED if faulted else StationState.UNAVAILABLE
    shown = {getattr(connector, "shown", Shown.UNKNOWN) for connector in connectors}
    if Shown.AVAILABLE in shown:
        return StationState.AVAILABLE
    if shown & IN_USE:
        return StationState.IN_USE
    alike = (StationState.FAULTED, StationState.UNAVAILABLE)
    return next((state for state in alike if state in shown), StationState.UNKNOWN)


def refused_by(command: Command) -> RefusedBy | None:
    """A payload that breaks the schema, or is not in the station's version, never left us: `sent_at` stays empty."""
    if command.state == CommandState.UNSUPPORTED:
        return RefusedBy.US
    if command.state not in (CommandState.REJECTED, CommandState.CALLERROR):
        return None
    return RefusedBy.STATION if command.sent_at or command.answered_at else RefusedBy.US


def note(command: Command) -> str:
    """Why a queued one is not sent: a station is asked one thing at a time (OCPP-J 1.6 4.1.1, 2.0.1 part 4 4.1.1)."""
    if command.state != CommandState.QUEUED:
        return ""
    before = Command.objects.filter(station_id=command.station_id, state=CommandState.SENT).first()
    if before is None:
        return ""
    action = before.fields.get("action") if before.kind == "RawCall" else before.kind
    return _("Waits until the station has answered %(action)s of %(time)s.") % {
        "action": action,
        "time": f"{before.sent_at:%H:%M:%S} UTC" if before.sent_at else "",
    }
