"""What a station's own terminal took: heard once, kept as it was said, applied to its payment, or shown to a person.

    Settled   AUTHORIZED → CAPTURING (what was taken) → CAPTURED with the receipt as soon as the session's price stands
    Canceled, Rejected, Failed   → nothing was taken: the bill is owed, or there is none

A settlement may come before the end, twice, with another amount than the price, for a reference that nobody knows, or
never. What was said first stands; what contradicts it is a row for a person, never a second booking.
"""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from billing import vat
from billing.gateways.base import Hold, HoldStatus
from billing.models import Bill, Payment, TerminalReport
from billing.vocabulary import (
    BillState,
    PaymentKind,
    PaymentState,
    ReportOutcome,
    SettlementStatus,
    StationReceipt,
    StationSettlement,
)
from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from evcms.core.money import format_money, to_minor
from sessions.models import ChargingSession

from . import bills, moves, payments, sources, stationpay
from . import settlement as settling

log = structlog.get_logger(__name__)

MOST: Final = 200
NEVER: Final = "never_settled"
Applied = tuple[ReportOutcome, str]


def station_settled(*, station_id: int, settlement: StationSettlement) -> StationReceipt:
    """The terminal's word on a payment. A repeat changes nothing and gets the same answer."""
    told = settlement
    if told.vat_number and not vat.is_valid(told.vat_number):
        told = replace(told, vat_number="")
    with transaction.atomic():
        report, first = _kept(station_id, told)
        if first:
            _apply(report, told)
        payment = report.payment
    return _receipt(payment) if payment else StationReceipt()


def _kept(station_id: int, told: StationSettlement) -> tuple[TerminalReport, bool]:
    """(the row, was it said for the first time): content decides, not the moment, which a repeat may change."""
    content = (told.psp_ref, told.transaction_id, told.status, told.amount.normalize(), told.currency)
    return TerminalReport.objects.select_for_update(of=("self",)).get_or_create(
        station_id=station_id,
        digest=hashlib.sha256(repr(tuple(map(str, content))).encode()).hexdigest(),
        defaults={
            "psp_ref": told.psp_ref[:255],
            "transaction_id": told.transaction_id[:255],
            "status": told.status,
            "amount": format(told.amount, "f")[:40],
            "currency": told.currency[:3],
            "text": told.status_text[:255],
            "receipt_id": told.receipt_id[:80],
            "receipt_url": told.receipt_url[:600],
            "vat_number": told.vat_number[:40],
            "company": told.company[:120],
            "said_at": told.at,
            "outcome": ReportOutcome.UNKNOWN,
        },
    )


def _apply(report: TerminalReport, told: StationSettlement) -> None:
    payment = _payment_of(report.station_id, told)
    if payment is None:
        log.warning("settlement of nothing we know", station=report.station_id, reference=told.psp_ref)
        return
    report.payment = payment
    report.outcome, report.detail = (
        _taken(payment, told) if told.status == SettlementStatus.SETTLED else _refused(payment, told)
    )
    report.save(update_fields=["payment", "outcome", "detail"])


def _payment_of(station_id: int, told: StationSettlement) -> Payment | None:
    """By the terminal's reference, else by the session that it names; made now when nobody had announced it."""
    payment = stationpay.by_reference(station_id, told.psp_ref)
    session = _session_of(station_id, told)
    if payment is None and session is not None and session.connector is not None:
        if Payment.objects.filter(session=session).exists():
            return None  # it was paid by another way: for a person
        payment = stationpay.make(session.connector, told.psp_ref, None)
    if payment is None:
        return None
    payment = moves.lock(payment.pk)
    if session is not None:
        stationpay.join(payment, session)
    return payment


def _session_of(station_id: int, told: StationSettlement) -> ChargingSession | None:
    rows = ChargingSession.objects.filter(station_id=station_id)
    if told.transaction_id:
        return rows.filter(transaction_id=told.transaction_id).first()
    return rows.filter(token_value=told.psp_ref).order_by("-started_at").first()


# Settled --------------------------------------------------------------------------------------------------------------


def _taken(payment: Payment, told: StationSettlement) -> Applied:
    if told.currency and told.currency.upper() != payment.currency:
        return ReportOutcome.CONFLICT, f"the price is in {payment.currency}"
    if payment.state not in (PaymentState.AUTHORIZED, PaymentState.FAILED):
        return ReportOutcome.CONFLICT, f"the payment was {PaymentState(payment.state).label} already"
    taken = to_minor(told.amount, payment.currency)
    if taken == 0:
        return _refused(payment, told)
    moves.move(
        payment, PaymentState.CAPTURING, amount=taken, due_minor=taken, hold_minor=max(taken, payment.hold_minor),
        charge_id=told.receipt_id[:80] or payment.charge_id, due_at=None, error_code="", error_text="",
    )  # fmt: skip
    return _complete(payment)


