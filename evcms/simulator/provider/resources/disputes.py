"""Disputes: a cardholder's bank takes the money back until somebody has judged the evidence."""

from typing import TYPE_CHECKING

from evcms.simulator.provider import money
from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.resources import balance, common
from evcms.simulator.provider.routing import listing, retrieve, route

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

EVIDENCE_SECONDS = 7 * 86_400
REASONS = (
    "bank_cannot_process", "check_returned", "credit_not_processed", "customer_initiated", "debit_not_authorized",
    "duplicate", "fraudulent", "general", "incorrect_account_details", "insufficient_funds",
    "product_not_received", "product_unacceptable", "subscription_canceled", "unrecognized",
)  # fmt: skip
_EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "enhanced_evidence", "product_description", "receipt", "refund_policy",
    "refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation",
    "shipping_address", "shipping_carrier", "shipping_date", "shipping_documentation",
    "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip
# What the provider's test mode reads as the judgement when it stands in uncategorized_text.
_VERDICTS = {"winning_evidence": "won", "losing_evidence": "lost"}


def open_for(call: "Call", charge: JsonObject, *, reason: str, amount: int | None = None) -> JsonObject:
    """Open a dispute about a captured charge and withdraw the money and the fee."""
    taken = amount or charge["amount_captured"]
    _check(charge, taken, reason)
    identifier = call.new_id("du")
    booked = balance.book(
        call,
        kind="adjustment",
        amount=-taken,
        fee=money.DISPUTE_FEE.get(charge["currency"], 0),
        currency=charge["currency"],
        source=identifier,
        description=f"Chargeback withdrawal for {charge['id']}",
    )
    dispute = _built(identifier, charge, amount=taken, reason=reason, created=call.now)
    dispute["balance_transactions"] = [call.fetch("balance_transaction", booked)]
    charge["disputed"] = True
    call.save(charge)
    call.save(dispute)
    call.emit("charge.dispute.created", dispute)
    call.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def _check(charge: JsonObject, amount: int, reason: str) -> None:
    if not charge["captured"]:
        raise ApiError(f"Charge {charge['id']} is not captured, so there is nothing to dispute.", param="charge")
    if charge["disputed"]:
        raise ApiError(f"Charge {charge['id']} is disputed already.", param="charge")
    if not 0 < amount <= charge["amount_captured"]:
        raise ApiError("The disputed amount must be within what was captured.", param="amount")
    if reason not in REASONS:
        raise ApiError(f"Invalid reason: must be one of {', '.join(REASONS)}", param="reason")


def _built(identifier: str, charge: JsonObject, *, amount: int, reason: str, created: int) -> JsonObject:
    card = charge["payment_method_details"].get("card") or {}
    return {
        "id": identifier,
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys(_EVIDENCE) | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": created + EVIDENCE_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4" if reason == "fraudulent" else None,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card.get("brand"),
                "case_type": "chargeback",
                "network": card.get("network"),
                "network_reason_code": None,
            },
            "type": "card",
        },
        "reason": reason,
        "status": "needs_response",
    }


def judge(call: "Call", dispute: JsonObject, verdict: str) -> JsonObject:
    """End a dispute: won brings the money back (the fee stays), lost changes nothing more."""
    if dispute["status"] in ("won", "lost"):
        raise ApiError(f"This dispute is already closed: {dispute['status']}.")
    if verdict not in ("won", "lost"):
        raise ApiError("Invalid status: must be one of won or lost", param="status")
    dispute["status"] = verdict
    if verdict == "won":
        booked = balance.book(
            call,
            kind="adjustment",
            amount=dispute["amount"],
            currency=dispute["currency"],
            source=dispute["id"],
            description=f"Chargeback reversal for {dispute['charge']}",
        )
        dispute["balance_transactions"].append(call.fetch("balance_transaction", booked))
        call.emit("charge.dispute.funds_reinstated", dispute)
    call.save(dispute)
    call.emit("charge.dispute.closed", dispute)
    return dispute


retrieve("/v1/disputes/{id}", "dispute", "DisputeRetrieveParams")
listing("/v1/disputes", "dispute", "DisputeListParams", {"charge": "charge", "payment_intent": "payment_intent"})


@route("POST", "/v1/disputes/{id}", "DisputeUpdateParams", "evidence metadata submit")
def update(call: "Call", values: JsonObject, id: str) -> JsonObject:
    dispute = common.apply(call.fetch("dispute", id), values, "")
    if "evidence" in values:
        _take_evidence(call, dispute, values["evidence"] or {}, values.get("submit", True))
    call.save(dispute)
    call.emit("charge.dispute.updated", dispute)
    verdict = _VERDICTS.get(dispute["evidence"]["uncategorized_text"] or "")
    if verdict and dispute["status"] == "under_review":
        return judge(call, dispute, verdict)
    return dispute


def _take_evidence(call: "Call", dispute: JsonObject, evidence: JsonObject, submit: bool) -> None:
    if dispute["status"] != "needs_response":
        raise ApiError("This dispute is already closed or under review; its evidence cannot be changed.")
    dispute["evidence"] |= {name: value or None for name, value in evidence.items()}
    details = dispute["evidence_details"]
    details["has_evidence"] = any(dispute["evidence"].values())
    if submit:
        details["submission_count"] += 1
        dispute["status"] = "under_review"


@route("POST", "/v1/disputes/{id}/close", "DisputeCloseParams")
def close(call: "Call", _values: JsonObject, id: str) -> JsonObject:
    return judge(call, call.fetch("dispute", id), "lost")
