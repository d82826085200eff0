"""Balance transactions: what each charge, refund, dispute and payout did to the balance, fees included."""

from typing import TYPE_CHECKING

from evcms.simulator.provider.errors import JsonObject
from evcms.simulator.provider.routing import listing, retrieve, route

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

SETTLES_AFTER_SECONDS = 2 * 86_400


def built(
    identifier: str,
    *,
    kind: str,
    amount: int,
    fee: int,
    currency: str,
    source: str,
    created: int,
    available_on: int,
    description: str | None = None,
) -> JsonObject:
    """A balance transaction; `amount` and `fee` in the currency's smallest unit, money out is negative."""
    details = [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": "Processing fees",
            "type": "stripe_fee",
        }
    ]
    return {
        "id": identifier,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": available_on,
        "balance_type": "payments",
        "created": created,
        "currency": currency,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details if fee else [],
        "net": amount - fee,
        "reporting_category": "dispute" if kind == "adjustment" else kind,
        "source": source,
        "status": "pending",
        "type": kind,
        "_payout": None,
    }


def book(
    call: "Call",
    *,
    kind: str,
    amount: int,
    currency: str,
    source: str,
    fee: int = 0,
    description: str | None = None,
    at_once: bool = False,
) -> str:
    """Book a movement now; money of a charge becomes available two days later. Returns its id."""
    available_on = call.now if at_once else call.now + SETTLES_AFTER_SECONDS
    identifier = call.new_id("txn")
    call.save(
        built(
            identifier,
            kind=kind,
            amount=amount,
            fee=fee,
            currency=currency,
            source=source,
            created=call.now,
            available_on=available_on,
            description=description,
        )
    )
    call.store.schedule(identifier, "settle", available_on)
    return identifier


def settle(call: "Call", row: JsonObject) -> None:
    """The money's day has come: it can be paid out."""
    call.save(row | {"status": "available"})


def totals(call: "Call") -> dict[str, dict[str, int]]:
    """Available and pending money by currency, in smallest units."""
    sums: dict[str, dict[str, int]] = {"available": {}, "pending": {}}
    for currency, available, total in call.store.balances(call.now):
        sums["available" if available else "pending"][currency] = total
    return sums


@route("GET", "/v1/balance", "BalanceRetrieveParams")
def retrieve_balance(call: "Call", _values: JsonObject) -> JsonObject:
    sums = totals(call)
    sides = {
        side: [
            {"amount": amount, "currency": currency, "source_types": {"card": amount}}
            for currency, amount in sorted(amounts.items())
        ]
        for side, amounts in sums.items()
    }
    return {"object": "balance", "livemode": False, "refund_and_dispute_prefunding": None, **sides}


retrieve("/v1/balance_transactions/{id}", "balance_transaction", "BalanceTransactionRetrieveParams")
listing(
    "/v1/balance_transactions",
    "balance_transaction",
    "BalanceTransactionListParams",
    {"payout": "_payout", "source": "source", "type": "type", "currency": "currency"},
)
