"""Kept answers about customers: which scopes are counted at once, and what was counted of the others."""

import hashlib
from datetime import timedelta
from typing import Final

from billing.models import Bill, CustomerRun
from billing.vocabulary import RunState
from stations.queries import visible_sites

from .insight import Scope

MOST_AT_ONCE: Final = 10_000  # sessions, those before the period too: who is new is seen by them
DAY: Final = timedelta(days=1)


def at_once(scope: Scope) -> bool:
    """Few enough sessions that a page may count them while somebody waits."""
    bills = Bill.objects.filter(organization=scope.access.organization).order_by()
    return not bills[MOST_AT_ONCE : MOST_AT_ONCE + 1].exists()


def asked(scope: Scope, segment: str) -> str:
    """Equal for equal rows: who sees all sites shares answers, who sees some has those of just these sites."""
    sites = "all"
    if not scope.access.all_sites:
        ids = sorted(visible_sites(scope.access).values_list("pk", flat=True))
        sites = hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()
    site, tariff = scope.site.pk if scope.site else "", scope.tariff.pk if scope.tariff else ""
    return f"{sites}/{site}/{tariff}/{segment}"


def newest(scope: Scope, segment: str) -> tuple[CustomerRun | None, CustomerRun | None]:
    """The newest answer of as many days (those that end with the asked ones, or a day before), and the run under way;
    one that failed after that answer is under way, too: it says why.
    """
    rows = CustomerRun.objects.filter(
        organization=scope.access.organization, asked=asked(scope, segment), until__lte=scope.last,
        until__gte=scope.last - DAY, days=(scope.last - scope.first).days + 1,
    )  # fmt: skip
    done = rows.filter(state=RunState.DONE).order_by("-until", "-finished_at").first()
    last = rows.exclude(state=RunState.DONE).order_by("-created_at", "-pk").first()
    if last and done and last.created_at < done.created_at:
        last = None
    return done, last
