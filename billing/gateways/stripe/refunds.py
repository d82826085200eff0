"""Refunds of captured payments."""

from typing import Any

from billing.gateways import amounts
from billing.gateways.base import GivenBack, RefundStatus

from .client import Part, member

STATUS = {"succeeded": RefundStatus.DONE, "failed": RefundStatus.FAILED, "canceled": RefundStatus.FAILED}


class RefundPart(Part):
    def refund(self, intent_id: str, *, amount_minor: int, currency: str, reference: str, key: str) -> GivenBack:
        amount = amounts.to_wire(amount_minor, currency)
        return read_refund(self._ask(lambda: self._client.v1.refunds.create(
            {"payment_intent": intent_id, "amount": amount, "metadata": {"refund": reference}}, {"idempotency_key": key}
        )))  # fmt: skip

    def refunds(self, intent_id: str) -> list[GivenBack]:
        listed = self._ask(lambda: self._client.v1.refunds.list({"payment_intent": intent_id, "limit": 100}))
        return [read_refund(refund) for refund in listed.data]


def read_refund(refund: Any) -> GivenBack:
    """Any: the SDK's object, whose members differ by API version."""
    return GivenBack(
        refund_id=refund.id,
        reference=member(refund.metadata, "refund"),
        amount_minor=amounts.from_wire(refund.amount, refund.currency),
        status=STATUS.get(refund.status or "", RefundStatus.PENDING),
        error_text=str(getattr(refund, "failure_reason", None) or ""),
    )
