"""Proofs: a row says what to prove, a task takes it under a lease.

Killed in the middle, the row is taken again when its lease is over; proving changes nothing, so twice does no harm.
"""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction

from billing.models import ProofRun
from billing.queries import ledger
from billing.queries import proof as proofs
from billing.vocabulary import RunState
from evcms.core import clock, events
from evcms.core.access import Access, Permission
from evcms.core.models import Organization

from . import runs

LEASE: Final = timedelta(minutes=20)  # longer than a task may last
KEPT: Final = timedelta(days=90)


def ask_proof(*, access: Access, since: date, until: date) -> ProofRun:
    """The run that will answer; one that is waiting or running already is nobody's second. Raises PermissionDenied."""
    access.demand(Permission.MONEY)
    with transaction.atomic():
        run, made = ProofRun.objects.filter(due_at__isnull=False).get_or_create(
            organization=access.organization, since=since, until=until, defaults={"user": access.user}
        )
        if made:
            events.nudge("billing.prove")
    return run


def prove_nightly() -> int:
    """The running month and the last one of every organization: its page shows the newest result."""
    asked = 0
    for organization in Organization.objects.order_by("pk"):
        today = clock.now().astimezone(ZoneInfo(organization.time_zone)).date()
        first = today.replace(day=1)
        last = first - timedelta(days=1)
        for since, until in ((first, today), (last.replace(day=1), last)):
            ProofRun.objects.filter(due_at__isnull=False).get_or_create(
                organization=organization, since=since, until=until
            )
            asked += 1
    ProofRun.objects.filter(created_at__lt=clock.now() - KEPT).delete()
    return asked


def run_proofs() -> int:
    """Every run that is due, one at a time; how many were done."""
    return runs.work_off(ProofRun, _prove, lease=LEASE)


def _prove(run: ProofRun) -> None:
    since, until = _span(run.organization, run.since, run.until)
    made = proofs.prove(organization=run.organization, since=since, until=until)
    moved = [list(row) for row in ledger.stood(run.organization, since, until)]
    runs.end(run, RunState.DONE, result=made.to_json(), moved=moved)


def _span(organization: Organization, since: date, until: date) -> tuple[datetime, datetime]:
    zone = ZoneInfo(organization.time_zone)
    return datetime.combine(since, time(), zone), datetime.combine(until + timedelta(days=1), time(), zone)
