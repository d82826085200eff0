"""Refunds: captured money given back, in whole or in parts, never more than is left."""

from typing import TYPE_CHECKING

from evcms.simulator.provider import cards, money
from evcms.simulator.provider.errors import ApiError, JsonObject, exclusive
from evcms.simulator.provider.resources import balance, common
from evcms.simulator.provider.routing import listing, retrieve, route

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
LATE_SECONDS = 5


def built(
    identifier: str,
    charge: JsonObject,
    *,
    amount: int,
    reason: str | None,
    metadata: JsonObject,
    created: int,
    balance_transaction: str | None,
    status: str = "succeeded",
) -> JsonObject:
    kind = "reversal" if not charge["captured"] else "refund"
    return {
        "id": identifier,
        "object": "refund",
        "amount": amount,
        "balance_transaction": balance_transaction,
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "destination_details": {
            "card": {
                "reference": None,
                "reference_status": "pending",
                "type": kind,
                "reference_type": "acquirer_reference_number",
            },
            "type": "card",
        },
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }


@route("POST", "/v1/refunds", "RefundCreateParams", "amount charge payment_intent metadata reason")
def create(call: "Call", values: JsonObject) -> JsonObject:
    charge = _charge(call, values)
    left = charge["amount"] - charge["amount_refunded"]
    amount = values.get("amount", left)
    _check(charge, amount, left)
    if values.get("reason") not in (None, *_REASONS):
        raise ApiError(f"Invalid reason: must be one of {', '.join(_REASONS)}", param="reason")
    return _given(call, charge, amount, values)


def _charge(call: "Call", values: JsonObject) -> JsonObject:
    if "charge" in values and "payment_intent" in values:
        raise exclusive("charge", "payment_intent")
    if "charge" in values:
        return call.fetch("charge", values["charge"], "charge")
    if "payment_intent" not in values:
        raise ApiError(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    intent = call.fetch("payment_intent", values["payment_intent"], "payment_intent")
    charge = call.store.get(intent["latest_charge"] or "")
    if charge is None or intent["status"] != "succeeded":
        raise ApiError(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            code="resource_missing",
            param="payment_intent",
        )
    return charge


def _check(charge: JsonObject, amount: int, left: int) -> None:
    identifier = charge["id"]
    if charge["disputed"]:
        raise ApiError(f"Charge {identifier} has been charged back; cannot issue a refund.", code="charge_disputed")
    if not charge["captured"] and not charge["refunded"]:
        raise ApiError(f"Charge {identifier} has not been captured. Cancel its PaymentIntent instead.", param="charge")
    if left <= 0:
        raise ApiError(f"Charge {identifier} has already been refunded.", code="charge_already_refunded")
    if amount < 1:
        raise ApiError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount > left:
        raise ApiError(
            f"Refund amount ({money.written(amount, charge['currency'])}) is greater than unrefunded amount on charge "
            f"({money.written(left, charge['currency'])})",
            param="amount",
        )
    money.check_step(amount, charge["currency"], "amount")


def _given(call: "Call", charge: JsonObject, amount: int, values: JsonObject) -> JsonObject:
    fate = cards.BEHAVIOURS[charge.get("_behaviour", "approve")].refund
    identifier = call.new_id("re")
    booked = balance.book(call, kind="refund", amount=-amount, currency=charge["currency"], source=identifier)
    refund = built(
        identifier,
        charge,
        amount=amount,
        reason=values.get("reason"),
        metadata=common.metadata(values.get("metadata")),
        created=call.now,
        balance_transaction=booked,
        status="pending" if fate == "pending" else "succeeded",
    )
    if fate:
        call.store.schedule(identifier, f"refund_{fate}", call.now + LATE_SECONDS)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.save(charge)
    call.save(refund)
    call.emit("refund.created", refund)
    call.emit("charge.refunded", charge)
    return refund


def succeed(call: "Call", refund: JsonObject) -> None:
    """A refund that was under way has arrived."""
    if refund["status"] == "pending":
        refund["status"] = "succeeded"
        call.save(refund)
        call.emit("refund.updated", refund, {"status": "pending"})
        call.emit("charge.refund.updated", refund, {"status": "pending"})


def fail(call: "Call", refund: JsonObject) -> None:
    """The bank sent a refund back: the money returns to the balance and the charge counts as not refunded."""
    previous = {"status": refund["status"]}
    refund |= {
        "status": "failed",
        "failure_reason": "expired_or_canceled_card",
        "failure_balance_transaction": balance.book(
            call,
            kind="refund_failure",
            amount=refund["amount"],
            currency=refund["currency"],
            source=refund["id"],
        ),
    }
    charge = call.fetch("charge", refund["charge"])
    charge |= {"amount_refunded": charge["amount_refunded"] - refund["amount"], "refunded": False}
    call.save(charge)
    call.save(refund)
    call.emit("refund.failed", refund, previous)
    call.emit("charge.refund.updated", refund, previous)


retrieve("/v1/refunds/{id}", "refund", "RefundRetrieveParams")
listing("/v1/refunds", "refund", "RefundListParams", {"charge": "charge", "payment_intent": "payment_intent"})


@route("POST", "/v1/refunds/{id}", "RefundUpdateParams", "metadata")
def update(call: "Call", values: JsonObject, id: str) -> JsonObject:
    body = call.save(common.apply(call.fetch("refund", id), values, ""))
    call.emit("refund.updated", body)
    return body
