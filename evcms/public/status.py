"""What the public may know of a network: how many connectors can be used, where there is trouble, what is planned.

Nothing of an incident is told but its place, its times, and the notes that operators wrote for drivers.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.core.cache import cache
from django.db.models import Count, Q, QuerySet

from alerts.models import AlertSettings, Incident, IncidentEntry
from alerts.vocabulary import EntryKind, IncidentState
from evcms.core import clock
from evcms.core.models import Organization
from stations import downtime, queries
from stations.models import MaintenanceWindow, Site, WindowState
from stations.vocabulary import Shown

DAYS: Final = 90
KEPT: Final = 600  # seconds that the ninety days are good for
LOOK_BACK: Final = timedelta(days=14)  # public incidents that are over
LOOK_AHEAD: Final = timedelta(days=30)
MOST: Final = 50
USABLE: Final = (Shown.AVAILABLE, Shown.CHARGING, Shown.SUSPENDED, Shown.OCCUPIED, Shown.RESERVED)


@dataclass(frozen=True)
class Bar:
    day: date
    permille: int
    height: int  # of 32: what is lost is seen twice over, for a good network loses little
    hue: str

    @property
    def top(self) -> int:
        return 32 - self.height


@dataclass(frozen=True)
class SiteStatus:
    site: Site
    usable: int
    total: int
    in_maintenance: int
    bars: list[Bar]
    mean: int  # per mille over the days

    @property
    def broken(self) -> int:
        return self.total - self.usable - self.in_maintenance

    @property
    def trouble(self) -> bool:
        return self.broken > 0


@dataclass(frozen=True)
class PublicIncident:
    """`site`: None for the whole network, or a site that is not public."""

    id: int
    site: Site | None
    over: bool
    opened_at: datetime
    resolved_at: datetime | None
    updates: list[IncidentEntry]


def settings_of(slug: str) -> AlertSettings | None:
    """None while the organization shows no status page."""
    rows = AlertSettings.objects.select_related("organization").filter(status_page=True)
    return rows.filter(organization__slug=slug).first()


def sites(organization: Organization) -> list[SiteStatus]:
    """Every public site with connectors, those with trouble first."""
    counted = _counts(organization)
    rows = Site.objects.filter(pk__in=counted).order_by("name")
    history = _history(organization)
    found = [_status(site, counted[site.pk], history.get(site.pk, [])) for site in rows]
    return sorted(found, key=lambda one: (not one.trouble, one.site.name))


def _counts(organization: Organization) -> dict[int, tuple[int, int, int]]:
    """Site id → (usable, all, in maintenance)."""
    rows = queries.public_connectors().filter(station__site__organization=organization).select_related(None).order_by()
    counted = rows.values("station__site_id").annotate(
        usable=Count("pk", filter=Q(shown__in=USABLE)), total=Count("pk"),
        planned=Count("pk", filter=Q(shown=Shown.MAINTENANCE)),
    )  # fmt: skip
    return {row["station__site_id"]: (row["usable"], row["total"], row["planned"]) for row in counted}


def _history(organization: Organization) -> dict[int, list[int]]:
    """Ninety days from the cache, or read once in a while."""
    key = f"public-status:{organization.pk}:{DAYS}"
    kept: dict[int, list[int]] | None = cache.get(key)
    if kept is None:
        kept = downtime.site_days(organization.pk, days=DAYS)
        cache.set(key, kept, KEPT)
    return kept


def _status(site: Site, counts: tuple[int, int, int], shares: list[int]) -> SiteStatus:
    usable, total, planned = counts
    today = clock.now().date()
    bars = [
        Bar(
            today - timedelta(days=len(shares) - 1 - place), share, max(4, 32 - (1000 - share) * 28 // 500), _hue(share)
        )
        for place, share in enumerate(shares)
    ]
    mean = sum(shares) // len(shares) if shares else downtime.WHOLE
    return SiteStatus(site, usable, total, planned, bars, mean)


def _hue(permille: int) -> str:
    return "available" if permille >= 990 else "suspended" if permille >= 900 else "faulted"


def incidents(organization: Organization) -> list[PublicIncident]:
    """Those that operators made public: the open ones, and the ones that ended lately."""
    rows = Incident.objects.filter(organization=organization, public=True).filter(
        ~Q(state=IncidentState.RESOLVED) | Q(resolved_at__gte=clock.now() - LOOK_BACK)
    )
    found = list(rows.select_related("site").prefetch_related("entries").order_by("-opened_at")[:MOST])
    told = [_public(row) for row in found]
    return sorted((one for one in told if one.updates), key=lambda one: one.over)


def _public(row: Incident) -> PublicIncident:
    updates = [entry for entry in row.entries.all() if entry.kind == EntryKind.PUBLIC]
    site = row.site if row.site and row.site.public and row.site.archived_at is None else None
    over = row.state == IncidentState.RESOLVED
    return PublicIncident(row.pk, site, over, row.opened_at, row.resolved_at, updates[::-1])


def maintenance(organization: Organization) -> QuerySet[MaintenanceWindow]:
    """What runs or is planned at public sites, the next first."""
    now = clock.now()
    rows = MaintenanceWindow.objects.filter(
        organization=organization, state__in=[WindowState.PLANNED, WindowState.RUNNING], ends_at__gt=now,
        starts_at__lte=now + LOOK_AHEAD,
    )  # fmt: skip
    whole = Q(site=None, station=None)
    seen = whole | Q(station=None, site__public=True) | Q(station__site__public=True)
    return rows.filter(seen).select_related("site", "station__site").order_by("starts_at")[:MOST]