def _complete(payment: Payment) -> Applied:
    """Books what the terminal took as soon as the session's price stands; another amount than the price is shown."""
    bill = Bill.objects.filter(session_id=payment.session_id or 0).exclude(state=BillState.OPEN).first()
    if bill is None:
        return ReportOutcome.WAITING, ""
    taken = payment.due_minor or 0
    differs = _difference(bill, taken)
    bill = bills.lock(bill.session_id)
    bills.close(bill, BillState.DUE, differs, shortfall=bill.total_minor)
    hold = Hold(
        payment.intent_id, payment.public_id, HoldStatus.CAPTURED, payment.hold_minor, taken,
        charge_id=payment.charge_id,
    )  # fmt: skip
    settling.captured(payment_id=payment.pk, hold=hold)
    if differs:
        bills.review(bills.lock(bill.session_id), differs)
        return ReportOutcome.DIFFERS, differs
    return ReportOutcome.APPLIED, ""


def _difference(bill: Bill, taken: int) -> str:
    if taken == bill.total_minor:
        return ""
    took, price = format_money(taken, bill.currency), format_money(bill.total_minor, bill.currency)
    return f"the station's terminal took {took}, the price is {price}"


# Nothing was taken ----------------------------------------------------------------------------------------------------


def _refused(payment: Payment, told: StationSettlement) -> Applied:
    if payment.state == PaymentState.FAILED and payment.error_code != NEVER:
        return ReportOutcome.APPLIED, ""  # the same said in other words
    if payment.state not in (PaymentState.AUTHORIZED, PaymentState.FAILED):
        return ReportOutcome.CONFLICT, f"the payment was {PaymentState(payment.state).label} already"
    code = "nothing" if told.status == SettlementStatus.SETTLED else told.status.lower()
    _not_taken(payment, f"terminal_{code}", told.status_text or f"the terminal says: {told.status}, {told.amount:f}")
    return ReportOutcome.APPLIED, ""


def _not_taken(payment: Payment, code: str, text: str) -> None:
    """No money came. A session with a price is owed; without one the terminal's hold is just gone."""
    bill = Bill.objects.filter(session_id=payment.session_id or 0).first()
    if payment.state == PaymentState.AUTHORIZED:
        if bill is None or bill.state == BillState.FREE:
            moves.move(
                payment, PaymentState.RELEASED, text=text, error_code=code, error_text=text[:255],
                settled_at=clock.now(), due_at=None,
            )  # fmt: skip
            return
        payments.failed(payment_id=payment.pk, code=code, text=text)
    else:
        Payment.objects.filter(pk=payment.pk).update(error_code=code, error_text=text[:255])
    if bill is not None and bill.state == BillState.DUE:
        sources.nobody.unpaid(bills.lock(bill.session_id), f"the station's terminal: {text}", payment)


# What was left behind -------------------------------------------------------------------------------------------------


def complete_settled() -> int:
    """The sweep: books what terminals took for sessions whose price stands now, and gives up on those that never said
    a word. Returns how many there were.
    """
    taken = Payment.objects.filter(kind=PaymentKind.STATION, state=PaymentState.CAPTURING, session__bill__isnull=False)
    ready = taken.exclude(session__bill__state=BillState.OPEN).order_by("pk").values_list("pk", flat=True)[:MOST]
    return sum(_complete_late(pk) for pk in list(ready)) + _give_up()


def _complete_late(payment_id: int) -> int:
    with transaction.atomic():
        payment = moves.lock(payment_id)
        if payment.state != PaymentState.CAPTURING:
            return 0
        outcome, detail = _complete(payment)
        waiting = payment.reports.filter(outcome=ReportOutcome.WAITING)
        waiting.update(outcome=outcome, detail=detail)
    return 1


def _give_up() -> int:
    """A terminal that has not settled hours after the end never will: what it owes is shown as unpaid."""
    border = clock.now() - timedelta(hours=settings.TERMINAL_SETTLES_WITHIN)
    silent = Payment.objects.filter(kind=PaymentKind.STATION, state=PaymentState.AUTHORIZED)
    late = silent.filter(session__end_received_at__lt=border) | silent.filter(session=None, created_at__lt=border)
    ids = list(late.order_by("pk").values_list("pk", flat=True)[:MOST])
    for pk in ids:
        with transaction.atomic():
            payment = moves.lock(pk)
            if payment.state == PaymentState.AUTHORIZED:
                _not_taken(payment, NEVER, "it never said what became of the money")
    return len(ids)


# By people ------------------------------------------------------------------------------------------------------------


def see_report(*, access: Access, report: TerminalReport, note: str) -> None:
    """Somebody has dealt with a report that we could not apply. Raises PermissionDenied, ValidationError."""
    access.demand(Permission.MONEY)
    if report.station.organization_id != access.organization.pk:
        raise PermissionDenied(_("This report is not yours."))
    if not note.strip():
        raise ValidationError(_("Say what you found out."))
    with transaction.atomic():
        rows = TerminalReport.objects.filter(pk=report.pk, seen_at=None)
        if rows.update(seen_at=clock.now(), seen_by=access.user, note=note.strip()[:200]):
            audit.record(access, "terminal.report_seen", report, reference=report.psp_ref, note=note.strip()[:200])


def _receipt(payment: Payment) -> StationReceipt:
    """The receipt, or as long as there is none the page of this payment, which then leads to it."""
    document = payment.receipt
    if document is not None:
        return StationReceipt(f"{settings.PUBLIC_URL}/r/{document.public_id}", document.number)
    return StationReceipt(f"{settings.PUBLIC_URL}/s/{payment.public_id}?receipt=1")
