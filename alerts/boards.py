"""Reads for the incident board, an incident's page, and what they say about automatic help and telling."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from alerts import queries
from alerts.models import Incident, RecoveryStep
from alerts.vocabulary import IncidentKind, IncidentState, Recovery, RecoveryKind, RecoveryState, Severity
from evcms.core.access import Access
from stations.queries import visible_sites

CARDS = 200  # a board holds no more
LESS: Final = "less"  # of the filter: less than critical


@dataclass(frozen=True)
class Card:
    """What the board says of one incident: its cause in the title, how far it reaches, what was tried by itself."""

    incident: Incident
    extent: str
    tried: str
    zone: str


def board(access: Access, wish: dict[str, str]) -> QuerySet[Incident]:
    """The rows that a filter asks for; those that another one explains stand on that one's page."""
    rows = queries.incidents(access).filter(Q(cause=None) | Q(cause__state=IncidentState.RESOLVED))
    state = wish.get("state", "")
    if state == "all":
        pass
    elif state in IncidentState.values:
        rows = rows.filter(state=state)
    else:
        rows = rows.exclude(state=IncidentState.RESOLVED)
    if wish.get("severity") == LESS:
        rows = rows.filter(severity__lt=Severity.CRITICAL)
    elif wish.get("severity"):
        rows = rows.filter(severity=int(wish["severity"]))
    if wish.get("kind"):
        rows = rows.filter(kind=wish["kind"])
    if wish.get("site"):
        rows = rows.filter(Q(site=wish["site"]) | Q(stations__site=wish["site"])).distinct()
    if wish.get("mine"):
        rows = rows.filter(assignee=access.user)
    return rows.order_by("-opened_at") if state in ("resolved", "all") else rows.order_by("-severity", "opened_at")


def cards(access: Access, rows: QuerySet[Incident]) -> list[Card]:
    """Three queries, however many rows. What stands at sites that a member does not see is not counted."""
    steps = Prefetch("steps", RecoveryStep.objects.exclude(state=RecoveryState.WAITING), to_attr="begun")
    seen = Q() if access.all_sites else Q(stations__site__in=visible_sites(access))
    counted = rows.annotate(
        station_count=Count("stations", filter=seen, distinct=True),
        site_count=Count("stations__site", filter=seen, distinct=True),
        effect_count=Count("effects", distinct=True),
    )
    found = counted.select_related("site", "station", "connector__station", "connector__evse", "assignee")
    zone = access.organization.time_zone
    return [
        Card(row, extent(row), tried(row), row.site.time_zone if row.site else zone)
        for row in found.prefetch_related(steps)
    ]


def extent(row: Incident) -> str:
    """ "14 stations, one site". The counts are `cards`' annotations."""
    stations, sites = row.station_count, row.site_count  # type: ignore[attr-defined]
    if stations <= 1:
        return str(row.site or "")
    words = [ngettext("%(n)d station", "%(n)d stations", stations) % {"n": stations}]
    if sites == 1:
        words.append(_("one site") if row.site is None else str(row.site))
    elif sites:
        words.append(ngettext("%(n)d site", "%(n)d sites", sites) % {"n": sites})
    return ", ".join(words)


def tried(row: Incident) -> str:
    """What was done before anybody was woken, in a few words."""
    names = [str(RecoveryKind(step.kind).label) for step in getattr(row, "begun", []) if step.sent]
    what = ", ".join(name[:1].lower() + name[1:] for name in names)
    match row.recovery:
        case Recovery.RUNNING:
            return _("being helped: %(what)s") % {"what": what} if what else _("about to be helped")
        case Recovery.HEALED:
            return _("helped by itself: %(what)s") % {"what": what} if what else ""
        case Recovery.EXHAUSTED:
            return _("tried in vain: %(what)s") % {"what": what}
    return ""


def similar(access: Access, row: Incident, most: int = 5) -> QuerySet[Incident]:
    """The same kind of trouble in the same place before, the latest first."""
    rows = queries.incidents(access).filter(kind=row.kind).exclude(pk=row.pk)
    if row.connector_id:
        rows = rows.filter(connector=row.connector_id)
    elif row.station_id:
        rows = rows.filter(station=row.station_id)
    elif row.site_id:
        rows = rows.filter(site=row.site_id)
    return rows.order_by("-opened_at")[:most]


def suggests_public(row: Incident) -> bool:
    """Serious trouble of a whole site is what drivers want to read of."""
    whole = row.kind in (IncidentKind.SITE_DARK, IncidentKind.NETWORK_DARK, IncidentKind.GATEWAY_LOST)
    serious = row.severity >= Severity.SERIOUS and row.state != IncidentState.RESOLVED
    return serious and not row.public and (whole or row.stations.count() > 2)
