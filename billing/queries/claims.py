"""What waits for a person about money, what banks and the provider do with it; cut to what `access` may see."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Sum, Value, When

from billing.models import BalanceLine, Collection, Dispute, Payment, Payout, PayoutShare, Refund
from billing.vocabulary import TRANSFERS, CollectionState, DisputeState, Purpose, RefundState
from evcms.core.access import Access, Permission
from evcms.core.models import Organization
from stations.queries import visible_sites

from .books import bills_to_review

OF_COLLECTION = (
    "collection", "collection__account", "collection__statement__account", "collection__driver",
    "collection__debt__driver", "collection__debt__bill__session__station",
)  # fmt: skip


def _visible(rows: QuerySet[Any], access: Access) -> QuerySet[Any]:
    """Any: rows with a payment; those with a collection are for members of all sites, as accounts are."""
    rows = rows.filter(organization=access.organization)
    if access.all_sites:
        return rows
    return rows.filter(payment__connector__station__site__in=visible_sites(access))


def waiting_refunds(access: Access) -> QuerySet[Refund]:
    """Refunds that need a second person, oldest first."""
    rows = _visible(Refund.objects.filter(state=RefundState.WAITING), access)
    return rows.select_related(
        "payment__connector__station", "payment__connector__evse", "requested_by", *OF_COLLECTION
    ).order_by("created_at", "pk")


def refund(access: Access, public_id: str) -> Refund | None:
    rows = _visible(Refund.objects.filter(public_id=public_id), access)
    found: Refund | None = rows.select_related("payment__organization", "collection", "requested_by").first()
    return found


def disputes(access: Access) -> QuerySet[Dispute]:
    """What needs an answer first, by its deadline; then what the bank decides on; then the rest, newest first."""
    urgency = Case(
        When(state=DisputeState.NEEDS_RESPONSE, then=0), When(state=DisputeState.UNDER_REVIEW, then=1), default=2
    )
    rows = _visible(Dispute.objects.all(), access).annotate(urgency=urgency)
    deadline = Case(When(state=DisputeState.NEEDS_RESPONSE, then=F("respond_by")))
    rows = rows.order_by("urgency", deadline, "-opened_at", "-pk")
    found: QuerySet[Dispute] = rows.select_related(
        "payment__connector__station__site", "payment__connector__evse", "payment__session", "evidence_asked_by",
        *OF_COLLECTION,
    )  # fmt: skip
    return found


def disputes_of(charge: Payment | Collection) -> QuerySet[Dispute]:
    return charge.disputes.order_by("-opened_at")


def collections(access: Access, *, purpose: str = "", state: str = "", sought: str = "") -> QuerySet[Collection]:
    """Top-ups, debts and statements that cards were asked for, newest first. Accounts are the whole organization's, so
    only members of all sites see them.
    """
    rows = Collection.objects.filter(organization=access.organization)
    if not access.all_sites:
        rows = rows.none()
    rows = rows.filter(purpose=purpose) if purpose in Purpose else rows
    rows = rows.filter(state=state) if state in CollectionState else rows
    if sought:
        rows = rows.filter(
            Q(email__icontains=sought) | Q(card__endswith=sought) | Q(intent_id=sought) | Q(charge_id=sought)
            | Q(account__name__icontains=sought) | Q(driver__name__icontains=sought)
        )  # fmt: skip
    related = [name.removeprefix("collection__") for name in OF_COLLECTION[1:]]
    return rows.select_related(*related, "organization").order_by("-created_at", "-pk")


def unanswered(access: Access) -> int:
    """Disputes that a bank waits for our answer to."""
    return int(_unanswered(access).count())


def _unanswered(access: Access) -> QuerySet[Any]:
    return _visible(Dispute.objects.filter(state=DisputeState.NEEDS_RESPONSE, evidence_sent_at=None), access)


@dataclass(frozen=True)
class ToDecide:
    """How much of money waits for a person of this organization."""

    refunds: int
    disputes: int
    bills: int

    @property
    def total(self) -> int:
        return self.refunds + self.disputes + self.bills


def waiting(access: Access) -> dict[str, QuerySet[Any]]:
    """Refunds that wait for a second person, disputes for an answer, bills for a price: rows by kind, none for who may
    not see money. Any: rows of three models.
    """
    if not access.can(Permission.MONEY):
        return {}
    return {
        "refund": _visible(Refund.objects.filter(state=RefundState.WAITING), access),
        "dispute": _unanswered(access),
        "bill": bills_to_review(access),
    }


def to_decide(access: Access) -> ToDecide:
    """How many of each kind wait. One query."""
    parts = [rows.order_by().values_list(Value(kind), "pk") for kind, rows in waiting(access).items()]
    kinds = [kind for kind, _pk in parts[0].union(*parts[1:], all=True)] if parts else []
    return ToDecide(kinds.count("refund"), kinds.count("dispute"), kinds.count("bill"))


def sees_all(access: Access) -> bool:
    """All of the provider's account is this person's business: one organization in the installation, all its sites."""
    return access.all_sites and Organization.objects.count() == 1


def balance_lines(access: Access) -> QuerySet[BalanceLine]:
    """Movements of the provider's balance that are the organization's; in an installation of its own also those that
    belong to no row. A member of some sites sees what was paid there.
    """
    rows = BalanceLine.objects.exclude(kind__in=TRANSFERS)
    if not access.all_sites:
        rows = _visible(rows, access)
    elif sees_all(access):
        rows = rows.filter(Q(organization=access.organization) | Q(organization=None))
    else:
        rows = rows.filter(organization=access.organization)
    return rows.select_related(
        "payment__connector__station", "payment__connector__evse", "refund", "dispute", "payout", *OF_COLLECTION
    )


def payouts(access: Access) -> QuerySet[Payout]:
    """Payouts in which the organization has a share; `shares` says how large."""
    rows = Payout.objects.order_by("-created_at", "-pk")
    if sees_all(access):
        return rows
    seen = Exists(balance_lines(access).filter(payout=OuterRef("pk")).order_by())
    if not access.all_sites:
        return rows.filter(seen)
    counted = PayoutShare.objects.filter(payout=OuterRef("pk"))
    own = Exists(counted.filter(organization=access.organization))
    return rows.filter(own | (Q(due_at__isnull=False) | ~Exists(counted)) & seen)


class Share(NamedTuple):
    """Of one payout, minor units: what somebody's part of it is, the fees in it, what of it is nobody's."""

    net: int = 0
    fees: int = 0
    lost: int = 0


def shares(access: Access, rows: Iterable[Payout]) -> dict[int, Share]:
    """By payout. Who sees all has what is nobody's, too; who sees some sites has what was paid there."""
    rows = list(rows)
    read = {row.pk for row in rows if row.due_at is None} if access.all_sites else set[int]()
    counted = PayoutShare.objects.filter(payout__in=read).order_by()
    sums = list(counted.values_list("payout", "organization", "net_minor", "fee_minor"))
    left = {row.pk for row in rows} - {payout for payout, *_sums in sums}
    if left:
        lines = balance_lines(access) if not access.all_sites else BalanceLine.objects.exclude(kind__in=TRANSFERS)
        found = lines.filter(payout__in=left).order_by().values_list("payout", "organization")
        sums += found.annotate(Sum("net_minor"), Sum("fee_minor"))
    return _shares(sums, access.organization.pk, whole=sees_all(access))


def _shares(sums: Iterable[tuple[int, int | None, int, int]], mine: int, *, whole: bool) -> dict[int, Share]:
    told: dict[int, Share] = {}
    for payout, organization, net, fees in sums:
        before = told.get(payout, Share())
        if organization is None:
            before = before._replace(lost=before.lost + net)
        if organization == mine or (whole and organization is None):
            before = before._replace(net=before.net + net, fees=before.fees + fees)
        told[payout] = before
    return told


def unmatched(access: Access) -> QuerySet[BalanceLine]:
    """Movements that belong to no row of ours: leaks, until somebody has explained them."""
    return balance_lines(access).filter(organization=None).order_by("-at")
