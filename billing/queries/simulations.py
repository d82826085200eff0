"""Simulation runs and site prices, for the pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from billing.models import SimulationRun, SitePricing
from evcms.core.access import Access
from evcms.core.figures import amount, number
from evcms.core.money import to_major
from stations.models import Site
from stations.queries import visible_sites


@dataclass(frozen=True)
class Change:
    """A figure as billed, under the draft, and the difference. `better`: for the operator; None: neither."""

    label: str
    billed: str
    draft: str
    difference: str
    better: bool | None


@dataclass(frozen=True)
class Named:
    """A session at either end."""

    session: str
    site: str
    energy_mwh: int
    billed: str
    draft: str
    difference: str


def simulations(access: Access) -> QuerySet[SimulationRun]:
    """The organization's; without all sites those of none but one's own sites."""
    rows = SimulationRun.objects.filter(organization=access.organization).select_related("tariff", "user")
    if access.all_sites:
        return rows
    return rows.exclude(sites__in=Site.objects.exclude(pk__in=visible_sites(access)))


def priced_sites(access: Access, named: str = "") -> QuerySet[Site]:
    """Whose prices and costs somebody may enter, by name."""
    sites = visible_sites(access).filter(archived_at=None).order_by("name", "pk")
    return sites.filter(name__icontains=named) if named else sites


def site_prices(sites: Iterable[Site]) -> list[tuple[Site, SitePricing | None]]:
    sites = list(sites)
    known = {row.site_id: row for row in SitePricing.objects.filter(site__in=sites)}
    return [(site, known.get(site.pk)) for site in sites]


def changes(run: SimulationRun) -> list[Change]:
    """Revenue, tax, energy cost and margin, from the result of a run that is done."""
    result, currency = run.result or {}, run.currency
    sums = result["all"]
    rows = [
        _change(_("Revenue, tax included"), sums["billed"], sums["draft"], currency),
        _change(_("Revenue before tax"), sums["billed_net"], sums["draft_net"], currency),
    ]
    if result["cost_known"]:
        cost = result["cost"]
        rows.append(_change(_("Margin after energy"), sums["billed_net"] - cost, sums["draft_net"] - cost, currency))
    if sums["sessions"]:
        per = (sums["billed"] // sums["sessions"], sums["draft"] // sums["sessions"])
        rows.append(_change(_("Per session"), *per, currency))
    return rows


def _change(label: str, billed: int, draft: int, currency: str) -> Change:
    difference = draft - billed
    better = None if difference == 0 else difference > 0
    return Change(label, amount(billed, currency), amount(draft, currency), signed(difference, currency), better)


def signed(minor: int, currency: str) -> str:
    """ "+1.20 €", "−0.40 €", "0.00 €"."""
    sign = "+" if minor > 0 else "−" if minor < 0 else ""
    return f"{sign}{amount(abs(minor), currency)}"


def by_site(run: SimulationRun) -> list[dict[str, Any]]:
    """Any: a row of the table. Sites by size of the change."""
    result = run.result or {}
    names = dict(Site.objects.filter(pk__in=result["sites"]).values_list("pk", "name"))
    rows = []
    for key, sums in result["sites"].items():
        cost = sums["cost"]
        rows.append(
            {
                "name": names.get(int(key), "–"),
                "sessions": sums["sessions"],
                "energy_mwh": sums["energy_mwh"],
                "billed": amount(sums["billed"], run.currency),
                "draft": amount(sums["draft"], run.currency),
                "difference": signed(sums["draft"] - sums["billed"], run.currency),
                "margin": "–" if cost is None else amount(sums["draft_net"] - cost, run.currency),
                "size": abs(sums["draft"] - sums["billed"]),
            }
        )
    return sorted(rows, key=lambda row: (-row["size"], row["name"]))


def named(run: SimulationRun, end: str) -> list[Named]:
    """`end`: "up" (pay more) or "down" (pay less), the largest change first."""
    result = run.result or {}
    names = dict(Site.objects.filter(pk__in=result["sites"]).values_list("pk", "name"))
    return [
        Named(
            session=each["session"],
            site=names.get(each["site"], "–"),
            energy_mwh=each["energy_mwh"],
            billed=amount(each["billed"], run.currency),
            draft=amount(each["draft"], run.currency),
            difference=signed(each["draft"] - each["billed"], run.currency),
        )
        for each in result[end]
    ]


def distribution(run: SimulationRun) -> dict[str, Any]:
    """For the bar chart: how many sessions change by how much; a bar is named by its far end. Any: JSON of chart.js."""
    result = run.result or {}
    edges, currency = result["edges"], run.currency
    half = len(edges) // 2
    words = [_edge(edge, currency) for edge in edges]
    labels = [f"< {words[0]}", *words[:half], "0", *words[half:], f"> {words[-1]}"]
    series = {"label": _("Sessions"), "values": result["bins"], "hue": "charging"}
    return {"labels": labels, "unit": "", "digits": 0, "series": [series]}


def _edge(minor: int, currency: str) -> str:
    value = to_major(abs(minor), currency)
    sign = "+" if minor > 0 else "−"
    return f"{sign}{number(value, 0 if value == int(value) else 1)}"


def by_hour(run: SimulationRun) -> dict[str, Any]:
    """Revenue by the hour at which sessions began, billed and draft. Any: JSON of static/evcms/chart.js."""
    result = run.result or {}
    hours = [result["hours"].get(str(hour), {"billed": 0, "draft": 0}) for hour in range(24)]

    def values(name: str) -> list[int]:
        return [round(to_major(hour[name], run.currency)) for hour in hours]

    return {
        "labels": [f"{hour:02d}" for hour in range(24)],
        "unit": run.currency,
        "digits": 0,
        "series": [
            {"label": _("As billed"), "values": values("billed"), "hue": "offline"},
            {"label": _("Draft"), "values": values("draft"), "hue": "charging"},
        ],
    }


def sentence(run: SimulationRun) -> str:
    """The answer in one line."""
    result = run.result or {}
    sums = result["all"]
    if not sums["sessions"]:
        return _("No session of this period can be priced again.")
    difference = sums["draft"] - sums["billed"]
    if not difference and not result["cheaper"] and not result["dearer"]:
        return _("Nothing changes: every session costs exactly what it was billed.")
    words = {"change": signed(difference, run.currency), "share": _share(difference, sums["billed"])}
    text = _("Revenue %(change)s (%(share)s)") % words
    return text + _(": %(dearer)s sessions pay more, %(cheaper)s less.") % {
        "dearer": number(result["dearer"], 0), "cheaper": number(result["cheaper"], 0),
    }  # fmt: skip


def _share(difference: int, whole: int) -> str:
    if not whole:
        return "–"
    sign = "+" if difference > 0 else "−" if difference < 0 else ""
    return f"{sign}{number(Decimal(abs(difference)) * 100 / whole, 1)} %"
