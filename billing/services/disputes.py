"""Disputes: followed as the provider tells them, answered with an evidence pack.

charge.dispute.* → the dispute is fetched → follow_dispute (row, payment marked, journal)
send_evidence (a person; due_at) → answer_due (a task: files, then the submission; read back first) → UNDER_REVIEW
"""

from datetime import timedelta
from typing import Final

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from billing import evidence
from billing.events import DisputeClosed, DisputeOpened, RefundDecided
from billing.gateways import gateway
from billing.gateways.base import Claim, GatewayError
from billing.models import Collection, Dispute, Payment
from billing.vocabulary import DISPUTE_MOVES, DisputeState, RefundState, Step
from evcms.core import clock, events
from evcms.core.access import Access

from . import clearing, collected, moves, people
from .moves import Charged

log = structlog.get_logger(__name__)

OVER: Final = (DisputeState.WON, DisputeState.LOST, DisputeState.CLOSED)
STEPS: Final = {DisputeState.WON: Step.DISPUTE_WON, DisputeState.LOST: Step.DISPUTE_LOST}
TAKEN_BACK: Final = "the cardholder's bank has taken it back"
GRACE: Final = timedelta(hours=1)  # the bank's deadline may be counted by another clock


def follow_dispute(*, claim: Claim) -> Dispute | None:
    """Brings our rows in line with what was fetched, in a transaction; None when what was charged is not ours.

    Who fetched earlier may come later: what is over is never opened again.
    """
    found = charge_of(claim.intent_id)
    if found is None:
        return None
    with transaction.atomic():
        charge = moves.lock_charge(found)
        row, new = Dispute.objects.get_or_create(
            provider_id=claim.dispute_id,
            defaults={
                "organization_id": charge.organization_id,
                **moves.naming(charge),
                "currency": claim.currency,
                "amount_minor": claim.amount_minor,
                "reason": claim.reason[:40],
                "opened_at": claim.opened_at,
            },
        )
        if new:
            moves.tell(charge, Step.DISPUTED, text=claim.reason, amount=claim.amount_minor)
            events.publish(DisputeOpened(dispute_id=row.pk))
        _take_over(row, charge, claim)
    return row


def charge_of(intent_id: str) -> Charged | None:
    """The payment or collection that the provider knows by this id."""
    if not intent_id:
        return None
    payment = Payment.objects.filter(intent_id=intent_id).first()
    return payment or Collection.objects.filter(intent_id=intent_id).first()


def _take_over(row: Dispute, charge: Charged, claim: Claim) -> None:
    state = DisputeState(claim.status)
    before = DisputeState(row.state)
    if state != before and state not in DISPUTE_MOVES[before]:
        return
    row.state, row.amount_minor, row.fee_minor = state, claim.amount_minor, claim.fee_minor
    row.respond_by = claim.respond_by or row.respond_by
    if claim.submitted and row.evidence_sent_at is None:
        row.evidence_sent_at, row.due_at, row.error_text = clock.now(), None, ""
        moves.tell(charge, Step.EVIDENCE_SENT)
    if state in OVER:
        row.due_at = None
        row.closed_at = row.closed_at or clock.now()
    row.save()
    _book(row, charge, claim.taken_minor)
    if state != before and state in OVER:
        events.publish(DisputeClosed(dispute_id=row.pk))
        if state in STEPS:
            moves.tell(charge, STEPS[state], amount=row.amount_minor)
        if state == DisputeState.LOST:
            _nothing_left_to_refund(charge)


def _nothing_left_to_refund(charge: Charged) -> None:
    """What waits for a second person would pay it twice and can never be approved: what it kept aside is free again."""
    for waiting in charge.refunds.filter(state=RefundState.WAITING):
        waiting.state, waiting.error_text = RefundState.REJECTED, TAKEN_BACK
        waiting.decided_at = waiting.done_at = clock.now()
        waiting.save()
        collected.let_go(waiting)
        moves.tell(charge, Step.REFUND_REJECTED, text=TAKEN_BACK, amount=waiting.amount_minor)
        events.publish(RefundDecided(refund_id=waiting.pk))


