"""The journal against the rows that it tells of: balanced, complete, sealed."""

from collections.abc import Iterator

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from billing import standings
from billing.models import JournalEntry, JournalLine, Refund
from billing.proof import Leak
from billing.vocabulary import BillState, LedgerAccount, PaymentKind, PaymentState, RefundState

from .common import MOST, Check, Look, bills_of, differs, of_bill, of_payment

CHARGED = (PaymentKind.SCAN, PaymentKind.CARD, PaymentKind.READER, PaymentKind.STATION)
CLEARING = (LedgerAccount.CARD_CLEARING, LedgerAccount.STATION_CLEARING)
SETTLED = (BillState.PAID, BillState.UNPAID, BillState.FREE, BillState.INVOICED)


def unbalanced(look: Look) -> Iterator[Leak]:
    """An entry whose lines do not sum to 0: somebody has altered it behind the services' back."""
    lines = JournalLine.objects.filter(entry__organization=look.organization).order_by()
    sums = lines.values("entry").annotate(total=Sum("amount_minor")).exclude(total=0)
    entries = {row["entry"]: row["total"] for row in sums[:MOST]}
    for entry in JournalEntry.objects.filter(pk__in=entries).select_related("bill__session"):
        text = _("journal entry %(key)s does not balance") % {"key": entry.key}
        session = entry.bill.session.public_id if entry.bill else ""
        yield Leak(
            "unbalanced", text, f"entry:{entry.pk}", session=session, amount_minor=entries[entry.pk],
            currency=entry.currency,
        )  # fmt: skip
    empty = JournalEntry.objects.filter(organization=look.organization, lines=None)
    for entry in empty[:MOST]:
        text = _("journal entry %(key)s has no lines") % {"key": entry.key}
        yield Leak("unbalanced", text, f"entry:{entry.pk}")


def price_unposted(look: Look) -> Iterator[Leak]:
    wrong = (pk for pk, row in look.booked.items() if row.price != row.total and row.state != BillState.OPEN)
    for bill in bills_of(look, wrong):
        text = differs(_("bill and journal"), bill.total_minor, look.booked[bill.pk].price)
        yield of_bill("unposted", text, bill)
    posted = JournalEntry.objects.filter(bill=OuterRef("pk"), kind="price")
    never = look.bills.exclude(state=BillState.OPEN).exclude(total_minor=0, shortfall_minor=F("waived_minor"))
    for bill in never.filter(~Exists(posted))[:MOST]:
        yield of_bill("unposted", differs(_("bill and journal"), bill.total_minor, 0), bill)


def capture_unposted(look: Look) -> Iterator[Leak]:
    clearing = Q(journal__kind="capture", journal__lines__account__in=CLEARING)
    rows = look.payments.filter(state=PaymentState.CAPTURED, kind__in=CHARGED, session__isnull=False)
    sums = rows.values("pk", "captured_minor")
    sums = sums.annotate(posted=Coalesce(Sum("journal__lines__amount_minor", filter=clearing), 0))
    told = dict(sums.exclude(posted=F("captured_minor")).values_list("pk", "posted")[:MOST])
    for payment in rows.filter(pk__in=told):
        posted = told[payment.pk]
        text = differs(_("capture and journal"), payment.captured_minor, posted)
        yield of_payment("unposted", text, payment, payment.captured_minor - posted)


def refund_unposted(look: Look) -> Iterator[Leak]:
    clearing = Q(journal__kind="refund", journal__lines__account__in=CLEARING)
    rows = Refund.objects.filter(organization=look.organization, state=RefundState.DONE).order_by("pk")
    rows = rows.filter(done_at__gte=look.since, done_at__lt=look.until, payment__session__isnull=False)
    rows = rows.filter(payment__kind__in=CHARGED).select_related("payment__session")
    rows = rows.annotate(posted=Coalesce(Sum("journal__lines__amount_minor", filter=clearing), 0))
    for refund in rows.exclude(posted=-F("amount_minor"))[:MOST]:
        assert refund.payment is not None
        posted: int = -refund.posted
        text = differs(_("refund and journal"), refund.amount_minor, posted)
        yield of_payment("unposted", text, refund.payment, refund.amount_minor - posted)


def owed_off(look: Look) -> Iterator[Leak]:
    """What the journal says is owed is what the bill says; a refund that is on its way explains what is too much."""
    wrong = [pk for pk, row in look.booked.items() if row.owed != row.shortfall - row.waived and row.state in SETTLED]
    if not wrong:
        return
    on_its_way = Refund.objects.filter(payment__organization=look.organization).exclude(
        state__in=(RefundState.DONE, RefundState.FAILED, RefundState.REJECTED)
    )
    explained = set(on_its_way.values_list("payment__session_id", flat=True))
    for bill in bills_of(look, wrong):
        owed = look.booked[bill.pk].owed
        if owed >= 0 or bill.session_id not in explained:
            text = differs(_("owed by the bill and by the journal"), bill.shortfall_minor - bill.waived_minor, owed)
            yield of_bill("unposted", text, bill, owed)


def days_off(look: Look) -> Iterator[Leak]:
    """What the ledger's page sums up by days is what the period's lines say."""
    quick = standings.moved(look.organization, look.since, look.until)
    whole = standings.from_lines(look.organization, look.since, look.until)
    nothing = standings.Moved(0, 0, 0)
    for key in sorted({*quick, *whole}):
        told, right = quick.get(key, nothing), whole.get(key, nothing)
        if told != right:
            account, kind, currency = key
            both = _("ledger's days and journal, %(account)s, %(kind)s") % {"account": account, "kind": kind}
            text = differs(both, told.debit - told.credit, right.debit - right.credit)
            yield Leak("ledger_days", text, f"ledger:{account}:{kind}:{currency}", currency=currency)


def unsealed(look: Look) -> Iterator[Leak]:
    """The database itself refuses to change what was posted."""
    if not sealed():
        yield Leak("unsealed", _("the database would let somebody change the journal"), "seal")


def sealed() -> bool:
    names = {f"{model._meta.db_table}_" for model in (JournalEntry, JournalLine)}
    postgres = connection.vendor == "postgresql"
    wanted = {f"{name}stays" if postgres else f"{name}no_update" for name in names}
    query = "SELECT tgname FROM pg_trigger" if postgres else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    with connection.cursor() as cursor:
        cursor.execute(query)
        return wanted <= {name for (name,) in cursor.fetchall()}


CHECKS: tuple[Check, ...] = (
    unbalanced, price_unposted, capture_unposted, refund_unposted, owed_off, days_off, unsealed,
)  # fmt: skip
