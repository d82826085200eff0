"""Holds that grow (docs.stripe.com/payments/incremental-authorization), and the list of all holds of a period."""

from collections.abc import Sequence
from datetime import datetime

from stripe.params import PaymentIntentListParams

from billing.gateways import amounts
from billing.gateways.base import Hold

from .holds import HoldPart, read_hold
from .listing import MOST, period


class IncrementPart(HoldPart):
    def increase(self, intent_id: str, *, amount_minor: int, currency: str, key: str) -> Hold:
        amount = amounts.to_wire(amount_minor, currency)
        intents = self._client.v1.payment_intents
        return read_hold(self._ask(lambda: intents.increment_authorization(
            intent_id, {"amount": amount, "expand": ["latest_charge"]}, {"idempotency_key": key}
        )))  # fmt: skip

    def holds(self, *, since: datetime, until: datetime, after: str = "") -> Sequence[Hold]:
        params: PaymentIntentListParams = {
            "limit": MOST,
            "created": period(since, until),
            "expand": ["data.latest_charge"],
        }
        if after:
            params["starting_after"] = after
        return [read_hold(row) for row in self._ask(lambda: self._client.v1.payment_intents.list(params)).data]
