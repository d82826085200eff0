"""What waits for a person about money, what banks and the provider do with it; cut to what `access` may see."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from billing.models import BalanceLine, Collection, Dispute, Payment, Payout, Refund
from billing.vocabulary import CollectionState, DisputeState, Purpose, RefundState
from evcms.core.access import Access, Permission
from evcms.core.models import Organization
from stations.queries import visible_sites

from .books import bills_to_review

OF_COLLECTION = (
    "collection", "collection__account", "collection__statement__account", "collection__driver",
    "collection__debt__driver", "collection__debt__bill__session__station",
)  # fmt: skip
TRANSFERS = ("payout", "payout_failure", "payout_cancel")


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


def to_decide(access: Access) -> ToDecide:
    """One query: every page's menu asks."""
    if not access.can(Permission.MONEY):
        return ToDecide(0, 0, 0)
    refunds = _visible(Refund.objects.filter(state=RefundState.WAITING), access).order_by()
    waiting = refunds.values_list(Value("refund"), "pk").union(
        _unanswered(access).order_by().values_list(Value("dispute"), "pk"),
        bills_to_review(access).order_by().values_list(Value("bill"), "pk"),
        all=True,
    )
    kinds = [kind for kind, _pk in waiting]
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
    """Payouts in which the organization has a share: `share_minor`, `fees_minor`; `lost_minor`: lines of nobody.

    Summed for each row that is shown: a year's lines are a million.
    """
    seen = balance_lines(access).filter(payout=OuterRef("pk")).order_by()
    nobody = BalanceLine.objects.filter(payout=OuterRef("pk"), organization=None).order_by()
    rows = Payout.objects.all() if sees_all(access) else Payout.objects.filter(Exists(seen))
    return rows.annotate(
        share_minor=_summed(seen, "net_minor"),
        fees_minor=_summed(seen, "fee_minor"),
        lost_minor=_summed(nobody, "net_minor"),
    ).order_by("-created_at", "-pk")


def _summed(lines: QuerySet[BalanceLine], name: str) -> Coalesce:
    return Coalesce(Subquery(lines.values("payout").annotate(n=Sum(name)).values("n")), 0)


def unmatched(access: Access) -> QuerySet[BalanceLine]:
    """Movements that belong to no row of ours: leaks, until somebody has explained them."""
    return balance_lines(access).filter(organization=None).order_by("-at")
