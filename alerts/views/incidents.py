"""The incident board, one incident's page, and what people do there."""

from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from alerts import boards, early_words, queries, reach, services
from alerts.forms import SNOOZES, BoardFilter, NoteForm, PublicForm
from alerts.models import AlertSettings, Incident, IncidentEntry
from alerts.vocabulary import EntryKind, IncidentKind, IncidentState, Recovery, Severity
from evcms.core import clock
from evcms.core.access import Access, Permission
from evcms.core.models import Membership, User
from stations.queries import visible_sites, with_online

from .common import access_of, attempt

Context = dict[str, Any]  # Any: template context
CARDS: Final = 60
SHOWN_STATIONS = 12  # the others are folded
LOOKS: Final = {  # of the time-line's lines: icon and hue
    EntryKind.FACT: ("activity", "offline"),
    EntryKind.STATE: ("flag", "charging"),
    EntryKind.NOTE: ("note", "reserved"),
    EntryKind.RECOVERY: ("lifebuoy", "maintenance"),
    EntryKind.TOLD: ("bell", "suspended"),
    EntryKind.PUBLIC: ("world", "available"),
}


@login_required
@require_GET
def board(request: HttpRequest) -> HttpResponse:
    access = access_of(request)
    form = BoardFilter(request.GET or None, access=access)
    wish = form.wish() if form.is_bound else {}
    page = Paginator(boards.board(access, wish), CARDS).get_page(request.GET.get("page"))
    cards = boards.cards(access, _of_page(access, wish, page.object_list))
    grouped = [
        (severity, [card for card in cards if card.incident.severity == severity]) for severity in reversed(Severity)
    ]
    context = {
        "form": form,
        "page": page,
        "board": [(severity, rows) for severity, rows in grouped if rows],
        "critical": sum(card.incident.severity == Severity.CRITICAL for card in cards),
        "filtered": bool(wish),
        "resolved": wish.get("state") == IncidentState.RESOLVED,
        "unreached": reach.problems(access.organization),
    }
    return render(request, "alerts/incidents.html", context)


def _of_page(access: Access, wish: dict[str, str], rows: Any) -> Any:
    """The page's rows once more, for counting: a slice cannot be annotated. Any: querysets of a page."""
    return boards.board(access, wish).filter(pk__in=[row.pk for row in rows])


def line(entry: IncidentEntry) -> Context:
    icon, hue = LOOKS[EntryKind(entry.kind)]
    by = "" if entry.actor == "system" else entry.actor
    return {"entry": entry, "icon": icon, "hue": f"ev-st-{hue}", "word": EntryKind(entry.kind).label, "by": by}


@login_required
@require_GET
def incident(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request)
    row = _incident(access, pk)
    may = access.can(Permission.INCIDENTS)
    stations = with_online(row.stations.select_related("site")).order_by("online", "identity")
    if not access.all_sites:
        stations = stations.filter(site__in=visible_sites(access))
    effects = queries.incidents(access).filter(cause=row)
    context: Context = {
        "incident": row,
        "zone": _zone(access, row),
        "lines": [line(entry) for entry in row.entries.all()],
        "stations": stations,
        "more_stations": max(0, stations.count() - SHOWN_STATIONS),
        "effects": effects,
        "early": early_words.of_connector(row.connector_id, _zone(access, row))
        if row.kind == IncidentKind.EARLY_FAULT and row.connector_id
        else None,
        "steps": row.steps.all(),
        "notices": queries.notices(row),
        "reports": queries.reports_of(row),
        "tellings": row.tellings.select_related("recipient", "notification").order_by("pk"),
        "similar": boards.similar(access, row) if row.station_id or row.site_id else [],
        "form": NoteForm(),
        "public_form": PublicForm(initial={"public": row.public, "note": row.public_note}),
        "suggests_public": may and boards.suggests_public(row),
        "status_page": AlertSettings.objects.filter(organization=access.organization, status_page=True).exists(),
        "snoozes": SNOOZES,
        "snoozed": row.snoozed_until is not None and row.snoozed_until > clock.now(),
        "helping": row.recovery == Recovery.RUNNING and row.quiet_until is not None and row.quiet_until > clock.now(),
        "members": _members(access) if may else [],
        "may": may,
    }
    return render(request, "alerts/incident.html", context)


def _zone(access: Access, row: Incident) -> str:
    return row.site.time_zone if row.site else access.organization.time_zone


def _members(access: Access) -> list[User]:
    rows = Membership.objects.filter(organization=access.organization, user__is_active=True).select_related("user")
    return [membership.user for membership in rows.order_by("user__email")]


@login_required
@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """`do`: acknowledge, resolve, take, assign, snooze, note or publish."""
    access = access_of(request, Permission.INCIDENTS)
    row = _incident(access, pk)
    attempt(request, lambda: _act(access, row, request.POST))
    return redirect("incident", pk=row.pk)


def _act(access: Access, row: Incident, said: QueryDict) -> None:
    text = said.get("text", "")
    match said.get("do", ""):
        case "acknowledge":
            services.acknowledge(access=access, incident=row)
        case "resolve":
            services.resolve(access=access, incident=row, text=text)
        case "take":
            services.take(access=access, incident=row)
        case "assign":
            services.assign(access=access, incident=row, user=_member(access, said.get("user", "")))
        case "snooze":
            services.snooze(access=access, incident=row, until=clock.now() + _hours(said.get("hours", "")))
        case "note":
            services.add_note(access=access, incident=row, text=text)
        case "publish":
            services.publish_note(access=access, incident=row, public="public" in said, note=said.get("note", "")[:500])
        case _:
            raise ValidationError(_("Choose what to do with the incident."))


def _member(access: Access, chosen: str) -> User | None:
    if not chosen:
        return None
    found = {str(user.pk): user for user in _members(access)}
    if chosen not in found:
        raise ValidationError(_("Only members of the organization can take an incident."))
    return found[chosen]


def _hours(chosen: str) -> timedelta:
    known = {str(hours): hours for hours, _label in SNOOZES}
    if chosen not in known:
        raise ValidationError(_("Choose for how long."))
    return timedelta(hours=known[chosen])


def _incident(access: Access, pk: int) -> Incident:
    rows = queries.incidents(access).select_related("cause", "policy", "rule")
    return get_object_or_404(rows, pk=pk)
