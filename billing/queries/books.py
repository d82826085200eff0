"""Payments, bills, receipts: lists for people, cut to what they may see, and sums."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from billing import reasons
from billing.models import Bill, Payment, PaymentEvent, Receipt
from billing.vocabulary import BillState, PaymentState
from evcms.core import retention
from evcms.core.access import Access, Permission
from evcms.core.models import Organization
from sessions.models import ChargingSession
from stations.models import Site
from stations.queries import visible_sites

PENDING = (PaymentState.AUTHORIZED, PaymentState.CAPTURING)
UNASKED = ("", *reasons.AT_READERS)  # codes of payments that no bank refused
DECLINED = Q(state__in=(PaymentState.CREATED, PaymentState.CHECKOUT, PaymentState.EXPIRED)) & ~Q(error_code__in=UNASKED)


@dataclass(frozen=True)
class Totals:
    """Of one currency, in minor units."""

    currency: str
    count: int
    captured: int
    refunded: int
    pending: int  # held or being charged: at most this much may come
    failed: int  # number of payments that failed
    declined: int  # number of payments that ended, or wait, with a card that the bank declined


def payments(access: Access) -> QuerySet[Payment]:
    """The visible payments, newest first, with place, session and receipt at hand."""
    rows = Payment.objects.filter(organization=access.organization)
    if not access.all_sites:
        rows = rows.filter(connector__station__site__in=visible_sites(access))
    rows = rows.select_related("connector__station__site", "connector__evse", "session", "organization")
    return rows.prefetch_related("receipts")


def totals(rows: QuerySet[Payment]) -> list[Totals]:
    """Sums of a filtered list, a currency each."""
    sums = (
        rows.order_by()
        .values("currency")
        .annotate(
            count=Count("*"),
            captured=Coalesce(Sum("captured_minor"), 0),
            refunded=Coalesce(Sum("refunded_minor"), 0),
            pending=Coalesce(Sum(Coalesce(F("due_minor"), F("hold_minor")), filter=Q(state__in=PENDING)), 0),
            failed=Count("state", filter=Q(state=PaymentState.FAILED)),
            declined=Count("state", filter=DECLINED),
        )
        .order_by("currency")
    )
    return [Totals(**row) for row in sums]


def captured_total(
    *,
    organization: Organization,
    since: datetime,
    until: datetime,
    site: Site | None = None,
    access: Access | None = None,
) -> int:
    """Minor units of the organization's currency captured in [since, until); refunds are not taken off."""
    rows = Payment.objects.filter(
        organization=organization,
        currency=organization.currency,
        state=PaymentState.CAPTURED,
        settled_at__gte=since,
        settled_at__lt=until,
    )
    if site is not None:
        rows = rows.filter(connector__station__site=site)
    if access is not None and not access.all_sites:
        rows = rows.filter(connector__station__site__in=visible_sites(access))
    return int(rows.aggregate(total=Coalesce(Sum("captured_minor"), 0))["total"])


def payment(public_id: str) -> Payment | None:
    """By the unguessable id of its link, as long as the link works."""
    rows = Payment.objects.filter(_fresh("created_at")).select_related(
        "connector__station__site", "connector__evse", "session", "attempt", "snapshot", "organization"
    )
    return rows.filter(public_id=public_id).first()


def payment_of_session(session: ChargingSession) -> Payment | None:
    linked = Q(session=session)
    if session.attempt_id:
        linked |= Q(attempt_id=session.attempt_id)
    return Payment.objects.filter(linked).select_related("connector__station").first()


def timeline(row: Payment) -> QuerySet[PaymentEvent]:
    return row.events.order_by("at", "id")


def _fresh(name: str) -> Q:
    """Guests' links end GUEST_LINK_DAYS after what they are about (0: never)."""
    border = retention.border(settings.GUEST_LINK_DAYS)
    return Q(**{f"{name}__gte": border}) if border else Q()


def receipt(public_id: str, access: Access | None = None) -> Receipt | None:
    """By the unguessable id of its link, as long as the link works; for the organization's finance for ever."""
    works = _fresh("issued_at")
    if works and access is not None and access.can(Permission.MONEY):
        works |= Q(organization=access.organization)
    rows = Receipt.objects.filter(works).select_related("payment", "bill__session", "organization")
    return rows.filter(public_id=public_id).first()


def bills_to_review(access: Access) -> QuerySet[Bill]:
    """Prices that wait for a person, oldest first."""
    rows = Bill.objects.filter(organization=access.organization, state=BillState.REVIEW)
    if not access.all_sites:
        rows = rows.filter(session__site__in=visible_sites(access))
    return rows.select_related("session__station").order_by("final_at")
