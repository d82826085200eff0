"""Which fact about money says what in the journal: one function a fact, each idempotent by its key.

price        receivable        → revenue, tax           a session's price stands (or changed: the difference)
capture      card_clearing     → receivable             a card was charged
station      station_clearing  → receivable             the station's own terminal was paid
prepaid      prepaid           → receivable             a balance paid
voucher      vouchers, or written_off when it was given → receivable
fleet        fleet_receivable  → receivable             goes on the monthly statement
waive        written_off       → receivable             nobody will ask for it
debt         card_clearing     → receivable             a debt was collected
correction   card_clearing …   ← receivable             a new price: what was too much goes back, what is missing comes
refund       surplus, receivable, revenue, tax → card_clearing   given back: came twice, paid too much, or goodwill
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from billing.models import Bill, Collection, Payment, Refund
from billing.pricing import plain
from billing.shares import Share
from billing.vocabulary import FundingSource, LedgerAccount

from .ledger import Line, difference, post, posted

COVERS = {
    FundingSource.SCAN: LedgerAccount.CARD_CLEARING,
    FundingSource.CARD: LedgerAccount.CARD_CLEARING,
    FundingSource.READER: LedgerAccount.CARD_CLEARING,
    FundingSource.STATION: LedgerAccount.STATION_CLEARING,
    FundingSource.PREPAID: LedgerAccount.PREPAID,
    FundingSource.FLEET: LedgerAccount.FLEET_RECEIVABLE,
}


def priced(bill: Bill) -> None:
    """The price stands, or stands anew: only the difference to what was posted is."""
    lines = difference(price_lines(bill), posted("price", bill=bill))
    number = bill.journal.filter(kind="price").count() + 1
    post(
        organization_id=bill.organization_id,
        key=f"price-{bill.pk}-{number}",
        kind="price",
        currency=bill.currency,
        lines=lines,
        bill=bill,
    )


def price_lines(bill: Bill) -> list[Line]:
    """What a price says in the journal when it stands for the first time."""
    return [
        Line(LedgerAccount.RECEIVABLE, bill.total_minor),
        Line(LedgerAccount.REVENUE, -bill.net_minor),
        *[Line(LedgerAccount.TAX, -tax, rate) for rate, tax in taxes(bill)],
    ]


def taxes(bill: Bill) -> list[tuple[str, int]]:
    """(rate in percent, minor units); their sum is the bill's tax."""
    said = [(rate_of(tax["percent"]), tax["tax"]) for tax in (bill.trace or {}).get("taxes", [])]
    return said if said and sum(tax for _rate, tax in said) == bill.tax_minor else [("", bill.tax_minor)]


def rate_of(percent: str) -> str:
    """As the journal and the documents name a rate: plain decimal text."""
    return plain(Decimal(percent))


def captured(payment: Payment, bill: Bill, amount_minor: int) -> None:
    """A card (or the station's terminal) was charged for the bill."""
    covers = COVERS[FundingSource(payment.kind)]
    _against_receivable(bill, f"capture-{payment.pk}", "capture", covers, amount_minor, payment=payment)


def covered(bill: Bill, amount_minor: int, *, sub: str, key: str, gift: bool = False) -> None:
    """A balance, voucher or fleet account takes the bill. `gift`: a voucher that nobody had paid for."""
    covers = LedgerAccount.WRITTEN_OFF if gift else COVERS.get(FundingSource(bill.source), LedgerAccount.VOUCHERS)
    _against_receivable(
        bill, key, str(bill.source), covers, amount_minor, sub=sub, account=bill.account, voucher=bill.voucher
    )


def waived(bill: Bill, amount_minor: int, *, key: str, text: str) -> None:
    _against_receivable(bill, key, "waive", LedgerAccount.WRITTEN_OFF, amount_minor, text=text)


def debt_collected(bill: Bill, collection: Collection, amount_minor: int) -> None:
    key = f"collection-{collection.pk}"
    _against_receivable(bill, key, "debt", LedgerAccount.CARD_CLEARING, amount_minor, collection=collection)


def corrected(bill: Bill, holder: LedgerAccount, given_back: int, *, sub: str, text: str) -> None:
    """After a new price: what was paid too much goes back to where it came from (below 0: more is taken from there)."""
    _against_receivable(
        bill, f"correction-{bill.pk}-{bill.journal.count() + 1}", "correction", holder, -given_back, sub=sub, text=text
    )


def refunded(refund: Refund, bill: Bill, *, twice: int, too_much: int, shares: Sequence[Share], **more: Any) -> None:
    """What came twice, what a corrected price had left as paid too much, and goodwill by its rates: revenue (`sub`: the
    rate that it was taxed with) and tax shrink. Any: other fields of the entry.
    """
    earlier = refund.journal.filter(kind="refund").count()
    post(
        organization_id=refund.organization_id,
        key=f"refund-{refund.pk}" + (f"-{earlier + 1}" if earlier else ""),
        kind="refund",
        currency=bill.currency,
        lines=[
            Line(LedgerAccount.SURPLUS, twice),
            Line(LedgerAccount.RECEIVABLE, too_much),
            *[Line(LedgerAccount.REVENUE, share.net, share.rate) for share in shares],
            *[Line(LedgerAccount.TAX, share.tax, share.rate) for share in shares],
            Line(_card(refund), -refund.amount_minor),
        ],
        text=refund.reason,
        bill=bill,
        payment=refund.payment,
        collection=refund.collection,
        refund=refund,
        **more,
    )


def _card(refund: Refund) -> LedgerAccount:
    return COVERS[FundingSource(refund.payment.kind)] if refund.payment else LedgerAccount.CARD_CLEARING


def _against_receivable(
    bill: Bill,
    key: str,
    kind: str,
    covers: LedgerAccount,
    amount_minor: int,
    *,
    sub: str = "",
    text: str = "",
    **about: Any,
) -> None:
    post(
        organization_id=bill.organization_id,
        key=key,
        kind=kind,
        currency=bill.currency,
        lines=[Line(covers, amount_minor, sub), Line(LedgerAccount.RECEIVABLE, -amount_minor)],
        text=text,
        bill=bill,
        **about,
    )
