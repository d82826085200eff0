"""OCPP 2.x, J: MeterValues, which are never a transaction's (J01.FR.14)."""

from collections.abc import Sequence

from evcms.ocpp.charger import Charger, Payload
from sessions import services
from sessions.vocabulary import MeterReport

from . import words


def _report(charger: Charger, payload: Payload) -> MeterReport:
    """EVSE 0 is the main meter."""
    return MeterReport(
        station_id=charger.station_id,
        evse=max(payload["evseId"], 0),
        samples=words.meter_values(payload["meterValue"], charger.received_at),
        received_at=charger.received_at,
    )


def meter_values(charger: Charger, payload: Payload) -> Payload:
    return meter_values_of_many([(charger, payload)])[0]


def meter_values_of_many(messages: Sequence[tuple[Charger, Payload]]) -> list[Payload]:
    services.record_many(reports=[_report(charger, payload) for charger, payload in messages])
    return [{} for _ in messages]


HANDLERS = {"MeterValues": meter_values}
MANY = {"MeterValues": meter_values_of_many}
