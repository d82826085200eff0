"""What was paid for a bill against what it costs: the rest is taken, asked for, let go, or given back.

The journal says what has come. Money on a card is moved by the caller's `to_card` (refunds have rules of their own).
"""

from collections.abc import Callable
from typing import Final

from django.core.exceptions import ValidationError
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from billing.models import Account, Bill, Collection, Debt, Payment, Refund, Voucher
from billing.vocabulary import BillState, CollectionState, DebtState, FundingSource, LedgerAccount, RefundState, Step
from evcms.core import clock
from evcms.core.access import Access
from evcms.core.figures import amount

from . import bills, debts, ledger, moves, postings
from .moves import Charged

CARDS: Final = (FundingSource.CARD, FundingSource.SCAN, FundingSource.READER)
PURSES: Final = (FundingSource.PREPAID, FundingSource.VOUCHER, FundingSource.FLEET)
ToCard = Callable[[list[Charged], int], int]
"""Gives so many minor units back to the cards that were charged; returns how many it could not (less than a card's
smallest step).
"""


def nothing_happened(bill: Bill) -> bool:
    """No money came for it, nothing of it was let go or is owed: it is settled as at its end."""
    told = bill.journal.exclude(kind="price").exists()
    return not told and not Debt.objects.filter(bill=bill).exists() and not bill.receipts.exists()


def even_out(
    bill: Bill,
    payment: Payment | None,
    *,
    reason: str,
    ask: bool,
    access: Access | None = None,
    to_card: ToCard | None = None,
) -> None:
    """Brings money, debt and state of the bill to its price. `ask`: what is missing is owed, else it is let go.

    Raises ValidationError with a sentence when money cannot go back where it came from.
    """
    left = owed(bill)
    on_its_way = _on_its_way(bill, payment)
    if left + on_its_way < 0:
        _give_back(bill, payment, -left - on_its_way, reason, to_card)
    elif left > 0:
        _take_more(bill, left)
    left = max(0, owed(bill))
    _adjust_debt(bill, payment, left if ask else 0, reason)
    if left and not ask:
        number = bill.journal.count() + 1
        debts.let_go(bill, left, why=reason, access=access, key=f"waived-{bill.pk}-{number}")
    _close(bill, left, reason if left else "")


def owed(bill: Bill) -> int:
    """What is missing of the price, by the journal; below 0: what was paid too much. Minor units."""
    return ledger.balance(LedgerAccount.RECEIVABLE, bill=bill)


def _on_its_way(bill: Bill, payment: Payment | None) -> int:
    own = Q(payment=payment) if payment else Q(pk=None)
    asked = Refund.objects.filter(own | Q(collection__debt__bill=bill))
    asked = asked.filter(state__in=(RefundState.WAITING, RefundState.REQUESTED))
    return int(asked.aggregate(total=Sum("amount_minor"))["total"] or 0)


def _charged(bill: Bill, payment: Payment | None) -> list[Charged]:
    """The cards that have paid for it: its own, then those that paid its debt."""
    own: list[Charged] = [payment] if payment and FundingSource(payment.kind) in CARDS else []
    return own + list(Collection.objects.filter(debt__bill=bill, state=CollectionState.PAID).order_by("pk"))


def _give_back(bill: Bill, payment: Payment | None, too_much: int, reason: str, to_card: ToCard | None) -> None:
    source = FundingSource(payment.kind if payment else bill.source)
    cards = _charged(bill, payment)
    if source not in (*PURSES, FundingSource.STATION) and cards and to_card is not None:
        rest = to_card(cards, too_much)
        return _post(bill, LedgerAccount.WRITTEN_OFF, rest, "less than a card can be given back")
    if source == FundingSource.STATION:
        return _post(bill, LedgerAccount.STATION_CLEARING, too_much, f"to be given back at the terminal: {reason}")
    if source in PURSES:
        if payment is not None:
            _note_back(payment, too_much, reason)
        return _purse(bill, source, -too_much, reason)
    words = {"amount": amount(too_much, bill.currency)}
    raise ValidationError(_("%(amount)s would have to be given back, and there is no card or balance.") % words)


def _note_back(payment: Payment, too_much: int, reason: str) -> None:
    back = min(too_much, payment.captured_minor - payment.refunded_minor)
    Payment.objects.filter(pk=payment.pk).update(refunded_minor=payment.refunded_minor + back)
    moves.note(payment, Step.REFUNDED, text=reason, amount=back)


def _take_more(bill: Bill, missing: int) -> None:
    """From a balance, a voucher or a fleet's account; what they do not have stays missing."""
    source = FundingSource(bill.source)
    if source == FundingSource.FLEET and bill.account_id:
        _purse(bill, source, missing, "")
    elif source in (FundingSource.PREPAID, FundingSource.VOUCHER):
        taken = min(missing, _free(bill, source))
        if taken:
            _purse(bill, source, taken, "")


def _free(bill: Bill, source: FundingSource) -> int:
    if source == FundingSource.PREPAID:
        account = Account.objects.select_for_update().filter(bills=bill).first()
        return max(0, account.balance_minor - account.held_minor) if account else 0
    voucher = Voucher.objects.select_for_update().filter(bills=bill, voided_at=None).first()
    return max(0, voucher.left_minor - voucher.held_minor) if voucher else 0


def _purse(bill: Bill, source: FundingSource, taken: int, reason: str) -> None:
    """Takes from (or, below 0, gives back to) the account or voucher that pays the bill."""
    if source == FundingSource.VOUCHER:
        voucher = Voucher.objects.select_for_update().get(bills=bill)
        voucher.left_minor -= taken
        voucher.save(update_fields=["left_minor"])
        holder = LedgerAccount.VOUCHERS if voucher.sold else LedgerAccount.WRITTEN_OFF
        return _post(bill, holder, -taken, reason, sub=str(voucher.pk))
    account = Account.objects.select_for_update().get(bills=bill)
    account.balance_minor += taken if source == FundingSource.FLEET else -taken
    account.save(update_fields=["balance_minor"])
    holder = LedgerAccount.FLEET_RECEIVABLE if source == FundingSource.FLEET else LedgerAccount.PREPAID
    return _post(bill, holder, -taken, reason, sub=str(account.pk))


def _post(bill: Bill, holder: LedgerAccount, given_back: int, text: str, *, sub: str = "") -> None:
    postings.corrected(bill, holder, given_back, sub=sub, text=text)


def _adjust_debt(bill: Bill, payment: Payment | None, left: int, reason: str) -> None:
    debt = Debt.objects.select_for_update().filter(bill=bill).first()
    if debt is None:
        debts.open_debt(bill=bill, amount_minor=left, reason=reason, payment=payment)
        return
    if left:
        debt.amount_minor, debt.state, debt.closed_at = debt.collected_minor + left, DebtState.OPEN, None
    elif debt.state == DebtState.OPEN:
        debt.amount_minor = debt.collected_minor or debt.amount_minor
        debt.state = DebtState.PAID if debt.collected_minor else DebtState.WAIVED
        debt.closed_at = clock.now()
    debt.save()


def _close(bill: Bill, left: int, reason: str) -> None:
    came = bill.journal.exclude(kind__in=("price", "waive")).exists()
    if bill.total_minor == 0:
        state = BillState.FREE
    elif bill.source == FundingSource.FLEET and bill.account_id:
        state = BillState.INVOICED
    elif came:
        state = BillState.PAID
    else:
        state = BillState.UNPAID if owed(bill) > 0 else BillState.FREE
    bills.close(bill, state, reason, shortfall=max(0, owed(bill)) + bill.waived_minor)
