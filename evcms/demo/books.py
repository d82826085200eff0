"""The past's journal and open amounts as rows: the lines that `billing.services.postings` would have posted."""

from datetime import datetime

from billing.models import Account, Bill, Debt, JournalEntry, JournalLine, Payment, Refund
from billing.services import goodwill, numbering, postings
from billing.services.ledger import Line
from billing.vocabulary import LedgerAccount
from evcms.demo import bulk, keys
from evcms.demo.charging import next_keys


class Books:
    """`write` puts them into the database, after the bills and payments that they tell of."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []
        self.lines: list[JournalLine] = []
        self.debts: list[Debt] = []
        self.accounts: set[Account] = set()
        self._keys = next_keys(JournalEntry)

    def priced(self, bill: Bill) -> None:
        assert bill.final_at is not None
        self._post(bill, f"price-{bill.pk}-1", "price", bill.final_at, postings.price_lines(bill))

    def captured(self, bill: Bill, payment: Payment, at: datetime) -> None:
        lines = _against_receivable(LedgerAccount.CARD_CLEARING, payment.captured_minor)
        self._post(bill, f"capture-{payment.pk}", "capture", at, lines, payment=payment)

    def waived(self, bill: Bill) -> None:
        """The whole price, by a rule."""
        assert bill.final_at is not None
        bill.waived_minor, bill.waived_reason = bill.total_minor, bill.reason
        lines = _against_receivable(LedgerAccount.WRITTEN_OFF, bill.total_minor)
        self._post(bill, f"waived-{bill.pk}", "waive", bill.final_at, lines, text=bill.reason)

    def for_nothing(self, bill: Bill) -> None:
        """Free by policy: the price is posted and taken back."""
        assert bill.final_at is not None
        back = [Line(line.account, -line.amount_minor, line.sub) for line in postings.price_lines(bill)]
        self._post(bill, f"price-{bill.pk}-2", "price", bill.final_at, back)
        bill.total_minor = bill.net_minor = bill.tax_minor = 0

    def on_account(self, bill: Bill, account: Account) -> None:
        """It goes on the account's statement."""
        assert bill.final_at is not None
        account.balance_minor += bill.total_minor
        self.accounts.add(account)
        lines = _against_receivable(LedgerAccount.FLEET_RECEIVABLE, bill.total_minor, str(account.pk))
        self._post(bill, f"fleet-{bill.pk}", "fleet", bill.final_at, lines, account=account)

    def owed(self, bill: Bill, at: datetime, payment: Payment | None = None) -> None:
        """What is short of the price."""
        driver = bill.session.driver
        self.debts.append(
            Debt(
                organization=bill.organization,
                public_id=keys.public("debt", bill.session.public_id),
                bill=bill,
                driver=driver,
                currency=bill.currency,
                amount_minor=bill.shortfall_minor,
                reason=bill.reason,
                email=payment.email if payment else driver.email if driver else "",
                language=payment.language if payment else (driver.language if driver else "") or "en",
                created_at=at,
            )
        )

    def _post(
        self, bill: Bill, key: str, kind: str, at: datetime, lines: list[Line], *, text: str = "",
        payment: Payment | None = None, account: Account | None = None,
    ) -> None:  # fmt: skip
        said = [line for line in lines if line.amount_minor]
        if not said:
            return
        entry = JournalEntry(
            pk=next(self._keys), organization=bill.organization, key=key, kind=kind, currency=bill.currency, at=at,
            text=text, bill=bill, payment=payment, account=account,
        )  # fmt: skip
        self.entries.append(entry)
        self.lines += [
            JournalLine(entry=entry, account=line.account, sub=line.sub, amount_minor=line.amount_minor)
            for line in said
        ]

    def write(self) -> None:
        bulk.write(self.entries)
        bulk.write(self.lines)
        bulk.write(self.debts)
        Account.objects.bulk_update(self.accounts, ["balance_minor"])


def _against_receivable(covers: LedgerAccount, amount_minor: int, sub: str = "") -> list[Line]:
    return [Line(covers, amount_minor, sub), Line(LedgerAccount.RECEIVABLE, -amount_minor)]


def given_back(refund: Refund, at: datetime) -> None:
    """One refund of the past, whose payment stands."""
    assert refund.payment is not None
    session = refund.payment.session
    assert session is not None
    shares = goodwill.post(refund, session.bill, at=at)
    receipt = numbering.standing_receipt(session.bill)
    if shares and receipt is not None:
        numbering.issue_goodwill(receipt=receipt, refund=refund, shares=shares)
