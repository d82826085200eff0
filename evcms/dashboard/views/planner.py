"""What should I build here? A site's demand as it was seen, and what other ports, power and grid would make of it.

Whoever sees the site may plan it. What a plan costs and brings is for those who may see money: the others get the same
recommendation, which weighs both, without an amount.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import F, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from billing.queries import insight
from evcms.core import figures
from evcms.core.access import Access, Permission
from evcms.core.money import to_major, to_minor
from evcms.dashboard import plan_sheets
from evcms.dashboard.access import operator
from evcms.dashboard.forms import SiteFilter, wishes
from evcms.dashboard.planning_forms import PlanForm
from evcms.dashboard.shares import percent
from evcms.dashboard.sorting import paged
from evcms.templatetags.evcms import duration
from sessions import squeezes
from sessions.demand_seen import FEWEST, DemandSeen, demand_this_hour
from sessions.planning import advice, queueing, street
from sessions.planning.advice import Costs, Option
from sessions.planning.arrivals import Estimate
from sessions.planning.demand import Demand, Layout, Outcome
from stations.models import Site
from stations.queries import visible_sites

Context = dict[str, Any]  # Any: template context
WEIGHED: Final = timedelta(days=28)  # in the list of sites
LOOKS_BACK: Final = timedelta(weeks=12)
PLAYED_DRIVERS: Final = 6_000  # of the cross-check, in whole weeks
AGREES: Final = 3  # points between what is computed and what is played
MORE_PORTS: Final = 6  # beyond what was asked or stands there
DAYS: Final = 7
LONGEST_BACK: Final = 100  # years


@require_GET
@operator(Permission.VIEW)
def planner(request: HttpRequest, access: Access) -> HttpResponse:
    """Which site? Those that turned most drivers away come first."""
    form = SiteFilter(request.GET or None)
    text = wishes(form)["q"].strip() if form.is_bound else ""
    named = Q(name__icontains=text) | Q(address__icontains=text) | Q(city__icontains=text)
    sites = squeezes.turned_away(visible_sites(access).filter(archived_at=None), days=WEIGHED.days)
    rows = sites.filter(named if text else Q()).order_by(F("missed").desc(nulls_last=True), "name", "pk")
    page = paged(request, rows)
    context = {"form": form, "page": page, "narrowed": bool(text), "days": WEIGHED.days, "most": next(iter(page), None)}
    return render(request, "dashboard/planner/sites.html", context)


@require_GET
@operator(Permission.VIEW)
def plan(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    site = visible_sites(access).filter(pk=pk).first()
    if site is None:
        raise Http404
    seen = demand_this_hour(site, LOOKS_BACK)
    context: Context = {"site": site, "seen": seen, "fewest": FEWEST, "currency": access.organization.currency}
    context["begin"] = date_format(seen.begin.astimezone(ZoneInfo(site.time_zone)), "j F Y")
    if seen.today is not None and seen.estimate is not None:
        initial = _today(seen.today) | _margin(access, site, seen)
        money = access.can(Permission.MONEY)
        form = PlanForm(_said(request, initial, money=money), today=seen.today, money=money)
        context |= {"form": form, "estimate": seen.estimate, "today": seen.today}
        if form.is_valid():
            context |= _answer(seen, seen.today, form, access.organization.currency)
            context["assumed"] = plan_sheets.assumed(form, access.organization.currency)
            if wanted := request.GET.get("export"):
                told = plan_sheets.Plan(site, form, context["options"], context["best"], access.organization.currency)
                return plan_sheets.export(wanted, told)
    part = request.GET.get("part") == "answer"
    context["query"] = _query(request)
    return render(request, f"dashboard/planner/{'_answer' if part else 'plan'}.html", context | {"part": part})


def _query(request: HttpRequest) -> str:
    """What was asked, for links that keep it."""
    kept = request.GET.copy()
    for name in ("part", "export"):
        kept.pop(name, None)
    return kept.urlencode()


def _said(request: HttpRequest, initial: dict[str, Any], *, money: bool) -> dict[str, Any]:
    """What the address leaves out is as it is today; a form that was sent says a box that is not ticked by silence.
    Who may not see money does not set it either: by trying amounts he could read ours from the recommendation.

    Any: values of fields.
    """
    sent = "ports" in request.GET
    asked = {name: value for name, value in request.GET.dict().items() if money or name not in PlanForm.MONEY}
    return initial | ({"shared": False} if sent else {}) | asked


def _today(today: Layout) -> dict[str, Any]:
    """To the watt, so that what stands there is what is asked about. Any: values of fields."""
    grid = kilowatts(today.grid_w) if today.grid_w else None
    return PlanForm.ASSUMED | {"ports": today.ports, "port_kw": kilowatts(today.port_w), "grid_kw": grid}


def kilowatts(watts: float) -> str:
    """3680.0 → '3.68'."""
    return f"{watts / 1000:.3f}".rstrip("0").rstrip(".")


def _margin(access: Access, site: Site, seen: DemandSeen) -> dict[str, Any]:
    """What a kWh left here, as billed; when the energy's cost is not entered, what it brought. Any: a field's value."""
    sums = insight.sums(insight.Scope(access, seen.begin, seen.end, site))
    left = sums.revenue if sums.margin is None else sums.margin
    if not sums.energy_mwh or left <= 0:
        return {}
    per_kwh = Decimal(left) * 1_000_000 / sums.energy_mwh / to_minor(Decimal(1), access.organization.currency)
    return {"margin": per_kwh.quantize(Decimal("0.001"))}


def _answer(seen: DemandSeen, today: Layout, form: PlanForm, currency: str) -> Context:
    said = form.cleaned_data
    assert seen.estimate is not None
    demand = Demand(seen.estimate.rates, seen.visits, said["stays"] / 100, said["patience"] * 60.0)
    then = demand.grown(1 + said["growth"] / 100) if said["growth"] else demand
    wanted = Layout(
        said["ports"],
        float(said["port_kw"]) * 1000,
        float(said["grid_kw"]) * 1000 if said["grid_kw"] else None,
        said["shared"],
    )
    costs = Costs(
        Decimal(to_minor(said["margin"] * 1000, currency)) / 1000,
        to_minor(said["port_cost"], currency),
        to_minor(said["grid_cost"], currency),
        to_minor(said["upkeep"], currency),
        said["years"],
    )
    sizes = range(max(1, min(today.ports, wanted.ports) - 1), max(today.ports, wanted.ports) + MORE_PORTS + 1)
    options = advice.compare(then, today, [replace(wanted, ports=ports) for ports in sizes], costs)
    chosen = next(option for option in options if option.layout.ports == wanted.ports)
    best = advice.best(options, today)
    weeks = min(52, 1 + round(PLAYED_DRIVERS / max(1.0, then.weekly)))
    played = street.play(then, wanted, weeks=weeks, seed=today.ports)
    apart = round(abs(played.waiting - chosen.outcome.waiting) * 100)
    same = next((option.outcome for option in options if option.layout == today), None) if then is demand else None
    return {
        "chosen": chosen,
        "options": options,
        "best": best,
        "sentence": _sentence(best, today, currency if form.money else ""),
        "tiles": _tiles(seen.estimate, same or queueing.week(demand, today), chosen, currency if form.money else ""),
        "by_ports": _by_ports(options),
        "by_hour": _by_hour(chosen),
        "money": form.money,
        "weeks": weeks,
        "waiting": round(played.waiting * 100),
        "apart": apart if apart > AGREES else 0,
        "wait": duration(round(played.mean_wait_s)),
    } | _table(options, chosen, best, today, said["years"], currency if form.money else "")


def _tiles(estimate: Estimate, now: Outcome, chosen: Option, currency: str) -> list[tuple[str, str, str]]:
    """(label, figure, note); no currency: nothing of money."""
    then = chosen.outcome
    came = _("between %(low)d and %(high)d, nine times of ten; %(seen)d were seen plugging in")
    told = {"low": estimate.low, "high": estimate.high, "seen": estimate.seen_weekly}
    today = _("today %(figure)s")
    tiles = [
        (_("Drivers who come today, a week"), str(round(estimate.weekly)), came % told),
        (_("Find all ports taken"), percent(then.waiting), today % {"figure": percent(now.waiting)}),
        (_("Drive on"), percent(then.lost), today % {"figure": percent(now.lost)}),
        (
            _("Wait, on average"),
            duration(round(then.mean_wait_s)),
            _long_wait(then.p95_wait_s),
        ),
        (_("Ports in use"), percent(then.occupancy), today % {"figure": percent(now.occupancy)}),
        (_("Slowed by the grid connection"), percent(then.limited), _("of the time")),
    ]
    if not currency:
        return tiles
    invest = _("after energy and upkeep; %(invest)s to build") % {"invest": _about(chosen.invest_minor, currency)}
    return [*tiles, (_("Leaves a year"), _about(chosen.yearly_minor, currency), invest)]


def _table(options: list[Option], chosen: Option, best: Option, today: Layout, years: int, currency: str) -> Context:
    heads = [_("Taken"), _("Mean wait")]
    if not currency:
        heads += [_("Drive on"), _("Ports in use")]
    else:
        gain = ngettext("Gain in %(n)d year", "Gain in %(n)d years", years) % {"n": years}
        heads += [_("Leaves a year"), _("To build"), gain, _("Back after")]
    rows = []
    for one in options:
        marks = [
            (one is best, _("recommended")),
            (one is chosen, _("chosen")),
            (one.layout == today, _("today")),
        ]
        told = one.outcome
        cells = [percent(told.waiting), duration(round(told.mean_wait_s))]
        if not currency:
            cells += [percent(told.lost), percent(told.occupancy)]
        else:
            cells += [_about(amount, currency) for amount in (one.yearly_minor, one.invest_minor, one.gain_minor)]
            cells.append(_back(one.payback_years))
        words = ", ".join(word for true, word in marks if true)
        rows.append((one.layout.ports, words, list(zip(heads, cells, strict=True))))
    return {"heads": heads, "rows": rows}


def _long_wait(seconds: float) -> str:
    """The wait that one in twenty exceeds; where nineteen do not wait at all, that."""
    if round(seconds) < 1:
        return _("nineteen of twenty do not wait")
    return _("one in twenty longer than %(wait)s") % {"wait": duration(round(seconds))}


def _back(years: Decimal | None) -> str:
    """When the money is back; no port lives as long as LONGEST_BACK."""
    if years is None:
        return "–"
    if years > LONGEST_BACK:
        return _("never: more than %(n)d years") % {"n": LONGEST_BACK}
    return _("%(n)s years") % {"n": years}


def _about(minor: int, currency: str) -> str:
    """1234567 cents → '12,346 €': a plan knows no cents."""
    return figures.with_currency(figures.number(to_major(minor, currency), 0), currency)


def _sentence(best: Option, today: Layout, currency: str) -> str:
    """The recommendation; no currency: without the amount that it costs."""
    ports = best.layout.ports
    wait = _("%(share)d of 100 drivers would find all ports taken") % {"share": round(best.outcome.waiting * 100)}
    if ports <= today.ports and best.invest_minor == 0:
        if ports < today.ports:
            said = {"ports": ports, "wait": wait}
            return _("%(ports)d ports would do: %(wait)s, and each port more costs its upkeep.") % said
        return _("Build nothing: %(wait)s, and another port would not earn what it costs.") % {"wait": wait}
    words = ngettext("Build for %(n)d port", "Build for %(n)d ports", ports) % {"n": ports}
    if best.payback_years is None or not currency:
        return f"{words}: {wait}."
    told = {"words": words, "wait": wait, "years": best.payback_years}
    told["invest"] = _about(best.invest_minor, currency)
    return _("%(words)s: %(wait)s; %(invest)s are back after %(years)s years.") % told


def _by_ports(options: list[Option]) -> dict[str, Any]:
    """A chart's data; empty when nobody ever finds all ports taken. Any: json."""
    if all(round(one.outcome.waiting * 100, 1) == 0 for one in options):
        return {}
    shares = [("waiting", _("Find all ports taken"), "reserved"), ("lost", _("Drive on"), "faulted")]
    return {
        "labels": [str(option.layout.ports) for option in options],
        "unit": "%",
        "digits": 0,
        "series": [
            {"label": label, "hue": hue, "values": [round(getattr(one.outcome, name) * 100, 1) for one in options]}
            for name, label, hue in shares
        ],
    }


def _by_hour(option: Option) -> dict[str, Any]:
    """The mean over the days of the week; empty when all ports are never taken. Any: json."""
    full = option.outcome.waiting_by_hour
    values = [round(sum(full[day * 24 + hour] for day in range(DAYS)) / DAYS * 100, 1) for hour in range(24)]
    if not any(values):
        return {}
    series = [{"label": _("All ports taken"), "values": values, "hue": "reserved"}]
    return {"labels": [f"{hour:02d}" for hour in range(24)], "unit": "%", "digits": 0, "series": series}
