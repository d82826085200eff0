"""What of a bill nobody has covered: owed, asked for, paid, or let go with a name and a reason."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from billing.events import DebtOpened, DebtPaid, ReceiptIssued
from billing.models import Bill, Collection, Debt, Payment, Receipt
from billing.vocabulary import BillState, DebtState
from evcms.core import audit, clock, events
from evcms.core.access import Access, Permission

from . import bills, goodwill, numbering, postings, revenue


def open_debt(*, bill: Bill, amount_minor: int, reason: str, payment: Payment | None = None) -> Debt | None:
    """In the caller's transaction, once a bill: a second call changes nothing. None when nothing is owed."""
    if amount_minor <= 0:
        return None
    driver = (payment.driver if payment else None) or bill.session.driver
    debt, created = Debt.objects.get_or_create(
        bill=bill,
        defaults={
            "organization_id": bill.organization_id,
            "driver": driver,
            "currency": bill.currency,
            "amount_minor": amount_minor,
            "reason": reason[:160],
            "email": (payment.email if payment else "") or (driver.email if driver else ""),
            "language": payment.language if payment else (driver.language if driver else "") or "en",
        },
    )
    if created:
        events.publish(DebtOpened(debt_id=debt.pk))
    return debt


def paid_otherwise(bill: Bill) -> None:
    """The bill was covered after all (a failed capture went through later): what is left of the debt stays."""
    debt = Debt.objects.select_for_update().filter(bill=bill, state=DebtState.OPEN).first()
    if debt is None:
        return
    debt.collected_minor = debt.amount_minor - min(bill.shortfall_minor, debt.amount_minor)
    if debt.collected_minor == debt.amount_minor:
        debt.state, debt.closed_at = DebtState.PAID, clock.now()
    debt.save()


def collected(collection: Collection) -> int:
    """An amount has come for a debt, in the paying transaction; returns what of it was not owed any more.

    The bill is locked before the debt, as everywhere. Its last money brings the receipt.
    """
    owed = Debt.objects.select_related("bill").get(collections=collection)
    bill = bills.lock(owed.bill.session_id)
    debt = Debt.objects.select_for_update().get(pk=owed.pk)
    left = debt.amount_minor - debt.collected_minor if debt.state == DebtState.OPEN else 0
    taken = min(left, collection.amount_minor)
    if taken:
        debt.collected_minor += taken
        if debt.collected_minor == debt.amount_minor:
            debt.state, debt.closed_at = DebtState.PAID, clock.now()
            events.publish(DebtPaid(debt_id=debt.pk))
        debt.save()
        postings.debt_collected(bill, collection, taken)
        _less_short(bill, taken)
    return collection.amount_minor - taken


def _less_short(bill: Bill, taken: int) -> None:
    bill.shortfall_minor = max(0, bill.shortfall_minor - taken)
    if bill.shortfall_minor == 0 and bill.state == BillState.UNPAID:
        bill.state = BillState.PAID
    revenue.keep(bill)
    if bill.shortfall_minor == 0:
        _first_receipt(bill)


def _first_receipt(bill: Bill) -> None:
    """Nothing more will come: what has come gets its document."""
    if not Receipt.objects.filter(bill=bill).exists():
        payment = Payment.objects.filter(session_id=bill.session_id).first()
        receipt = numbering.issue_receipt(payment=payment, bill=bill)
        events.publish(ReceiptIssued(receipt_id=receipt.pk))
        goodwill.receipt_came(bill, receipt)


def waive(*, debt: Debt, reason: str, access: Access) -> Debt:
    """A member with MONEY lets it go. Raises PermissionDenied, ValidationError with a sentence."""
    access.demand(Permission.MONEY)
    if debt.organization_id != access.organization.pk:
        raise PermissionDenied(_("This debt is not yours."))
    if not reason.strip():
        raise ValidationError(_("Say why nobody will ask for it."))
    with transaction.atomic():
        bill = bills.lock(debt.bill.session_id)
        debt = Debt.objects.select_for_update().get(pk=debt.pk)
        if debt.state != DebtState.OPEN:
            raise ValidationError(_("It is not open any more."))
        left = debt.amount_minor - debt.collected_minor
        debt.state, debt.closed_at = DebtState.WAIVED, clock.now()
        debt.save()
        let_go(bill, left, why=reason.strip(), access=access, key=f"debt-waived-{debt.pk}")
        if debt.collected_minor and bill.state == BillState.UNPAID:
            bills.close(bill, BillState.PAID, bill.reason, shortfall=bill.shortfall_minor)
            _first_receipt(bill)
        audit.record(access, "debt.waived", debt, amount_minor=left, currency=debt.currency, reason=reason.strip())
    return debt


def let_go(bill: Bill, amount_minor: int, *, why: str, key: str, access: Access | None = None) -> None:
    """Marks a part of the bill as waived: by a person, or (no access) by a rule that `why` names."""
    bill.waived_minor += amount_minor
    bill.waived_reason = why[:200]
    bill.waived_by = access.user if access else None
    revenue.keep(bill, fields=["waived_minor", "waived_reason", "waived_by"])
    postings.waived(bill, amount_minor, key=key, text=why)
