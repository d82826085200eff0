"""What was taken back or set right: a top-up that its bank disputes, and a bill of a month whose statement was paid."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import F

from billing.models import Account, Bill, Collection, Statement
from billing.services import accounts, disputes, ledger, statements
from billing.services.corrections import Resolution, resolve_bill
from billing.vocabulary import CollectionState, LedgerAccount, Purpose, StatementKind
from evcms.core.access import Access
from evcms.demo import keys
from evcms.demo.moments import SECOND, TYPING
from evcms.demo.till import Till
from sessions.models import Driver

WHO: Final = ("Tess Tol", "tess.tol@example.net")
TOPPED_UP: Final = timedelta(days=9)  # before now
AMOUNT_MINOR: Final = 5000
SPENT_MINOR: Final = 1850
REASON: Final = "unrecognized"
MISREAD: Final = "The meter was exchanged in the middle of the charge: counted anew from its seal"


def plant(access: Access, till: Till, now: datetime) -> None:
    """In the seeding's transaction, when statements and balances stand."""
    _disputed_top_up(access, till, now)
    _corrected_statement(access)


def _disputed_top_up(access: Access, till: Till, now: datetime) -> None:
    """A part of it is spent: the bank keeps aside what is left on the balance, the rest would be owed."""
    name, email = WHO
    driver = Driver.objects.create(
        organization=access.organization, name=name, email=email, language="nl", created_at=now - TOPPED_UP
    )
    accounts.use_balance(driver=driver, yes=True)
    account = accounts.own_balance(driver=driver)
    top_up = _paid(access, till, account, now - TOPPED_UP)
    accounts.adjust(
        access=access, account=account, amount_minor=-SPENT_MINOR, reason="Paid out at the desk in the town hall",
        key="desk",
    )  # fmt: skip
    disputes.follow_dispute(claim=till.dispute(top_up, reason=REASON, at=now))


def _paid(access: Access, till: Till, account: Account, at: datetime) -> Collection:
    """As accounts.topped_up, when it happened."""
    row = Collection(
        organization=access.organization, public_id=keys.public("top-up", account.email), purpose=Purpose.TOP_UP,
        account=account, driver=account.driver, currency=account.currency, amount_minor=AMOUNT_MINOR,
        state=CollectionState.PAID, email=account.email, language=account.language, created_at=at,
        paid_at=at + TYPING,
    )  # fmt: skip
    held = till.collect(row, at=at, until=at + TYPING)
    row.intent_id, row.charge_id, row.card = held.intent_id, held.charge_id, held.card
    row.checkout_id, row.checkout_url = held.checkout_id, held.url
    row.save()
    ledger.post(
        organization_id=row.organization_id, key=f"collection-{row.pk}", kind="top_up", currency=row.currency,
        lines=[
            ledger.Line(LedgerAccount.CARD_CLEARING, row.amount_minor),
            ledger.Line(LedgerAccount.PREPAID, -row.amount_minor, str(account.pk)),
        ],
        account=account, collection=row, at=at + TYPING + SECOND,
    )  # fmt: skip
    Account.objects.filter(pk=account.pk).update(balance_minor=F("balance_minor") + row.amount_minor)
    return row


def _corrected_statement(access: Access) -> None:
    """The dearest bill of the oldest statement cost too much: a credit note says so, the statement stays."""
    statement = Statement.objects.filter(
        organization=access.organization, kind=StatementKind.MONTH, total_minor__gt=0
    ).order_by("starts_at", "pk").first()  # fmt: skip
    if statement is None:
        return  # the network is younger than a month
    bill = Bill.objects.filter(statement=statement).select_related("session").latest("total_minor", "pk")
    less = bill.session.energy_mwh * 3 // 5
    resolve_bill(bill=bill, resolution=Resolution.ENERGY, reason=MISREAD, access=access, energy_mwh=less)
    statements.issue_credit(access=access, account=statement.account)
