"""How fast were we: MTTA and MTTR by trouble, site and month, and as files."""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from alerts import queries, reporting
from alerts.reporting import Fact, Line
from alerts.vocabulary import IncidentKind
from evcms.core import clock, sheets
from evcms.core.access import Access

from .common import access_of

MOST: Final = 50_000  # incidents of one report
SHOWN: Final = 50  # lines of a table on the page; its files have all
TABLES: Final = {"kind": gettext_lazy("Trouble"), "site": gettext_lazy("Site"), "month": gettext_lazy("Month")}


class PeriodForm(forms.Form):
    days = forms.ChoiceField(
        label=gettext_lazy("Period"),
        required=False,
        initial="90",
        choices=[("30", gettext_lazy("30 days")), ("90", gettext_lazy("90 days")), ("365", gettext_lazy("A year"))],
    )


@login_required
@require_GET
def report(request: HttpRequest) -> HttpResponse:
    access = access_of(request)
    form = PeriodForm(request.GET or None)
    days = int(form.cleaned_data["days"] or 90) if form.is_bound and form.is_valid() else 90
    found = facts(access, days)
    tables = {
        "kind": reporting.grouped(found, lambda fact: str(IncidentKind(fact.kind).label)),
        "site": reporting.grouped(found, lambda fact: fact.site or _("No site")),
        "month": sorted(reporting.grouped(found, lambda fact: fact.month), key=lambda line: line.name),
    }
    wanted, table = request.GET.get("export", ""), request.GET.get("table", "kind")
    if wanted in ("csv", "xlsx") and table in tables:
        return sheets.answer(wanted, f"incidents-by-{table}", _columns(table), map(_cells, tables[table]))
    context = {
        "form": form,
        "days": days,
        "whole": reporting.total(found),
        "tables": [(name, TABLES[name], rows[:SHOWN], max(0, len(rows) - SHOWN)) for name, rows in tables.items()],
    }
    return render(request, "alerts/report.html", context)


def facts(access: Access, days: int) -> list[Fact]:
    """Opened within the last local days; what another incident explains counts with that one."""
    zone = ZoneInfo(access.organization.time_zone)
    first = clock.now().astimezone(zone).date() - timedelta(days=days - 1)
    rows = queries.incidents(access).filter(cause=None, opened_at__gte=_midnight(first, zone)).order_by("opened_at")
    values = rows.select_related(None).values_list(
        "kind", "site__name", "opened_at", "acknowledged_at", "resolved_at", "told_at"
    )
    return [
        Fact(kind, site or "", f"{opened.astimezone(zone):%Y-%m}", opened, acknowledged, resolved, told)
        for kind, site, opened, acknowledged, resolved, told in values[:MOST]
    ]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _columns(table: str) -> list[str]:
    return [
        str(TABLES[table]), _("Incidents"), _("Told"), _("Acknowledged"), _("MTTA (s)"), _("Resolved"), _("MTTR (s)"),
        _("Longest (s)"),
    ]  # fmt: skip


def _cells(line: Line) -> list[object]:
    return [
        line.name, line.incidents, line.told, line.acknowledged, line.mtta_s, line.resolved, line.mttr_s, line.longest_s
    ]  # fmt: skip
