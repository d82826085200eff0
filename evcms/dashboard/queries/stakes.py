"""What is at stake when something is done to many stations: who charges there, what it has cost, what is held."""

from dataclasses import dataclass, field
from typing import Final

from django.db.models import Count, Q, QuerySet, Sum

from billing.models import Payment
from billing.queries import Running, running_total
from billing.vocabulary import PaymentState
from evcms.core.access import Access
from sessions import queries as sessions
from sessions.models import ChargingSession
from stations.models import BulkAction, BulkKind, BulkLine, LineState

SHOWN: Final = 10  # sessions named on the page

ENDS_SESSIONS: Final = frozenset({BulkKind.RESET_HARD})
"""2.x stops what runs (B12.FR.03), 1.6 kills it without a proper stop."""


@dataclass(frozen=True)
class Stakes:
    stations: int
    waiting: int
    refused: list[tuple[str, int]]
    charging: int = 0
    energy_mwh: int = 0
    sessions: list[ChargingSession] = field(default_factory=list)
    holds: list[tuple[int, str]] = field(default_factory=list)
    cost: Running | None = None
    ends_them: bool = False


def stakes(access: Access, action: BulkAction) -> Stakes:
    """Seven queries, however many stations, and six for sessions whose price needs times."""
    reasons = action.lines.filter(state=LineState.REFUSED).values_list("detail").annotate(n=Count("pk")).order_by("-n")
    refused = [(detail, count) for detail, count in reasons]
    waiting = action.lines.filter(state=LineState.WAITING)
    running = sessions.running(access).filter(station__in=waiting.values("station"))
    told = running.order_by().aggregate(n=Count("pk"), energy=Sum("energy_mwh"))
    count = waiting.count()
    return Stakes(
        stations=count + sum(number for _why, number in refused), waiting=count, refused=refused, charging=told["n"],
        energy_mwh=told["energy"] or 0,
        sessions=list(running.select_related("station", "driver", "id_token").order_by("-started_at")[:SHOWN]),
        holds=holds(running), cost=running_total(running, told["n"]), ends_them=action.kind in ENDS_SESSIONS,
    )  # fmt: skip


def holds(running: QuerySet[ChargingSession]) -> list[tuple[int, str]]:
    """(minor units, currency) held on cards for these sessions."""
    rows = Payment.objects.filter(session__in=running.order_by().values("pk"), state=PaymentState.AUTHORIZED)
    return [
        (total, currency) for currency, total in rows.order_by().values_list("currency").annotate(Sum("hold_minor"))
    ]


@dataclass(frozen=True)
class Progress:
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def over(self) -> int:
        return self.total - self.counts["waiting"] - self.counts["sent"]


def progress(access: Access, action: BulkAction) -> Progress:
    found = dict(_seen(access, action).order_by().values_list("state").annotate(Count("pk")))
    return Progress({str(state): found.get(state, 0) for state in LineState})


def lines(access: Access, action: BulkAction, state: str) -> QuerySet[BulkLine]:
    """In one state, or (no such state) all."""
    rows = _seen(access, action).select_related("station__site").order_by("pk")
    return rows.filter(state=state) if state in LineState else rows


def _seen(access: Access, action: BulkAction) -> QuerySet[BulkLine]:
    if access.all_sites or action.membership_id == access.membership.pk:
        return action.lines.all()
    return action.lines.filter(station__site__grants__membership=access.membership)


def actions(access: Access) -> QuerySet[BulkAction]:
    """One's own, and confirmed ones; who does not see all sites sees those that touched his stations."""
    own, touched = Q(membership=access.membership), Q(confirmed_at__isnull=False)
    if not access.all_sites:
        lit = BulkLine.objects.filter(station__site__grants__membership=access.membership)
        touched &= Q(pk__in=lit.values("action"))
    return BulkAction.objects.filter(own | touched, organization=access.organization)


def counted(rows: QuerySet[BulkAction]) -> QuerySet[BulkAction]:
    """With `all`, `over` and `failures`, newest first; without drafts."""
    over = Count("lines", filter=~Q(lines__state__in=("waiting", "sent")))
    rows = rows.filter(confirmed_at__isnull=False).annotate(
        all=Count("lines"), over=over, failures=Count("lines", filter=Q(lines__state="failed"))
    )
    return rows.order_by("-created_at", "pk")
