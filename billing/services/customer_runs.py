"""Customers of periods too large for a page: a row says what to count, a task takes it under a lease.

Killed in the middle, the row is taken again when its lease is over; counting changes nothing, so twice does no harm.
"""

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from billing.models import CustomerRun, Tariff
from billing.queries import customer_runs, customers
from billing.queries.insight import Scope
from billing.vocabulary import RunState
from evcms.core import clock, events
from evcms.core.access import Access, Permission
from evcms.core.models import Membership
from stations.models import Site

from . import runs

LEASE: Final = timedelta(minutes=20)  # longer than a task may last
KEPT: Final = timedelta(days=30)
DAY: Final = timedelta(days=1)
USUAL_DAYS: Final = 180  # who comes back needs months


def ask_customers(*, scope: Scope, segment: str) -> CustomerRun:
    """The run that will answer; one that is waiting or running already is nobody's second. Raises PermissionDenied."""
    scope.access.demand(Permission.MONEY)
    with transaction.atomic():
        run, made = CustomerRun.objects.filter(due_at__isnull=False).get_or_create(
            organization=scope.access.organization, asked=customer_runs.asked(scope, segment), since=scope.first,
            until=scope.last, defaults={
                "membership": scope.access.membership, "site": scope.site.pk if scope.site else None,
                "tariff": scope.tariff.pk if scope.tariff else None, "segment": segment,
                "days": (scope.last - scope.first).days + 1,
            },
        )  # fmt: skip
        if made:
            events.nudge("billing.count_customers")
    return run


def ask_customers_nightly() -> int:
    """The usual days of every organization whose page does not count them at once."""
    asked = 0
    for member in _seeing_all():
        access = Access(member.organization, member, member.user, str(member.user))
        zone = ZoneInfo(member.organization.time_zone)
        until = datetime.combine(clock.now().astimezone(zone).date() + DAY, time(), zone)
        first = datetime.combine((until - USUAL_DAYS * DAY).date(), time(), zone)
        scope = Scope(access, first, until)
        if not customer_runs.at_once(scope):
            ask_customers(scope=scope, segment="all")
            asked += 1
    CustomerRun.objects.filter(created_at__lt=clock.now() - KEPT).delete()
    return asked


def _seeing_all() -> list[Membership]:
    """One of each organization who may see its money, of all sites."""
    rows = Membership.objects.filter(all_sites=True).select_related("organization", "user").order_by("pk")
    found: dict[int, Membership] = {}
    for row in rows:
        if Access(row.organization, row, row.user, "").can(Permission.MONEY):
            found.setdefault(row.organization_id, row)
    return list(found.values())


def count_customers() -> int:
    """Every run that is due, one at a time; how many were done."""
    return runs.work_off(CustomerRun, _count, lease=LEASE)


def _count(run: CustomerRun) -> None:
    member = Membership.objects.select_related("organization", "user").get(pk=run.membership_id)
    access = Access(member.organization, member, member.user, str(member.user))
    zone = ZoneInfo(run.organization.time_zone)
    since, until = (datetime.combine(day, time(), zone) for day in (run.since, run.until + DAY))
    site = Site.objects.get(pk=run.site, organization=run.organization) if run.site else None
    tariff = Tariff.objects.get(pk=run.tariff, organization=run.organization) if run.tariff else None
    scope = Scope(access, since, until, site, tariff)
    if customer_runs.asked(scope, run.segment) != run.asked or not access.can(Permission.MONEY):
        raise PermissionDenied(_("Who asked sees other sites now."))
    found = customers.figures(customers.look(scope, run.segment))
    runs.end(run, RunState.DONE, result=found.to_json())
