"""Disputes and their evidence (docs.stripe.com/disputes/api)."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from stripe.params import DisputeListParams

from billing.gateways import amounts
from billing.gateways.base import Claim, ClaimStatus, Evidence

from .client import Part, id_of, moment
from .listing import MOST, period

STATUS = {
    "needs_response": ClaimStatus.NEEDS_RESPONSE,
    "warning_needs_response": ClaimStatus.NEEDS_RESPONSE,
    "under_review": ClaimStatus.UNDER_REVIEW,
    "warning_under_review": ClaimStatus.UNDER_REVIEW,
    "won": ClaimStatus.WON,
    "lost": ClaimStatus.LOST,
    "warning_closed": ClaimStatus.CLOSED,
    "prevented": ClaimStatus.CLOSED,
}
LONGEST = 18_000  # characters of one text; all together at most 150,000 (docs.stripe.com/disputes/best-practices)


class DisputePart(Part):
    def dispute(self, dispute_id: str) -> Claim:
        return read_claim(self._ask(lambda: self._client.v1.disputes.retrieve(dispute_id)))

    def disputes(self, *, since: datetime, until: datetime, after: str = "") -> Sequence[Claim]:
        params: DisputeListParams = {"limit": MOST, "created": period(since, until)}
        if after:
            params["starting_after"] = after
        return [read_claim(row) for row in self._ask(lambda: self._client.v1.disputes.list(params)).data]

    def upload_evidence(self, name: str, content: bytes, key: str) -> str:
        file = io.BytesIO(content)
        file.name = name
        files = self._client.v1.files
        made = self._ask(lambda: files.create({"purpose": "dispute_evidence", "file": file}, {"idempotency_key": key}))
        return str(made.id)

    def send_evidence(self, dispute_id: str, evidence: Evidence, key: str) -> Claim:
        said = {
            "product_description": evidence.product,
            "refund_policy_disclosure": evidence.agreement,
            "access_activity_log": evidence.activity,
            "uncategorized_text": evidence.summary,
            "service_date": evidence.service_date,
            "customer_email_address": evidence.email,
            "receipt": evidence.receipt_file,
            "service_documentation": evidence.pack_file,
        }
        told: Any = {name: text[:LONGEST] for name, text in said.items() if text}
        disputes = self._client.v1.disputes
        return read_claim(self._ask(lambda: disputes.update(
            dispute_id, {"evidence": told, "submit": True}, {"idempotency_key": key}
        )))  # fmt: skip


def read_claim(row: Any) -> Claim:
    """Any: the SDK's object, whose members differ by API version."""
    details, currency = row.evidence_details, row.currency
    movements = list(row.balance_transactions or [])
    own = [each for each in movements if each.currency == currency]
    balance = sum(each.amount for each in movements)
    taken = -balance if own == movements else row.amount * (balance < 0)  # kept in another currency: the whole of it
    return Claim(
        dispute_id=row.id,
        intent_id=id_of(row.payment_intent),
        charge_id=id_of(row.charge),
        currency=currency.upper(),
        amount_minor=amounts.from_wire(row.amount, currency),
        taken_minor=amounts.from_wire(max(taken, 0), currency),
        fee_minor=amounts.from_wire(sum(each.fee for each in own), currency),
        reason=str(row.reason),
        status=STATUS.get(row.status, ClaimStatus.CLOSED),
        opened_at=moment(row.created),
        respond_by=moment(details.due_by) if details and details.due_by else None,
        submitted=bool(details and details.submission_count),
    )
