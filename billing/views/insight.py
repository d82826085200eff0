"""Insight: what money tells. Two pages, revenue and customers, each figure of them in a table to take away."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import services
from billing.insight_forms import InsightForm
from billing.queries import customer_runs, customers, insight
from billing.queries.insight import Scope, Sums
from billing.services.customer_runs import USUAL_DAYS
from billing.views.common import access_of
from evcms.core import sheets
from evcms.core.access import Permission
from evcms.core.money import exponent, to_major

KWH = 1_000_000
MOST_SITES = 50  # on the page; the file has them all


@login_required
@require_GET
def revenue(request: HttpRequest) -> HttpResponse:
    """What came in, where, by which way; and what went wrong."""
    form = InsightForm(request.GET or None, access=access_of(request, Permission.MONEY))
    scope = form.scope()
    sites, days, ways = insight.by_site(scope), insight.by_day(scope), insight.mix(scope)
    if wanted := request.GET.get("export"):
        return _export(wanted, request.GET.get("table", ""), scope, sites, days, ways)
    now, before = insight.added(sites), insight.revenue_before(scope)
    context = {
        "form": form,
        "scope": scope,
        "now": now,
        "more": max(0, _change(now, before)),
        "less": max(0, -_change(now, before)),
        "sites": sites[:MOST_SITES],
        "left_out": max(0, len(sites) - MOST_SITES),
        "tariffs": insight.by_tariff(scope),
        "ways": ways,
        "trouble": insight.trouble(scope),
        "days_chart": _days_chart(days, scope),
        "values_chart": _values_chart(scope),
        "query": _query(request),
    }
    return render(request, "billing/insight.html", context)


def _query(request: HttpRequest) -> str:
    """The filter of this page, for links that keep it."""
    kept = request.GET.copy()
    for name in ("export", "table"):
        kept.pop(name, None)
    return kept.urlencode()


def _change(now: Sums, before: int) -> int:
    """Percent of revenue against the period before; 0 without one."""
    return round(100 * (now.revenue - before) / before) if before else 0


def _days_chart(days: list[insight.DayRow], scope: Scope) -> dict[str, Any]:
    """Any: chart data (static/evcms/chart.js). Weeks when there are more than 100 days."""
    step = 7 if len(days) > 100 else 1
    groups = [days[place : place + step] for place in range(0, len(days), step)]
    return {
        "labels": [_date(group[0].day, number) for number, group in enumerate(groups)],
        "unit": scope.currency,
        "digits": 0,
        "series": [{
            "label": _("Revenue, net"),
            "values": [_major(sum(row.revenue for row in group), scope) for group in groups],
            "hue": "charging",
        }],
    }  # fmt: skip


def _date(day: date, number: int) -> str:
    """Every third is enough to read the others."""
    return f"{day.day} {day:%b}" if number % 3 == 0 else ""


def _values_chart(scope: Scope) -> dict[str, Any]:
    """Any: chart data. Sessions by what they cost."""
    rows = insight.values(scope)
    labels = [f"≤ {_whole(high, scope)}" if high else f"> {_whole(low, scope)}" for low, high, _count in rows]
    counts = [count for _low, _high, count in rows]
    series = [
        {
            "label": _("Sessions by price in %(currency)s") % {"currency": scope.currency},
            "values": counts,
            "hue": "accent",
        }
    ]
    return {"labels": labels, "unit": "", "digits": 0, "series": series}


def _whole(minor: int, scope: Scope) -> int:
    return int(to_major(minor, scope.currency))


def _major(minor: int, scope: Scope) -> float:
    """For drawing only."""
    return float(to_major(minor, scope.currency))


def _export(
    kind: str,
    table: str,
    scope: Scope,
    sites: list[insight.SiteRow],
    days: list[insight.DayRow],
    ways: list[insight.MixRow],
) -> HttpResponse:
    """`table`: sites, days or ways; numbers in major units and kWh, days in the stated zone."""
    money = f"({scope.currency})"
    tables: dict[str, tuple[Sequence[str], Iterable[Sequence[object]]]] = {
        "sites": (
            ("site", "sessions", "energy_kwh", f"revenue_net {money}", f"billed {money}", f"margin {money}"),
            [
                (row.name, row.sums.sessions, _kwh(row.sums.energy_mwh), _exact(row.sums.revenue, scope),
                 _exact(row.sums.billed, scope), "" if row.sums.margin is None else _exact(row.sums.margin, scope))
                for row in sites
            ],
        ),
        "days": (
            (f"day ({scope.zone})", "sessions", "energy_kwh", f"revenue_net {money}"),
            [(row.day.isoformat(), row.sessions, _kwh(row.energy_mwh), _exact(row.revenue, scope)) for row in days],
        ),
        "ways": (
            ("way_to_pay", "sessions", "energy_kwh", f"billed {money}"),
            [(row.label, row.sessions, _kwh(row.energy_mwh), _exact(row.billed, scope)) for row in ways],
        ),
    }  # fmt: skip
    columns, rows = tables.get(table, tables["sites"])
    return sheets.answer(kind, f"{table or 'sites'}", columns, rows)


def _exact(minor: int, scope: Scope) -> Decimal:
    return to_major(minor, scope.currency).quantize(Decimal(1).scaleb(-exponent(scope.currency)))


def _kwh(mwh: int) -> Decimal:
    return Decimal(mwh) / KWH


@login_required
@require_http_methods(["GET", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """Who comes, comes back, spends and prefers what; never of fewer than five people. Counted while somebody waits
    where that is quick; else the newest answer, its age, and "Count again" (POST).
    """
    form = InsightForm(request.GET or None, access=access_of(request, Permission.MONEY))
    scope = form.scope(usual_days=USUAL_DAYS)
    segment = (form.cleaned_data.get("segment") if form.is_bound and form.is_valid() else "") or "all"
    if request.method == "POST":
        services.ask_customers(scope=scope, segment=segment)
        return redirect(reverse("customers") + "?" + _query(request))
    context: dict[str, Any] = {"form": form, "query": _query(request)}  # Any: template context
    if customer_runs.at_once(scope):
        found = customers.figures(customers.look(scope, segment))
    else:
        done, under_way = customer_runs.newest(scope, segment)
        context |= {"large": True, "run": done, "under_way": under_way}
        if done is None:
            return render(request, "billing/customers_wait.html", context)
        found = customers.Figures.from_json(done.result or {})
        first, end = (datetime.combine(day, time(), scope.zone) for day in (done.since, done.until + timedelta(days=1)))
        scope = replace(scope, since=first, until=end)
    likes = customers.likes(scope.access.organization, found.usual)
    if wanted := request.GET.get("export"):
        rows = [(each.title, row.label, row.people) for each in likes for row in each.rows]
        return sheets.answer(wanted, "preferences", ("question", "answer", "people"), rows)
    context |= {
        "scope": scope,
        "sums": found.sums,
        "cohorts": _cohorts(found.cohorts),
        "spend": found.spend,
        "likes": likes,
        "fewest": customers.FEWEST,
        "months_chart": _months_chart(found.months),
        "spend_chart": _spend_chart(found.spend, scope),
    }
    return render(request, "billing/customers.html", context)


def _cohorts(found: list[customers.Cohort]) -> list[dict[str, Any]]:
    """Rows of one length, the months in words. Any: template context."""
    widest = max((len(row.percents) for row in found), default=0)
    return [
        {
            "month": _month_name(row.month),
            "people": row.people,
            "percents": [*row.percents, *[None] * (widest - len(row.percents))],
        }
        for row in found
    ]


def _month_name(month: date) -> str:
    return str(date_format(month, "M Y"))


def _short(month: date) -> str:
    """Twelve of them have room on a phone: January is its year."""
    return str(month.year) if month.month == 1 else str(date_format(month, "M"))


def _months_chart(months: list[tuple[date, int, int]]) -> dict[str, Any]:
    """Any: chart data."""
    return {
        "labels": [_short(month) for month, _new, _back in months],
        "unit": "",
        "digits": 0,
        "series": [
            {"label": _("New"), "values": [new for _month, new, _back in months], "hue": "charging"},
            {"label": _("Returning"), "values": [back for _month, _new, back in months], "hue": "available"},
        ],
    }


def _spend_chart(spend: customers.Spend | None, scope: Scope) -> dict[str, Any] | None:
    """Any: chart data; None when a tenth would be too few people."""
    if spend is None or not spend.deciles:
        return None
    values = [_major(minor, scope) for minor in spend.deciles]
    labels = [str(number) for number in range(1, 11)]
    series = [{"label": _("Spent by a person, tenth by tenth"), "values": values, "hue": "accent"}]
    return {"labels": labels, "unit": scope.currency, "digits": 0, "series": series}