def _book(row: Dispute, charge: Charged, taken_minor: int) -> None:
    if isinstance(charge, Payment):
        clearing.disputed(row, taken_minor)
        Payment.objects.filter(pk=charge.pk).update(disputed_minor=clearing.taken_back(charge))
    else:
        collected.disputed(row, taken_minor)


def send_evidence(*, dispute: Dispute, access: Access) -> None:
    """A member with MONEY answers the bank: once, for good. A task uploads and submits.

    Raises PermissionDenied, ValidationError with a sentence when there is nothing to answer any more.
    """
    people.demand(dispute.charge, access, None)
    with transaction.atomic():
        charge = moves.lock_charge(dispute.charge)
        row = Dispute.objects.select_for_update(of=("self",)).get(pk=dispute.pk)
        if row.state != DisputeState.NEEDS_RESPONSE or row.evidence_sent_at:
            raise ValidationError(_("The bank takes no more evidence about this dispute."))
        if row.respond_by and row.respond_by + GRACE < clock.now():
            raise ValidationError(_("The bank's deadline is over."))
        if row.due_at is not None:
            raise ValidationError(_("The evidence is on its way already."))
        row.evidence_asked_by, row.due_at, row.tries, row.error_text = access.user, clock.now(), 0, ""
        row.save()
        people.record("dispute.evidence", charge, access, None, dispute=row.provider_id)
        events.nudge("billing.send_evidence")


def answer_due(*, most: int = 20) -> int:
    """Sends the evidence that people asked for; returns how many disputes were looked at."""
    due = Dispute.objects.filter(state=DisputeState.NEEDS_RESPONSE, due_at__lte=clock.now()).order_by("due_at")
    ids = list(due.values_list("pk", flat=True)[:most])
    for dispute_id in ids:
        answer(dispute_id=dispute_id)
    return len(ids)


def answer(*, dispute_id: int) -> None:
    """Uploads and submits. After a try whose outcome is unknown the dispute is read back first."""
    row = _claim(dispute_id)
    if row is None:
        return
    provider = gateway()
    try:
        claim = provider.dispute(row.provider_id) if row.tries > 1 else None
        if claim is None or not claim.submitted:
            claim = _submit(row)
    except GatewayError as error:
        _refused(row, error)
        return
    follow_dispute(claim=claim)


def _submit(row: Dispute) -> Claim:
    """The bank reads a paper, so both files are PDFs."""
    provider, stem = gateway(), f"{row.public_id}-{row.tries}"
    pack = provider.upload_evidence("evidence.pdf", evidence.pdf(row), f"{stem}-pack")
    paper = evidence.receipt_pdf(row)
    receipt = provider.upload_evidence("receipt.pdf", paper, f"{stem}-receipt") if paper else ""
    said = evidence.statement(row, pack_file=pack, receipt_file=receipt)
    return provider.send_evidence(row.provider_id, said, f"{stem}-submit")


def _claim(dispute_id: int) -> Dispute | None:
    rows = Dispute.objects.filter(pk=dispute_id, state=DisputeState.NEEDS_RESPONSE, due_at__lte=clock.now())
    row = rows.select_related("payment", "collection", "organization").first()
    if row is None:
        return None
    mine = Dispute.objects.filter(pk=row.pk, due_at=row.due_at, state=DisputeState.NEEDS_RESPONSE)
    if not mine.update(due_at=clock.now() + moves.LEASE, tries=row.tries + 1):
        return None
    row.tries += 1
    return row


def _refused(row: Dispute, error: GatewayError) -> None:
    """A no on the first try may be the echo of a submission that we did not see: the next try reads back."""
    log.warning("evidence refused", dispute=row.provider_id, code=error.code, text=error.text, tries=row.tries)
    over = (error.permanent and row.tries > 1) or row.tries >= moves.MOST_TRIES
    due_at = None if over else moves.next_try(row.tries)
    Dispute.objects.filter(pk=row.pk, tries=row.tries).update(due_at=due_at, error_text=error.text[:255])
