"""What of a bill nobody has covered: owed, asked for, paid, or let go with a name and a reason."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from billing.events import DebtOpened
from billing.models import Bill, Debt, Payment
from billing.vocabulary import DebtState
from evcms.core import audit, clock, events
from evcms.core.access import Access, Permission

from . import postings


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


def waive(*, debt: Debt, reason: str, access: Access) -> Debt:
    """A member with MONEY lets it go. Raises PermissionDenied, ValidationError with a sentence."""
    access.demand(Permission.MONEY)
    if debt.organization_id != access.organization.pk:
        raise PermissionDenied(_("This debt is not yours."))
    if not reason.strip():
        raise ValidationError(_("Say why nobody will ask for it."))
    with transaction.atomic():
        debt = Debt.objects.select_for_update(of=("self",)).select_related("bill").get(pk=debt.pk)
        if debt.state != DebtState.OPEN:
            raise ValidationError(_("It is not open any more."))
        left = debt.amount_minor - debt.collected_minor
        debt.state, debt.closed_at = DebtState.WAIVED, clock.now()
        debt.save()
        let_go(debt.bill, left, why=reason.strip(), access=access, key=f"debt-waived-{debt.pk}")
        audit.record(access, "debt.waived", debt, amount_minor=left, currency=debt.currency, reason=reason.strip())
    return debt


def let_go(bill: Bill, amount_minor: int, *, why: str, key: str, access: Access | None = None) -> None:
    """Marks a part of the bill as waived: by a person, or (no access) by a rule that `why` names."""
    bill.waived_minor += amount_minor
    bill.waived_reason = why[:200]
    bill.waived_by = access.user if access else None
    bill.save(update_fields=["waived_minor", "waived_reason", "waived_by"])
    postings.waived(bill, amount_minor, key=key, text=why)
