"""What the public may know of a network: how many connectors can be used, where there is trouble, what is planned.

Nothing of an incident is told but its place, its times, and the notes that operators wrote for drivers.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.core.cache import cache
from django.db.models import Count, Q
from django.urls import reverse

from alerts.models import AlertSettings, Incident, IncidentEntry
from alerts.vocabulary import EntryKind, IncidentState
from evcms.core import clock
from evcms.core.models import Organization
from evcms.core.sorting import natural
from stations import availability, queries
from stations.models import MaintenanceWindow, Site, WindowState
from stations.vocabulary import Shown

DAYS: Final = 90
KEPT: Final = 600  # seconds that the ninety days are good for
LOOK_BACK: Final = timedelta(days=14)  # public incidents that are over
LOOK_AHEAD: Final = timedelta(days=30)
MOST: Final = 50
MOST_WINDOWS: Final = 500  # looked through for series
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

    def over_at(self, at: datetime) -> bool:
        """Was it over then? A note of an hour in which it went on stays one."""
        return self.resolved_at is not None and at >= self.resolved_at


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
    return sorted(found, key=lambda one: (not one.trouble, natural(one.site.name)))


def _counts(organization: Organization) -> dict[int, tuple[int, int, int]]:
    """Site id → (usable, all, in maintenance)."""
    rows = queries.in_service().filter(station__site__organization=organization).select_related(None).order_by()
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
        kept = availability.site_days(organization.pk, days=DAYS)
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
    mean = sum(shares) // len(shares) if shares else availability.WHOLE
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


@dataclass(frozen=True)
class Work:
    """`rhythm`: "every week, on Monday" for the next date of a series, which stands for the later ones."""

    window: MaintenanceWindow
    rhythm: str = ""

    @property
    def running(self) -> bool:
        return self.window.state == WindowState.RUNNING


def maintenance(organization: Organization) -> list[Work]:
    """What runs or is planned at public sites, the next first; of a series the next date, and dates that were moved."""
    now = clock.now()
    rows = queries.public_windows(organization).filter(
        state__in=[WindowState.PLANNED, WindowState.RUNNING], ends_at__gt=now, starts_at__lte=now + LOOK_AHEAD
    )
    found: list[Work] = []
    told: set[int] = set()
    for row in rows.select_related("site", "station__site", "plan").order_by("starts_at", "pk")[:MOST_WINDOWS]:
        plan = row.plan if row.state == WindowState.PLANNED and not row.revision else None
        if plan is None or plan.pk not in told:
            found.append(Work(row, plan.rhythm_words if plan and plan.ended_at is None else ""))
        if plan:
            told.add(plan.pk)
    return found[:MOST]


# The door to it ----------------------------------------------------------------------------------------------


def pages() -> list[Organization]:
    """The organizations that show a page."""
    return list(Organization.objects.filter(alert_settings__status_page=True).order_by("name", "pk"))


def page_of(organization: Organization | None) -> str:
    """The path of its page; empty while it shows none."""
    if organization is None or settings_of(organization.slug) is None:
        return ""
    return reverse("public:status", args=[organization.slug])


def house() -> tuple[str, str]:
    """Whose installation this is, where the address names nobody: the one organization's name, empty among several; and
    the way to the status page or pages, empty without any. One query."""
    rows = Organization.objects.order_by("pk").values_list("name", "slug", "alert_settings__status_page")
    shown = [slug for _name, slug, page in rows if page]
    if not shown:
        url = ""
    elif len(shown) == 1:
        url = reverse("public:status", args=shown)
    else:
        url = reverse("public:status-pages")
    return rows[0][0] if len(rows) == 1 else "", url
