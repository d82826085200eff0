"""Payouts: the balance sent to the bank; each names the balance transactions that it settles."""

from typing import TYPE_CHECKING

from evcms.simulator.provider import money
from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.resources import balance, common
from evcms.simulator.provider.routing import listing, retrieve, route

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call


def built(
    identifier: str, *, amount: int, currency: str, created: int, automatic: bool, transaction: str
) -> JsonObject:
    return {
        "id": identifier,
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": created - created % 86_400 + 86_400,
        "automatic": automatic,
        "balance_transaction": transaction,
        "created": created,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": "ba_double",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "paid",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }


def pay_out(call: "Call", currency: str, *, available_by: int | None = None) -> JsonObject:
    """Send all money of a currency that no payout has settled yet, as the daily automatic payout does.

    On request that includes money still pending, so that nobody has to wait two days; `available_by` holds to them.
    """
    open_rows = call.store.select("balance_transaction", [("currency", "=", currency), ("_payout", "IS", None)])
    rows = [
        row
        for row in open_rows
        if row["type"] not in ("payout", "payout_failure")
        and (available_by is None or row["available_on"] <= available_by)
    ]
    amount = sum(row["net"] for row in rows)
    if amount <= 0:
        raise ApiError(f"There is no {currency.upper()} to pay out.", code="balance_insufficient", param="currency")
    payout = _send(call, amount, currency, automatic=True)
    for row in rows:
        on = min(row["available_on"], call.now)
        call.save(row | {"_payout": payout["id"], "status": "available", "available_on": on})
    return payout


def _send(call: "Call", amount: int, currency: str, *, automatic: bool) -> JsonObject:
    identifier = call.new_id("po")
    booked = balance.book(
        call,
        kind="payout",
        amount=-amount,
        currency=currency,
        source=identifier,
        description="STRIPE PAYOUT",
        at_once=True,
    )
    call.save(call.fetch("balance_transaction", booked) | {"_payout": identifier})
    payout = built(
        identifier,
        amount=amount,
        currency=currency,
        created=call.now,
        automatic=automatic,
        transaction=booked,
    )
    call.save(payout)
    call.emit("payout.created", payout | {"status": "pending"})
    call.emit("payout.paid", payout)
    return payout


def fail(call: "Call", payout: JsonObject) -> JsonObject:
    """The bank refuses: the money returns to the balance and a later payout settles its rows again."""
    if payout["status"] == "failed":
        raise ApiError("This payout has failed already.")
    back = balance.book(
        call,
        kind="payout_failure",
        amount=payout["amount"],
        currency=payout["currency"],
        source=payout["id"],
        at_once=True,
    )
    payout |= {
        "status": "failed",
        "failure_balance_transaction": back,
        "failure_code": "account_closed",
        "failure_message": "The bank account has been closed.",
    }
    for row in call.store.select("balance_transaction", [("_payout", "=", payout["id"])]):
        if row["type"] != "payout":
            call.save(row | {"_payout": None})
    call.save(payout)
    call.emit("payout.failed", payout)
    return payout


@route(
    "POST",
    "/v1/payouts",
    "PayoutCreateParams",
    "amount currency description metadata statement_descriptor method",
)
def create(call: "Call", values: JsonObject) -> JsonObject:
    currency = money.check_currency(values["currency"])
    available = balance.totals(call)["available"].get(currency, 0)
    if not 0 < values["amount"] <= available:
        raise ApiError(
            "You have insufficient funds in your Stripe account for this transfer.",
            code="balance_insufficient",
        )
    payout = _send(call, values["amount"], currency, automatic=False)
    return call.save(common.apply(payout, values, "description statement_descriptor method"))


retrieve("/v1/payouts/{id}", "payout", "PayoutRetrieveParams")
listing("/v1/payouts", "payout", "PayoutListParams", {"status": "status"})
