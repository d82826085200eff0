"""Where is the network too small? Sites in the order of the drivers whom they could not serve, each in a sentence."""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from alerts import queries as alerts
from evcms.core import figures, sheets
from evcms.core.access import Access, Permission
from evcms.dashboard.access import operator
from evcms.templatetags.evcms import duration
from sessions import squeezes
from sessions.squeezes import Squeeze
from sessions.usage import days_of
from sessions.vocabulary import PowerClass
from stations.scope import Scope
from stations.scope_forms import ScopeForm

A_PAGE: Final = 25
HOUR_S: Final = 3600
HARDLY_S: Final = 15 * 60  # full for less than that, and nobody missed: no bottleneck
FEW: Final = 0.5  # drivers: fewer are nobody
COLUMNS: Final = (
    "site", "ports", "full_hours", "missed_drivers", "missed_from", "missed_to", "pages_opened_while_busy",
    "asked_when_free", "power_short_hours", "ports_down_hours",
)  # fmt: skip


@require_GET
@operator(Permission.VIEW)
def bottlenecks(request: HttpRequest, access: Access) -> HttpResponse:
    form = ScopeForm(request.GET or None, access=access)
    scope = form.scope()
    rows = squeezes.worst(scope)
    asked = alerts.asked_for_free(access.organization.pk, scope.since, scope.until)
    for row in rows:
        row.asked = asked.get(row.site_id, 0)
    if wanted := request.GET.get("export"):
        return sheets.answer(wanted, "bottlenecks", COLUMNS, [_values(row) for row in rows])
    page: Page[Any] = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))  # Any: Squeeze
    squeezes.explain(scope, page.object_list)
    before = squeezes.worst(scope.before)
    context = {
        "form": form,
        "scope": scope,
        "sentence": _sentence(rows, before),
        "tiles": _tiles(rows, before) if rows else [],
        "rows": [(row, explained(row), _asked(scope, row)) for row in page],
        "page": page,
        "estimated_at": squeezes.estimated_at(scope),
        "query": _query(request),
    }
    return render(request, "dashboard/analytics/bottlenecks.html", context)


def _query(request: HttpRequest) -> str:
    kept = request.GET.copy()
    for name in ("export", "page"):
        kept.pop(name, None)
    return kept.urlencode()


def _asked(scope: Scope, row: Squeeze) -> str:
    """Site and days, as other pages take them."""
    first, after = days_of(scope)
    last = after - timedelta(days=1)
    return urlencode({"site": row.site_id, "since": first.isoformat(), "until": last.isoformat()})


def _missed(rows: list[Squeeze]) -> int:
    return round(sum(row.missed or 0 for row in rows))


def _sentence(rows: list[Squeeze], before: list[Squeeze]) -> str:
    missed, then = _missed(rows), _missed(before)
    if not rows:
        return _("No site was full, and nowhere was power short.")
    if not missed:
        return _("Sites were full for %(time)s, and hardly anybody came then.") % {"time": _hours(_full(rows))}
    told = ngettext("About %(n)s driver found no free port", "About %(n)s drivers found no free port", missed)
    told %= {"n": figures.number(missed, 0)}
    worst = rows[0]
    share = round((worst.missed or 0) / missed * 100)
    if len(rows) > 1 and share:
        told += _(", %(share)d %% of them at %(site)s") % {"share": share, "site": worst.name}
    return told + _("; %(n)s in the period before.") % {"n": figures.number(then, 0)}


def _full(rows: list[Squeeze]) -> int:
    return sum(row.full_s for row in rows)


def _tiles(rows: list[Squeeze], before: list[Squeeze]) -> list[tuple[str, str, str]]:
    """(label, figure, note)."""

    def then(figure: str) -> str:
        return _("%(figure)s in the period before") % {"figure": figure}

    looks, asked = sum(row.looks for row in rows), sum(row.asked for row in rows)
    return [
        (_("Drivers without a free port"), figures.number(_missed(rows), 0), then(figures.number(_missed(before), 0))),
        (_("All ports taken or down"), _hours(_full(rows)), then(_hours(_full(before)))),
        (_("Pages opened while busy"), figures.number(looks, 0), then(figures.number(sum(r.looks for r in before), 0))),
        (_("Asked to be told when free"), figures.number(asked, 0), _("by drivers, at sites below")),
        (_("Power was short"), _hours(sum(r.short_s for r in rows)), then(_hours(sum(r.short_s for r in before)))),
    ]


def _hours(seconds: int) -> str:
    if not seconds:
        return _("never")
    return _("%(n)s h") % {"n": figures.number(round(seconds / HOUR_S), 0)} if seconds >= HOUR_S else duration(seconds)


def explained(row: Squeeze) -> str:
    """One site in words."""
    told = [_full_words(row)] if row.full_s else []
    if row.missed is not None and row.missed >= FEW:
        known = {"n": round(row.missed), "low": round(row.low), "high": round(row.high)}
        missed = ngettext(
            "about %(n)d driver (%(low)d to %(high)d) found no free port",
            "about %(n)d drivers (%(low)d to %(high)d) found no free port",
            known["n"],
        )
        told.append(missed % known)
    elif row.full_s >= HARDLY_S and row.missed is None:
        told.append(_("too little is known of who comes to say whom that cost"))
    if row.classes:
        kind = max(row.classes, key=lambda name: row.classes[name])
        words = {"class": PowerClass(kind).label, "time": _hours(row.classes[kind])}
        told.append(_("its ports of %(class)s alone were all taken for %(time)s") % words)
    if row.looks:
        looked = ngettext("%(n)d look at a port that was busy", "%(n)d looks at ports that were busy", row.looks)
        told.append(looked % {"n": row.looks})
    if row.asked:
        asked = ngettext("%(n)d wish to hear when one is free", "%(n)d wishes to hear when one is free", row.asked)
        told.append(asked % {"n": row.asked})
    if row.short_s:
        told.append(_("power was short for %(time)s") % {"time": _hours(row.short_s)})
    text = "; ".join(told)
    return f"{text[:1].upper()}{text[1:]}."


def _full_words(row: Squeeze) -> str:
    if row.full_s < HARDLY_S:
        return _("it was hardly ever full: for %(time)s in all") % {"time": _hours(row.full_s)}
    full = _("all ports were taken or down for %(time)s") % {"time": _hours(row.full_s)}
    peak = row.peak()
    if peak is None:
        return full
    day, first, end = peak
    return full + _(", most on %(day)s from %(first)02d to %(end)02d") % {
        "day": WEEKDAYS[day],
        "first": first,
        "end": end,
    }


def _values(row: Squeeze) -> tuple[object, ...]:
    known = row.missed is not None
    return (
        row.name, row.ports, round(row.full_s / HOUR_S), round(row.missed or 0) if known else "",
        round(row.low) if known else "", round(row.high) if known else "", row.looks, row.asked,
        round(row.short_s / HOUR_S), round(row.down_s / HOUR_S),
    )  # fmt: skip
