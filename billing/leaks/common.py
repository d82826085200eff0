"""What the checks share."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from billing.models import Bill, Collection, JournalEntry, JournalLine, Payment, Receipt
from billing.proof import Leak
from billing.vocabulary import BillState, FundingSource, LedgerAccount, ReceiptKind
from evcms.core.models import Organization
from sessions.models import ChargingSession, UsageHour

CARDS = (FundingSource.SCAN, FundingSource.CARD, FundingSource.READER, FundingSource.STATION, FundingSource.NONE)
PURSES = (FundingSource.PREPAID, FundingSource.VOUCHER)
UNSETTLED = (BillState.OPEN, BillState.DUE)
MOST = 500  # of one kind; a broken import leaves thousands, and nobody reads so many


class Booked(NamedTuple):
    """A bill, and what the journal has of it as owed by drivers: when it was priced, and in all. Minor units."""

    state: str
    total: int
    shortfall: int
    waived: int
    price: int
    owed: int


class Documented(NamedTuple):
    """A bill's receipts less its credit notes, in number and amount, and its price."""

    standing: int
    said: int
    total: int


WHOLE = {"receipts": ReceiptKind.RECEIPT, "notes": ReceiptKind.CREDIT}


@dataclass(frozen=True)
class Look:
    """What is looked at: sessions that ended, and documents that were made, in [since, until).

    `settled_before`: what is older than this is no longer under way.
    """

    organization: Organization
    since: datetime
    until: datetime
    settled_before: datetime
    ask: bool = False

    @property
    def sessions(self) -> QuerySet[ChargingSession]:
        """Ended ones."""
        ended = ChargingSession.objects.filter(ended_at__gte=self.since, ended_at__lt=self.until)
        return ended.filter(organization=self.organization).order_by("pk")

    @property
    def bills(self) -> QuerySet[Bill]:
        """Of ended sessions, with them at hand."""
        rows = Bill.objects.filter(session__ended_at__gte=self.since, session__ended_at__lt=self.until)
        return rows.filter(organization=self.organization).select_related("session").order_by("pk")

    @property
    def payments(self) -> QuerySet[Payment]:
        """Made in the period, with their sessions at hand."""
        rows = Payment.objects.filter(created_at__gte=self.since, created_at__lt=self.until)
        return rows.filter(organization=self.organization).select_related("session").order_by("pk")

    @property
    def collections(self) -> QuerySet[Collection]:
        """Asked for in the period."""
        rows = Collection.objects.filter(created_at__gte=self.since, created_at__lt=self.until)
        return rows.filter(organization=self.organization).order_by("pk")

    # Read once, for several checks and for the proof itself

    @cached_property
    def booked(self) -> dict[int, Booked]:
        """Bills about which the journal has more to say than that their price was posted and paid: by bill."""
        entry = "entry__bill__"
        columns = [entry + name for name in ("pk", "state", "total_minor", "shortfall_minor", "waived_minor")]
        lines = JournalLine.objects.filter(entry__organization=self.organization, account=LedgerAccount.RECEIVABLE)
        rows = lines.filter(entry__bill__isnull=False).order_by().values_list(*columns)
        sums = rows.annotate(
            price=Coalesce(Sum("amount_minor", filter=Q(entry__kind="price")), 0), left=Sum("amount_minor")
        )
        odd = ~Q(price=F(f"{entry}total_minor")) | ~Q(left=0)
        odd |= ~Q(left=F(f"{entry}shortfall_minor") - F(f"{entry}waived_minor"))
        return {row[0]: Booked(*row[1:]) for row in sums.filter(odd)}

    @cached_property
    def suspects(self) -> list[Bill]:
        """Bills with something odd in their own columns, in one pass; the checks say what it is. `came`: what cards and
        a collected debt have brought, `taken`: a balance or voucher has paid.
        """
        by_card = Coalesce("session__payment__captured_minor", 0) + Coalesce("debt__collected_minor", 0)
        taken = Exists(JournalEntry.objects.filter(bill=OuterRef("pk"), kind__in=PURSES))
        rows = self.bills.annotate(came=by_card, taken=taken).select_related("snapshot")
        unpaid = Q(source__in=CARDS, came__lt=F("total_minor") - F("shortfall_minor"))
        unpaid |= Q(source__in=PURSES, came=0, taken=False) & ~Q(total_minor=0)
        traced = Q(traced_minor=F("total_minor"), traced_mwh=F("session__energy_mwh"))
        priced = Q(snapshot__isnull=False, trace__isnull=False) & ~Q(source=FundingSource.FREE)
        odd = Q(snapshot=None) | Q(state__in=UNSETTLED) | (Q(state=BillState.PAID) & unpaid)
        odd |= priced & (~traced | ~Q(total_minor=F("net_minor") + F("tax_minor")))
        return list(rows.filter(odd)[: 10 * MOST])

    @cached_property
    def documented(self) -> dict[int, Documented]:
        """Bills whose receipts, credit notes over a part aside, are not one that stands and says the price: by bill."""
        rows = Receipt.objects.filter(organization=self.organization, refund=None, bill__isnull=False).order_by()
        kinds = {name: Count("pk", filter=Q(kind=kind)) for name, kind in WHOLE.items()}
        sums = rows.values_list("bill").annotate(
            standing=kinds["receipts"] - kinds["notes"], said=Sum("total_minor"), total=Max("bill__total_minor")
        )  # fmt: skip
        return {row[0]: Documented(*row[1:]) for row in sums.exclude(standing=1, said=F("total"))}

    @cached_property
    def accounts(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(account, whose) → debits, credits (below 0) by the journal; over all time."""
        lines = JournalLine.objects.filter(entry__organization=self.organization).order_by()
        sides = {
            "debit": Coalesce(Sum("amount_minor", filter=Q(amount_minor__gt=0)), 0),
            "credit": Coalesce(Sum("amount_minor", filter=Q(amount_minor__lt=0)), 0),
        }
        sums = lines.values_list("account", "sub").annotate(**sides)
        return {(account, sub): (debit, credit) for account, sub, debit, credit in sums}

    def balance(self, account: str, sub: object) -> int:
        return sum(self.accounts.get((account, str(sub)), (0, 0)))

    @cached_property
    def energy_by_evse(self) -> tuple[dict[int, int], dict[int, int]]:
        """mWh of sessions, and of the hours that the pages draw; over all time."""
        rows = ChargingSession.objects.filter(organization=self.organization, evse__isnull=False).order_by()
        theirs = UsageHour.objects.filter(evse__station__organization=self.organization).order_by()
        sums = (each.values_list("evse").annotate(total=Sum("energy_mwh")) for each in (rows, theirs))
        sessions, hours = (dict(each) for each in sums)
        return sessions, hours


Check = Callable[[Look], Iterable[Leak]]


def bills_of(look: Look, keys: Iterable[int]) -> Iterator[Bill]:
    """Those of them that the period has."""
    yield from look.bills.filter(pk__in=list(keys))[:MOST]


def of_session(kind: str, text: str, session: ChargingSession) -> Leak:
    return Leak(kind, text, f"session:{session.pk}", session=session.public_id, energy_mwh=session.energy_mwh)


def of_bill(kind: str, text: str, bill: Bill, amount_minor: int | None = None) -> Leak:
    return Leak(
        kind,
        text,
        f"session:{bill.session_id}",
        session=bill.session.public_id,
        energy_mwh=bill.session.energy_mwh,
        amount_minor=bill.total_minor if amount_minor is None else amount_minor,
        currency=bill.currency,
    )


def of_payment(kind: str, text: str, payment: Payment, amount_minor: int) -> Leak:
    session = payment.session
    return Leak(
        kind,
        text,
        f"payment:{payment.pk}",
        session=session.public_id if session else "",
        payment=payment.public_id,
        energy_mwh=session.energy_mwh if session else 0,
        amount_minor=amount_minor,
        currency=payment.currency,
    )


def of_collection(kind: str, text: str, row: Collection, amount_minor: int) -> Leak:
    return Leak(kind, text, f"collection:{row.pk}", amount_minor=amount_minor, currency=row.currency)


def differs(what: str, one: int | str, other: int | str) -> str:
    """ "the receipt says 1090, the bill 600"."""
    return _("%(what)s: %(one)s against %(other)s") % {"what": what, "one": one, "other": other}
