"""How are the ports used? The week as a heat map, shares, stays and energies; sites, ports and periods side by side."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from evcms.core import figures, sheets
from evcms.core.access import Access, Permission
from evcms.dashboard.access import operator
from evcms.dashboard.shares import percent
from evcms.dashboard.usage_forms import MEASURES, UsageForm
from evcms.templatetags.evcms import duration, kwh
from sessions import usage
from sessions.usage import Grid, Pattern, Sums
from sessions.vocabulary import ENERGIES_MWH, STAYS_S
from stations.scope import Scope

Context = dict[str, Any]  # Any: template context
LEVELS: Final = 8  # of the heat map's colour
KWH: Final = 1_000_000
HOUR_S: Final = 3600
A_PAGE: Final = 50
MOST_DAYS: Final = 100  # of a chart by days; longer is by weeks


@require_GET
@operator(Permission.VIEW)
def analytics(request: HttpRequest, access: Access) -> HttpResponse:
    """Who shortens an address finds the first of its pages."""
    return redirect("usage")


@require_GET
@operator(Permission.VIEW)
def usage_page(request: HttpRequest, access: Access) -> HttpResponse:
    form = UsageForm(request.GET or None, access=access)
    scope = form.scope()
    versus, measure = form.said("versus"), form.said("measure") or "taken"
    other = replace(scope, site=versus) if versus else scope.before
    found = usage.pattern(scope)
    if wanted := request.GET.get("export"):
        return _export(wanted, request.GET.get("table", ""), scope, found)
    now, then = usage.sums(scope), usage.sums(other)
    grid: Grid = getattr(found, measure)
    context: Context = {
        "form": form,
        "scope": scope,
        "versus": versus,
        "counted_at": usage.counted_at(scope),
        "now": now,
        "sentence": _sentence(now, then, found.taken, versus.name if versus else None),
        "tiles": _tiles(scope, now, then),
        "measure": measure,
        "measure_word": MEASURES[measure],
        "unit_words": _unit_words(measure),
        "weekdays": list(WEEKDAYS_ABBR.values()),
        "heat": heat(grid, measure),
        "other_heat": heat(getattr(usage.pattern(other), measure), measure) if versus else None,
        "days_chart": _days_chart(scope, other, versus.name if versus else _("The period before")),
        "stays_chart": _classes(found.stays, _stay_words(), _("Stays")),
        "energies_chart": _classes(found.energies, _energy_words(), _("Sessions")),
        "query": _query(request),
    }
    context |= {"ports": _ports(scope)} if scope.site else {"sites": _sites(scope, request)}
    return render(request, "dashboard/analytics/usage.html", context)


def _query(request: HttpRequest) -> str:
    kept = request.GET.copy()
    for name in ("export", "table", "page"):
        kept.pop(name, None)
    return kept.urlencode()


def sessions_url(scope: Scope) -> str:
    """The rows behind a figure."""
    first, after = usage.days_of(scope)
    asked = {"since": first.isoformat(), "until": date.fromordinal(after.toordinal() - 1).isoformat()}
    return f"{reverse('sessions')}?{urlencode(asked | ({'site': scope.site.pk} if scope.site else {}))}"


def _sentence(now: Sums, then: Sums, taken: Grid, versus: str | None) -> str:
    if now.taken is None:
        return _("Nothing is known of these days.")
    told = _("Ports were taken %(share)s of their time") % {"share": percent(now.taken)}
    peak = _peak(taken)
    if peak is not None:
        weekday, hour, share = peak
        when = {"day": WEEKDAYS[weekday], "hour": hour, "end": (hour + 1) % 24, "share": percent(share)}
        told += _(", most on %(day)s from %(hour)02d to %(end)02d (%(share)s)") % when
    return f"{told}; {_change(now.taken, then.taken, versus)}." if then.taken is not None else f"{told}."


def _peak(grid: Grid) -> tuple[int, int, float] | None:
    cells = [(share, -day, -hour) for day, row in enumerate(grid) for hour, share in enumerate(row) if share]
    if not cells:
        return None
    share, day, hour = max(cells)
    return -day, -hour, share


def _change(now: float, then: float, versus: str | None) -> str:
    """In points, for shares of shares confuse."""
    points = round((now - then) * 100)
    than = _("at %(site)s") % {"site": versus} if versus else _("in the period before")
    if not points:
        return _("as much as %(than)s") % {"than": than}
    more = ngettext("%(n)d point more than %(than)s", "%(n)d points more than %(than)s", abs(points))
    less = ngettext("%(n)d point less than %(than)s", "%(n)d points less than %(than)s", abs(points))
    return (more if points > 0 else less) % {"n": abs(points), "than": than}


def _tiles(scope: Scope, now: Sums, then: Sums) -> list[tuple[str, str, str, str]]:
    """(label, figure, note, address of the rows)."""
    rows = sessions_url(scope)

    def before(figure: str) -> str:
        return _("compared with %(figure)s") % {"figure": figure}

    drawn = _("of what the ports could give while charging; compared with %(figure)s")
    return [
        (_("Taken"), share(now.taken), before(share(then.taken)), ""),
        (_("Charging"), share(now.charging), before(share(then.charging)), ""),
        (_("Parked without charging"), share(now.idle), before(share(then.idle)), ""),
        (
            _("Sessions"),
            figures.number(now.sessions_started, 0),
            before(figures.number(then.sessions_started, 0)),
            rows,
        ),
        (_("Sessions per port and day"), each(now.turnover), before(each(then.turnover)), ""),
        (_("A stay, on average"), stay(now.stay_s), before(stay(then.stay_s)), rows),
        (_("Energy"), kwh(now.energy_mwh, 0), before(kwh(then.energy_mwh, 0)), rows),
        (_("Energy per session"), mean_kwh(now.session_mwh), before(mean_kwh(then.session_mwh)), rows),
        (_("Power drawn"), share(now.drawn), drawn % {"figure": share(then.drawn)}, ""),
    ]


def share(part: float | None) -> str:
    return figures.NOTHING if part is None else percent(part)


def each(number: float | None) -> str:
    return figures.NOTHING if number is None else figures.number(Decimal(str(number)), 1)


def stay(seconds: int | None) -> str:
    return figures.NOTHING if seconds is None else duration(seconds)


def mean_kwh(mwh: int | None) -> str:
    return figures.NOTHING if mwh is None else kwh(mwh, 1)


# The week


@dataclass(frozen=True)
class Cell:
    """`level`: 0 to LEVELS, the colour; `text` stands in the cell, `words` is the whole sentence."""

    level: int
    text: str
    words: str


def heat(grid: Grid, measure: str) -> list[tuple[str, list[Cell]]]:
    """Rows by hour, seven cells each: a phone shows them so, a wide screen lays the hours out from left to right.

    Colours of shares run to all ports taken, or to the highest cell where all lie far below it.
    """
    most = max((value for row in grid for value in row if value is not None), default=0)
    top = most if measure not in ("taken", "charging") else max(most, 0.25)
    rows = []
    for hour in range(24):
        cells = [
            _cell(grid[day][hour], measure, top, f"{WEEKDAYS[day]}, {hour:02d}–{hour + 1:02d}") for day in range(7)
        ]
        rows.append((f"{hour:02d}", cells))
    return rows


def _unit_words(measure: str) -> str:
    return {
        "taken": _("Percent of the ports’ time in which a car stood there."),
        "charging": _("Percent of the ports’ time in which energy flowed."),
        "started": _("Sessions that begin in such an hour, on average."),
        "energy_mwh": _("kWh that flow in such an hour, on average."),
    }[measure]


def _cell(value: float | None, measure: str, top: float, when: str) -> Cell:
    if value is None:
        return Cell(0, figures.NOTHING, _("%(when)s: nothing known") % {"when": when})
    level = min(LEVELS, round(value / top * LEVELS)) if top else 0
    if measure in ("taken", "charging"):
        word = (
            _("%(when)s: %(share)s of the ports’ time taken")
            if measure == "taken"
            else _("%(when)s: %(share)s of the ports’ time charging")
        )
        return Cell(level, str(round(value * 100)), word % {"when": when, "share": percent(value)})
    if measure == "started":
        number = figures.number(Decimal(str(value)), 1)
        return Cell(level, number, _("%(when)s: %(n)s sessions begin in such an hour") % {"when": when, "n": number})
    energy = kwh(round(value), 0)
    return Cell(
        level, str(round(value / KWH)), _("%(when)s: %(energy)s in such an hour") % {"when": when, "energy": energy}
    )


# Charts


def _days_chart(scope: Scope, other: Scope, other_name: str) -> dict[str, Any]:
    """Any: chart data (static/evcms/chart.js)."""
    now, then = usage.by_day(scope), usage.by_day(other)
    step = 7 if len(now) > MOST_DAYS else 1
    labels, values, before = [], [], []
    for place in range(0, len(now), step):
        labels.append(_label(now[place][0], place // step))
        values.append(_taken(now[place : place + step]))
        before.append(_taken(then[place : place + step]))
    series = [
        {"label": _("Ports taken"), "values": values, "hue": "charging"},
        {"label": other_name, "values": before, "hue": "offline"},
    ]
    return {"labels": labels, "unit": "%", "digits": 0, "series": series}


def _label(day: date, number: int) -> str:
    """Every fourth is enough to read the others."""
    return str(date_format(day, "j M")) if number % 4 == 0 else ""


def _taken(days: list[tuple[date, Sums]]) -> float | None:
    there = sum(sums.there_seconds for _day, sums in days)
    return round(sum(sums.occupied_seconds for _day, sums in days) / there * 100, 1) if there else None


def _stay_words() -> list[str]:
    """'15 min', '1 h': the upper ends, short enough to stand under a bar."""
    tops = [
        _("%(n)d min") % {"n": top // 60} if top < HOUR_S else _("%(n)d h") % {"n": top // HOUR_S} for top in STAYS_S
    ]
    return [*(f"≤ {top}" for top in tops), _("more")]


def _energy_words() -> list[str]:
    """In kWh."""
    return [*(f"≤ {top // KWH}" for top in ENERGIES_MWH), _("more")]


def _classes(counts: tuple[int, ...], words: list[str], label: str) -> dict[str, Any]:
    """Percent of all in each class. Any: chart data."""
    whole = sum(counts) or 1
    series = [{"label": label, "values": [round(count * 100 / whole, 1) for count in counts], "hue": "accent"}]
    return {"labels": words, "unit": "%", "digits": 0, "series": series}


# Sites and ports


ONLY_SITES: Final = frozenset({1, 5, 7})  # columns: what the hours of a port do not tell


def _heads() -> list[str]:
    return [
        _("Taken"), _("Before"), _("Parked idle"), _("Sessions"), _("A port a day"), _("Stay"), _("Energy"), _("Each"),
        _("Power"),
    ]  # fmt: skip


def _figures(sums: Sums, before: Sums) -> list[str]:
    return [
        share(sums.taken), share(before.taken), share(sums.idle), figures.number(sums.sessions_started, 0),
        each(sums.turnover), stay(sums.stay_s), kwh(sums.energy_mwh, 0), mean_kwh(sums.session_mwh), share(sums.drawn),
    ]  # fmt: skip


def _sites(scope: Scope, request: HttpRequest) -> Context:
    rows = usage.by_site(scope, scope.before)
    page: Page[Any] = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))  # Any: SiteRow
    heads = _heads()
    kept = request.GET.copy()
    table = []
    for row in page:
        kept["site"] = str(row.site_id)
        cells = list(zip(heads, _figures(row.sums, row.before), strict=True))
        table.append((row, f"?{kept.urlencode()}", cells))
    return {"heads": heads, "rows": table, "page": page}


def _ports(scope: Scope) -> Context:
    assert scope.site is not None
    heads = [head for place, head in enumerate(_heads()) if place not in ONLY_SITES]
    rows = []
    for row in usage.by_port(scope, scope.site):
        cells = [cell for place, cell in enumerate(_figures(row.sums, Sums())) if place not in ONLY_SITES]
        rows.append((row, list(zip(heads, cells, strict=True))))
    return {"heads": heads, "rows": rows}


# Export


def _export(kind: str, table: str, scope: Scope, found: Pattern) -> HttpResponse:
    """`table`: sites, ports (of one site), week or days. Shares are percent, energy kWh, times minutes."""
    if table == "week":
        columns = ("weekday", "hour", "ports_taken_percent", "ports_charging_percent", "sessions", "energy_kwh")
        rows: list[tuple[object, ...]] = [
            (str(WEEKDAYS[day]), hour, _percent(found.taken[day][hour]), _percent(found.charging[day][hour]),
             _decimal(found.started[day][hour], 2), _decimal(found.energy_mwh[day][hour], 3, KWH))
            for day in range(7) for hour in range(24)
        ]  # fmt: skip
        return sheets.answer(kind, "usage-week", columns, rows)
    measures = (
        "ports_taken_percent", "ports_charging_percent", "idle_percent", "sessions", "sessions_per_port_day",
        "stay_minutes", "energy_kwh", "kwh_per_session", "power_drawn_percent",
    )  # fmt: skip
    if table == "days":
        days = [(day.isoformat(), *_values(sums)) for day, sums in usage.by_day(scope)]
        return sheets.answer(kind, "usage-days", ("day", *measures), days)
    if scope.site is not None:
        ports = [(row.identity, row.number, *_values(row.sums)) for row in usage.by_port(scope, scope.site)]
        return sheets.answer(kind, "usage-ports", ("station", "evse", *measures), ports)
    sites = [(row.name, row.ports, *_values(row.sums)) for row in usage.by_site(scope, scope.before)]
    return sheets.answer(kind, "usage-sites", ("site", "ports", *measures), sites)


def _values(sums: Sums) -> tuple[object, ...]:
    stay_min = "" if sums.stay_s is None else sums.stay_s // 60
    return (
        _percent(sums.taken), _percent(sums.charging), _percent(sums.idle), sums.sessions_started,
        _decimal(sums.turnover, 2), stay_min, Decimal(sums.energy_mwh) / KWH,
        "" if sums.session_mwh is None else Decimal(sums.session_mwh) / KWH, _percent(sums.drawn),
    )  # fmt: skip


def _percent(part: float | None) -> Decimal | str:
    return _decimal(None if part is None else part * 100, 1)


def _decimal(value: float | None, digits: int, unit: int = 1) -> Decimal | str:
    return "" if value is None else round(Decimal(str(value)) / unit, digits)
