"""OCPP 2.1, E: what TransactionEvent says beyond 2.0.1: the terminal's reference (DirectPayment) and limits."""

from collections.abc import Sequence
from decimal import Decimal

from billing import services
from evcms.ocpp.charger import Charger, Payload
from evcms.ocpp.v201 import transactions
from sessions.vocabulary import TokenType


def transaction_event(charger: Charger, payload: Payload) -> Payload:
    return _further(charger, payload, transactions.transaction_event(charger, payload))


def transaction_events(messages: Sequence[tuple[Charger, Payload]]) -> list[Payload]:
    answers = transactions.transaction_events(messages)
    return [_further(*message, answer) for message, answer in zip(messages, answers, strict=True)]


def _further(charger: Charger, payload: Payload, answer: Payload) -> Payload:
    """Mere readings pass: only what has a token or a limit, or was asked for, is looked at."""
    info = payload["transactionInfo"]
    if "transactionLimit" in info:
        services.limit_set(station_id=charger.station_id, transaction_id=info["transactionId"])
    if payload["eventType"] == "Ended":
        return answer
    if payload["triggerReason"] == "Trigger":
        return answer | _limit(charger, info["transactionId"])
    if "idToken" not in payload:
        return answer
    if answer.get("idTokenInfo", {}).get("status") != "Accepted":
        return answer
    if payload["idToken"]["type"] == TokenType.DIRECT_PAYMENT:
        services.station_paid(
            station_id=charger.station_id,
            transaction_id=info["transactionId"],
            psp_ref=payload["idToken"]["idToken"],
            late=payload["eventType"] == "Updated",
        )
    return answer | _limit(charger, info["transactionId"])


def _limit(charger: Charger, transaction_id: str) -> Payload:
    """TransactionLimitType (E16): Wh of the session, seconds since its start."""
    limit = services.limit_for(station_id=charger.station_id, transaction_id=transaction_id)
    said: Payload = {}
    if limit is not None and limit.energy_mwh is not None:
        said["maxEnergy"] = Decimal(limit.energy_mwh) / 1000
    if limit is not None and limit.seconds is not None:
        said["maxTime"] = limit.seconds
    return {"transactionLimit": said} if said else {}


HANDLERS = {"TransactionEvent": transaction_event}
MANY = {"TransactionEvent": transaction_events}
