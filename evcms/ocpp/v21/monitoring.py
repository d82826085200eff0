"""OCPP 2.1, N: two more kinds of monitors, and streams of a monitor's values (N11-N15)."""

from datetime import timedelta

from evcms.ocpp.charger import Charger, CommandCodec, Payload
from evcms.ocpp.readings import parse_time
from evcms.ocpp.v201.monitoring import TYPES_OF_21, keep, set_monitors, were_set
from stations import commands, services

LONGEST = 10**9  # seconds from a stream's base time


def open_stream(charger: Charger, payload: Payload) -> Payload:
    """A stream of a monitor that we do not know is refused: nobody could say what its values mean."""
    data = payload["constantStreamData"]
    known = services.stream_opened(
        station_id=charger.station_id, monitor_id=data["variableMonitoringId"], stream_id=data["id"]
    )
    return {"status": "Accepted" if known else "Rejected"}


def close_stream(charger: Charger, payload: Payload) -> Payload:
    services.stream_closed(station_id=charger.station_id, stream_id=payload["id"])
    return {}


def stream(charger: Charger, payload: Payload) -> Payload:
    """A SEND: `t` is seconds from the base time."""
    base = parse_time(payload["basetime"], charger.received_at)
    values = [
        services.StreamValue(base + timedelta(seconds=float(value["t"])), value["v"])
        for value in payload["data"]
        if abs(value["t"]) < LONGEST
    ]
    services.stream_reported(
        station_id=charger.station_id, stream_id=payload["id"], values=values, received_at=charger.received_at
    )
    return {}


HANDLERS = {
    "OpenPeriodicEventStream": open_stream,
    "ClosePeriodicEventStream": close_stream,
    "NotifyPeriodicEventStream": stream,
}
COMMANDS = {commands.SetMonitors: CommandCodec(set_monitors(TYPES_OF_21), were_set, keep)}
