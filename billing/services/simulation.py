"""Drafts over past sessions. A row says what to do; a task takes it under a lease and says how far it is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from billing import holidays
from billing.models import Bill, PriceSnapshot, SimulationRun, SitePricing, Tariff
from billing.periods import stored_periods
from billing.simulation import Past, Tally, replay
from billing.terms import Terms
from billing.vocabulary import BillState, FundingSource, RunState
from evcms.core import audit, clock, events
from evcms.core.access import Access, Permission
from stations.models import Site
from stations.queries import visible_sites

from . import runs

CHUNK = 1000
LEASE = timedelta(minutes=6)  # longer than a task may last: a dead worker's run is taken again
KEPT = timedelta(days=90)
MOST_DAYS = 1100


def simulate(
    *,
    access: Access,
    name: str,
    draft: Terms | None,
    holidays_of: str = "",
    currency: str,
    tariff: Tariff | None,
    sites: list[Site],
    since: date,
    until: date,
) -> SimulationRun:
    """Raises PermissionDenied, ValidationError. `draft` None: as billed, a proof that nothing changes."""
    access.demand(Permission.MONEY)
    if until < since or (until - since).days > MOST_DAYS:
        raise ValidationError({"until": _("Choose a period of at most three years, the last day after the first.")})
    allowed = list(visible_sites(access).filter(pk__in=[site.pk for site in sites]))
    if not allowed:
        raise ValidationError({"sites": _("Choose at least one site.")})
    if draft:  # the feasts of that time, not of today
        draft = replace(draft, holidays=holidays.dates(holidays_of, since.year, until.year + 1))
    with transaction.atomic():
        run = SimulationRun.objects.create(
            organization=access.organization, user=access.user, tariff=tariff, name=name[:80], currency=currency,
            draft=draft.to_json() if draft else None, since=since, until=until,
        )  # fmt: skip
        run.sites.set(allowed)
        audit.record(access, "tariff.simulated", tariff, run=run.pk, since=str(since), until=str(until))
        events.nudge("billing.simulate")
    return run


def run_simulations() -> int:
    """Every run that is due; returns how many were done. One at a time: each is a minute of one processor at most."""
    return runs.work_off(SimulationRun, _play, lease=LEASE, done=0)


def _play(run: SimulationRun) -> None:
    rows = _bills(run)
    fitting = rows.filter(currency=run.currency).exclude(periods=None)
    total = fitting.count()
    SimulationRun.objects.filter(pk=run.pk).update(total=total, skipped=rows.count() - total)
    sites = list(run.sites.all())
    tally = Tally(run.currency, _costs(sites))
    terms = _Drafts(run, sites)
    done = 0
    for chunk in _chunks(fitting):
        for bill in chunk:
            replay(tally, _past(bill, terms), stored_periods(bill["periods"]), terms.of(bill))
        done += len(chunk)
        SimulationRun.objects.filter(pk=run.pk).update(done=done, due_at=clock.now() + LEASE)
    runs.end(run, RunState.DONE, result=tally.to_json())


def _bills(run: SimulationRun) -> QuerySet[Bill]:
    """Ended sessions of the period whose price followed from a tariff; staff's and other free ones did not."""
    zone = ZoneInfo(run.organization.time_zone)
    first = datetime.combine(run.since, time(), zone)
    after = datetime.combine(run.until + timedelta(days=1), time(), zone)
    rows = Bill.objects.filter(
        organization=run.organization, session__site__in=run.sites.values("pk"), snapshot__isnull=False,
        session__started_at__gte=first, session__started_at__lt=after,
    )  # fmt: skip
    return rows.exclude(Q(state__in=(BillState.OPEN, BillState.REVIEW)) | Q(source=FundingSource.FREE))


FIELDS = (
    "pk", "periods", "total_minor", "net_minor", "snapshot_id", "session__public_id", "session__site_id",
    "session__started_at", "session__energy_mwh",
)  # fmt: skip


def _chunks(rows: QuerySet[Bill]) -> Iterator[list[dict[str, Any]]]:
    """By key, so that no cursor stays open while progress is written. Any: a bill's values."""
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk").values(*FIELDS)[:CHUNK]):
        yield chunk
        last = chunk[-1]["pk"]


def _past(bill: dict[str, Any], drafts: "_Drafts") -> Past:
    site_id = bill["session__site_id"]
    return Past(
        session=bill["session__public_id"],
        site_id=site_id,
        hour=bill["session__started_at"].astimezone(drafts.zones[site_id]).hour,
        energy_mwh=max(0, bill["session__energy_mwh"]),
        total=bill["total_minor"],
        net=bill["net_minor"],
    )


def _costs(sites: list[Site]) -> dict[int, Decimal]:
    rows = SitePricing.objects.filter(site__in=sites).values_list("site_id", "energy_cost")
    return {site_id: Decimal(text) for site_id, text in rows if text and Decimal(text)}


class _Drafts:
    """The terms that hold at each site: the draft in the site's zone and with its way to freeze, or as billed."""

    def __init__(self, run: SimulationRun, sites: list[Site]) -> None:
        self.zones = {site.pk: ZoneInfo(site.time_zone) for site in sites}
        self.snapshots: dict[int, Terms] = {}
        self.drafts: dict[int, Terms] | None = None
        if run.draft is not None:
            draft = Terms.from_json(run.draft)
            frozen = set(SitePricing.objects.filter(site__in=sites, frozen=True).values_list("site_id", flat=True))
            self.drafts = {
                site.pk: replace(draft, time_zone=site.time_zone, frozen=site.pk in frozen) for site in sites
            }

    def of(self, bill: dict[str, Any]) -> Terms:
        if self.drafts is not None:
            return self.drafts[bill["session__site_id"]]
        key = bill["snapshot_id"]
        if key not in self.snapshots:
            self.snapshots[key] = Terms.from_json(_snapshot(key))
        return self.snapshots[key]


def _snapshot(pk: int) -> dict[str, Any]:
    found: dict[str, Any] = PriceSnapshot.objects.values_list("terms", flat=True).get(pk=pk)
    return found


def prune_simulations() -> int:
    """Nightly: results that nobody needs any more."""
    return SimulationRun.objects.filter(created_at__lt=clock.now() - KEPT).delete()[0]
