"""Balance transactions and payouts (docs.stripe.com/reports/balance-transaction-types)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from stripe.params import BalanceTransactionListParams, PayoutListParams

from billing.gateways import amounts
from billing.gateways.base import Movement, Transfer, TransferStatus

from .client import Part, id_of, moment
from .listing import MOST, period

STATUS = {
    "paid": TransferStatus.PAID,
    "failed": TransferStatus.FAILED,
    "canceled": TransferStatus.CANCELED,
}


class PayoutPart(Part):
    def movements(
        self, *, since: datetime | None = None, until: datetime | None = None, transfer_id: str = "", after: str = ""
    ) -> Sequence[Movement]:
        params: BalanceTransactionListParams = {"limit": MOST, "expand": ["data.source"]}
        if since or until:
            params["created"] = period(since, until)
        if transfer_id:
            params["payout"] = transfer_id
        if after:
            params["starting_after"] = after
        listed = self._ask(lambda: self._client.v1.balance_transactions.list(params))
        return [read_movement(row) for row in listed.data]

    def transfer(self, transfer_id: str) -> Transfer:
        return read_transfer(self._ask(lambda: self._client.v1.payouts.retrieve(transfer_id)))

    def transfers(self, *, since: datetime, until: datetime, after: str = "") -> Sequence[Transfer]:
        params: PayoutListParams = {"limit": MOST, "created": period(since, until)}
        if after:
            params["starting_after"] = after
        return [read_transfer(row) for row in self._ask(lambda: self._client.v1.payouts.list(params)).data]


def read_movement(row: Any) -> Movement:
    """Any: the SDK's object, whose members differ by API version."""
    currency = row.currency
    return Movement(
        movement_id=row.id,
        kind=str(row.type),
        currency=currency.upper(),
        amount_minor=amounts.from_wire(row.amount, currency),
        fee_minor=amounts.from_wire(row.fee, currency),
        net_minor=amounts.from_wire(row.net, currency),
        source_id=id_of(row.source) if row.source else "",
        at=moment(row.created),
        charged=_charged(row),
    )


def _charged(row: Any) -> tuple[str, int] | None:
    """The amount on the card (or given back to it) when the balance is kept in another currency."""
    source = row.source
    if not getattr(row, "exchange_rate", None) or source is None or isinstance(source, str):
        return None
    amount = source.amount_captured if source.object == "charge" else source.amount
    signed = abs(amount) if row.amount >= 0 else -abs(amount)
    return source.currency.upper(), amounts.from_wire(signed, source.currency)


def read_transfer(row: Any) -> Transfer:
    return Transfer(
        transfer_id=row.id,
        currency=row.currency.upper(),
        amount_minor=amounts.from_wire(row.amount, row.currency),
        status=STATUS.get(row.status, TransferStatus.PENDING),
        itemized=bool(row.automatic),
        created_at=moment(row.created),
        arrives_on=moment(row.arrival_date).date() if row.arrival_date else None,
        error_text=str(getattr(row, "failure_message", None) or "")[:255],
    )
