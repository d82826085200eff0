"""OCPP 1.6: 4.8 StartTransaction, 4.10 StopTransaction."""

from collections.abc import Sequence

from billing import services
from evcms.ocpp.charger import Charger, Payload
from evcms.ocpp.errors import InternalError
from evcms.ocpp.readings import parse_time
from sessions.vocabulary import SessionEnd, SessionStart, Started, TokenDecision, Verdict

from . import words


def start_transaction(charger: Charger, payload: Payload) -> Payload:
    """Answered with an id whatever the token is worth: the energy that flows has to be told to somebody (4.8)."""
    return start_transactions([(charger, payload)])[0]


def start_transactions(messages: Sequence[tuple[Charger, Payload]]) -> list[Payload]:
    started = services.begin_many(starts=[_start(charger, payload) for charger, payload in messages])
    return [_started(each) for each in started]


def _start(charger: Charger, payload: Payload) -> SessionStart:
    connector = payload["connectorId"]
    return SessionStart(
        station_id=charger.station_id,
        protocol=charger.protocol,
        at=parse_time(payload["timestamp"], charger.received_at),
        received_at=charger.received_at,
        evse=connector if connector > 0 else None,
        connector=1,
        token_value=payload["idTag"],
        meter_start_mwh=words.milliwatt_hours(payload["meterStart"]),
        reservation_id=payload.get("reservationId"),
    )


def _started(started: Started) -> Payload:
    decision = started.decision or TokenDecision(Verdict.INVALID)
    return {"idTagInfo": words.id_tag_info(decision), "transactionId": _whole(started.transaction_id)}


def _whole(transaction_id: str) -> int:
    number = int(transaction_id)
    if not 0 < number < 2**31:  # a signed 32-bit number is what stations keep
        raise InternalError("out of transaction ids")
    return number


def stop_transaction(charger: Charger, payload: Payload) -> Payload:
    return stop_transactions([(charger, payload)])[0]


def stop_transactions(messages: Sequence[tuple[Charger, Payload]]) -> list[Payload]:
    ended = services.finish_many(ends=[_end(charger, payload) for charger, payload in messages])
    return [{} if each.decision is None else {"idTagInfo": words.id_tag_info(each.decision)} for each in ended]


def _end(charger: Charger, payload: Payload) -> SessionEnd:
    return SessionEnd(
        station_id=charger.station_id,
        transaction_id=str(payload["transactionId"]),
        at=parse_time(payload["timestamp"], charger.received_at),
        received_at=charger.received_at,
        meter_stop_mwh=words.milliwatt_hours(payload["meterStop"]),
        reason=payload.get("reason", "Local"),
        token_value=payload.get("idTag", ""),
        samples=words.meter_values(payload.get("transactionData", []), charger.received_at),
    )


HANDLERS = {"StartTransaction": start_transaction, "StopTransaction": stop_transaction}
MANY = {"StartTransaction": start_transactions, "StopTransaction": stop_transactions}
