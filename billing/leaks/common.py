"""What the checks share."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from billing.models import Bill, Collection, Payment
from billing.proof import Leak
from evcms.core.models import Organization
from sessions.models import ChargingSession

MOST = 500  # of one kind; a broken import leaves thousands, and nobody reads so many


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


Check = Callable[[Look], Iterable[Leak]]


def bills_of(look: Look, sums: "QuerySet[Any, Any]", name: str) -> Iterator[tuple[Bill, int]]:
    """The bills of grouped rows with their sum `name`: whole bills grouped would sort their traces. Any: columns."""
    told = dict(sums.order_by("pk").values_list("pk", name)[:MOST])
    for bill in look.bills.filter(pk__in=told):
        yield bill, told[bill.pk]


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
