"""OCPP 2.x, E: TransactionEvent, GetTransactionStatus."""

from collections.abc import Sequence
from decimal import Decimal

from billing import services as billing
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.readings import parse_time
from sessions import services
from sessions.vocabulary import Ended, SessionEnd, SessionStart, SessionUpdate, TokenDecision
from stations import commands
from stations.vocabulary import Answer

from . import words

Message = tuple[Charger, Payload]


def transaction_event(charger: Charger, payload: Payload) -> Payload:
    return transaction_events([(charger, payload)])[0]


def transaction_events(messages: Sequence[Message]) -> list[Payload]:
    """Those of one kind together: they are of different stations, so no order is lost."""
    answers: dict[int, Payload] = {}
    for kind, take in (("Started", _begun), ("Updated", _updated), ("Ended", _ended)):
        some = [message for message in messages if message[1]["eventType"] == kind]
        answers |= zip((charger.station_id for charger, _ in some), take(some), strict=True)
    _tell_cars(messages)
    return [answers[charger.station_id] for charger, _ in messages]


def _tell_cars(messages: Sequence[Message]) -> None:
    """A station that knows the car beside its driver's card says so (autocharge is offered to him)."""
    for charger, payload in messages:
        if vehicle := words.car(payload):
            number = payload.get("evse", {}).get("id")
            billing.car_reported(station_id=charger.station_id, vehicle=vehicle, evse=number or None)


def _begun(messages: Sequence[Message], *, lost: bool = False) -> list[Payload]:
    found = billing.begin_many(starts=[_start(*message, lost=lost) for message in messages])
    return [_answer(payload, started.decision) for (_, payload), started in zip(messages, found, strict=True)]


def _updated(messages: Sequence[Message]) -> list[Payload]:
    """An update of a transaction that we do not know is the first sign of it: its start was lost."""
    found = services.update_many(updates=[_update(*message) for message in messages])
    pairs = list(zip(messages, found, strict=True))
    begun = iter(_begun([message for message, updated in pairs if updated.session_id is None], lost=True))
    return [
        next(begun) if updated.session_id is None else _answer(payload, updated.decision)
        for (_, payload), updated in pairs
    ]


def _ended(messages: Sequence[Message]) -> list[Payload]:
    found = _finished(messages)
    costs = billing.final_costs(session_ids=[ended.session_id for ended in found if ended.session_id is not None])
    pairs = zip(messages, found, strict=True)
    return [
        _answer(payload, ended.decision) | _total(costs.get(ended.session_id or 0)) for (_, payload), ended in pairs
    ]


def _finished(messages: Sequence[Message]) -> list[Ended]:
    """An end of a transaction that we do not know is its first sign, too: begun, then ended."""
    found = billing.finish_many(ends=[_end(*message) for message in messages])
    lost = [message for message, ended in zip(messages, found, strict=True) if ended.session_id is None]
    _begun(lost, lost=True)
    again = iter(billing.finish_many(ends=[_end(*message) for message in lost]))
    return [next(again) if ended.session_id is None else ended for ended in found]


def _total(cost: Decimal | None) -> Payload:
    """I03: what it has cost, with tax; 0 says that it was free. Left out when nobody knows a price."""
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
