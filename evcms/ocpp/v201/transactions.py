"""OCPP 2.x, E: TransactionEvent, GetTransactionStatus."""

from collections.abc import Sequence

from billing import services as billing
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.readings import parse_time
from sessions import services
from sessions.vocabulary import Ended, SessionEnd, SessionStart, SessionUpdate, TokenDecision, Updated
from stations import commands
from stations.vocabulary import Answer

from . import words


def transaction_event(charger: Charger, payload: Payload) -> Payload:
    match payload["eventType"]:
        case "Started":
            return _answer(payload, billing.begin(start=_start(charger, payload)).decision)
        case "Updated":
            return _updated(charger, payload, services.update(update=_update(charger, payload)))
        case _:
            return _ended(charger, payload)


def transaction_events(messages: Sequence[tuple[Charger, Payload]]) -> list[Payload]:
    """Updates together, the others one by one: they are of different stations, so no order is lost."""
    updates = [message for message in messages if message[1]["eventType"] == "Updated"]
    results = iter(services.update_many(updates=[_update(*message) for message in updates]) if updates else [])
    return [
        _updated(charger, payload, next(results))
        if payload["eventType"] == "Updated"
        else transaction_event(charger, payload)
        for charger, payload in messages
    ]


def _updated(charger: Charger, payload: Payload, updated: Updated) -> Payload:
    """An update of a transaction that we do not know is the first sign of it: its start was lost."""
    if updated.session_id is not None:
        return _answer(payload, updated.decision)
    return _answer(payload, billing.begin(start=_start(charger, payload, lost=True)).decision)


def _ended(charger: Charger, payload: Payload) -> Payload:
    ended: Ended = billing.finish(end=_end(charger, payload))
    if ended.session_id is None:
        billing.begin(start=_start(charger, payload, lost=True))
        ended = billing.finish(end=_end(charger, payload))
    return _answer(payload, ended.decision) | _total(ended)


def _total(ended: Ended) -> Payload:
    """I03: what it has cost, with tax; 0 says that it was free. Left out when nobody knows a price."""
    cost = billing.final_cost(session_id=ended.session_id) if ended.session_id is not None else None
    return {} if cost is None else {"totalCost": cost}


def _answer(payload: Payload, decision: TokenDecision | None) -> Payload:
    """idTokenInfo exactly when a token was sent (E01.FR.11)."""
    if decision is None or "idToken" not in payload:
        return {}
    return {"idTokenInfo": words.id_token_info(decision, words.token(payload)[1])}


def _start(charger: Charger, payload: Payload, *, lost: bool = False) -> SessionStart:
    """Readings of an Ended stay with the end."""
    info, place = payload["transactionInfo"], payload.get("evse", {})
    value, token_type = words.token(payload)
    is_end = payload["eventType"] == "Ended"
    return SessionStart(
        station_id=charger.station_id,
        protocol=charger.protocol,
        at=parse_time(payload["timestamp"], charger.received_at),
        received_at=charger.received_at,
        transaction_id=info["transactionId"],
        evse=place.get("id") or None,
        connector=place.get("connectorId"),
        token_value="" if is_end else value,
        token_type=token_type,
        remote_start_id=info.get("remoteStartId"),
        reservation_id=payload.get("reservationId"),
        state=words.CHARGING_STATES.get(info.get("chargingState", "EVConnected")),
        seq_no=None if is_end else words.number(payload["seqNo"]),
        offline=payload.get("offline", False),
        start_lost=lost,
        samples=() if is_end else words.meter_values(payload.get("meterValue", ()), charger.received_at),
    )


def _update(charger: Charger, payload: Payload) -> SessionUpdate:
    info, place = payload["transactionInfo"], payload.get("evse", {})
    value, token_type = words.token(payload)
    return SessionUpdate(
        station_id=charger.station_id,
        transaction_id=info["transactionId"],
        at=parse_time(payload["timestamp"], charger.received_at),
        received_at=charger.received_at,
        state=words.CHARGING_STATES.get(info.get("chargingState", "")),
        evse=place.get("id") or None,
        connector=place.get("connectorId"),
        token_value=value,
        token_type=token_type,
        remote_start_id=info.get("remoteStartId"),
        seq_no=words.number(payload["seqNo"]),
        offline=payload.get("offline", False),
        trigger=payload["triggerReason"],
        judge=billing.judge,
        samples=words.meter_values(payload.get("meterValue", ()), charger.received_at),
    )


def _end(charger: Charger, payload: Payload) -> SessionEnd:
    info, place = payload["transactionInfo"], payload.get("evse", {})
    value, token_type = words.token(payload)
    return SessionEnd(
        station_id=charger.station_id,
        transaction_id=info["transactionId"],
        at=parse_time(payload["timestamp"], charger.received_at),
        received_at=charger.received_at,
        reason=info.get("stoppedReason", "Local"),
        token_value=value,
        token_type=token_type,
        evse=place.get("id") or None,
        connector=place.get("connectorId"),
        seq_no=words.number(payload["seqNo"]),
        offline=payload.get("offline", False),
        samples=words.meter_values(payload.get("meterValue", ()), charger.received_at),
        id_by_station=True,
    )


def _ask(command: commands.GetTransactionStatus) -> Call:
    return Call("GetTransactionStatus", {"transactionId": command.transaction_id})


def _told(command: commands.GetTransactionStatus, payload: Payload) -> Answer:
    """The answer has no status of its own; `sessions` reads its members."""
    return Answer(True, "Accepted", payload)


HANDLERS = {"TransactionEvent": transaction_event}
MANY = {"TransactionEvent": transaction_events}
COMMANDS = {commands.GetTransactionStatus: CommandCodec(_ask, _told)}
