"""Could drivers charge? Uptime by three formulas side by side, worst first; and one port, outage by outage."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from evcms.core import sheets
from evcms.core.access import Access, Permission
from evcms.dashboard.access import operator
from stations import availability as store
from stations import availability_days, uptimes
from stations.formulas import Sum, Uptime
from stations.models import AvailabilityInterval, Exclusion
from stations.scope_forms import ScopeForm
from stations.uptimes import Asked, Three

Context = dict[str, Any]  # Any: template context
MOST_SITES: Final = 50
OUTAGES: Final = 50


@require_GET
@operator()
def availability(request: HttpRequest, access: Access) -> HttpResponse:
    """Sites, ports and models of the period, each with the period before."""
    form = ScopeForm(request.GET or None, access=access)
    scope = form.scope()
    asked = Asked.of(scope)
    past, terms = asked.before(scope), asked.contracts
    if wanted := request.GET.get("export"):
        return _export(wanted, request.GET.get("table", "sites"), asked)
    now, before = availability_days.network_sites(asked, past, scope.zone.key)
    worst = sorted(now, key=lambda pk: (-now[pk].nevi.counted / max(1, now[pk].nevi.period), pk))[:MOST_SITES]
    evses = uptimes.worst(asked)
    ports, ports_before = uptimes.ports(asked, evses), uptimes.ports(past, evses)
    context = {
        "form": form,
        "scope": scope,
        "asked": asked,
        "now": uptimes.network(now, terms.usual),
        "before": uptimes.network(before, terms.usual),
        "missed": sum(row.sla.met is False for row in now.values()),
        "all_sites": len(now),
        "sites": [(pk, asked.ground.places[pk].name, now[pk], before.get(pk)) for pk in worst],
        "ports": [(evse, ports[evse.pk], ports_before.get(evse.pk)) for evse in evses],
        "models": uptimes.reliability(asked),
        "fewest": uptimes.Reliability.FEWEST,
        "query": _query(request),
        "may": access.can(Permission.INCIDENTS),
    }
    return render(request, "dashboard/analytics/availability.html", context)


def _query(request: HttpRequest) -> str:
    """The filter of this page, for links that keep it."""
    kept = request.GET.copy()
    for name in ("export", "table", "page"):
        kept.pop(name, None)
    return kept.urlencode()


@require_GET
@operator()
def port(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """One port: every stretch in which it was not up, its cause, and what excuses it."""
    evse = uptimes.described(store.visible_ports(access)).filter(pk=pk).first()
    if evse is None:
        raise Http404
    form = ScopeForm(request.GET or None, access=access)
    form.fields.pop("site")
    scope = form.scope()
    asked = Asked.of(scope, evse.station.site_id)
    rows = store.lost_of(evse, asked.since, asked.until)
    if wanted := request.GET.get("export"):
        return sheets.answer(wanted, f"outages-{evse.station.identity}-{evse.number}", *_outage_table(rows, asked))
    page = Paginator(rows, OUTAGES).get_page(request.GET.get("page"))
    excuses = _excuses(page)
    nothing = uptimes.three(Sum(), None, asked.contracts.of(evse.station.site_id), asked.days)
    context = {
        "form": form,
        "evse": evse,
        "zone": evse.station.site.time_zone if evse.station.site else access.organization.time_zone,
        "asked": asked,
        "now": uptimes.ports(asked, [evse]).get(evse.pk, nothing),
        "before": uptimes.ports(asked.before(scope), [evse]).get(evse.pk),
        "page": page,
        "outages": [
            (row, *_cut(row, asked), [excuses[key] for key in row.exclusions if key in excuses]) for row in page
        ],
        "query": _query(request),
        "may": access.can(Permission.INCIDENTS),
    }
    return render(request, "dashboard/analytics/availability_port.html", context)


def _excuses(rows: Iterable[AvailabilityInterval]) -> dict[int, Exclusion]:
    wanted = {key for row in rows for key in row.exclusions}
    return Exclusion.objects.select_related("window").in_bulk(wanted)


def _cut(row: AvailabilityInterval, asked: Asked) -> tuple[Any, Any, Any]:
    """(begin, end, length) within the period. Any: moments and a span for the template."""
    begin, end = max(row.since, asked.since), min(row.until or asked.until, asked.until)
    return begin, end, end - begin


# Tables to take away ------------------------------------------------------------------------------------------

FIGURES: Final = (
    "nevi_percent", "nevi_outage_minutes", "nevi_excluded_minutes", "uk_percent", "uk_unreliable_minutes",
    "uk_not_measured_minutes", "contract_percent", "contract_outage_minutes", "contract_excluded_minutes",
    "contract_target_percent",
)  # fmt: skip
CENT: Final = Decimal("0.01")
Table = tuple[Sequence[str], Iterable[Sequence[object]]]


def _export(kind: str, table: str, asked: Asked) -> HttpResponse:
    """`table`: sites, ports or models; minutes to the hundredth."""
    makers = {"ports": _port_table, "models": _model_table}
    columns, rows = makers.get(table, _site_table)(asked)
    return sheets.answer(kind, f"availability-{table if table in makers else 'sites'}", columns, rows)


def _site_table(asked: Asked) -> Table:
    found = uptimes.sites(asked)
    rows = sorted((asked.ground.places[pk].name, three.ports, *_figures(three)) for pk, three in found.items())
    return ("site", "ports", *FIGURES), rows


def _port_table(asked: Asked) -> Table:
    evses = list(uptimes.described(asked.evses()))
    found = uptimes.ports(asked, evses)
    return ("site", "station", "port", *FIGURES), [
        (evse.station.site, evse.station.identity, evse.number, *_figures(found[evse.pk]))
        for evse in evses
        if evse.pk in found
    ]


def _figures(three: Three) -> list[object]:
    return [
        _percent(three.nevi), _minutes(three.nevi.outage), _minutes(three.nevi.excluded),
        _percent(three.uk), _minutes(three.uk.outage) if three.uk else "",
        _minutes(three.uk.not_counted) if three.uk else "",
        _percent(three.sla), _minutes(three.sla.outage), _minutes(three.sla.excluded),
        (Decimal(three.sla.target) / 100).quantize(CENT),
    ]  # fmt: skip


def _percent(uptime: Uptime | None) -> object:
    return "" if uptime is None or uptime.share is None else (Decimal(uptime.share) / 100).quantize(CENT)


def _minutes(seconds: int) -> Decimal:
    return (Decimal(seconds) / 60).quantize(CENT)


def _model_table(asked: Asked) -> Table:
    columns = (
        "vendor", "model", "firmware", "ports", "port_hours", "faults", "faults_per_1000_port_hours", "mtbf_hours",
        "mttr_hours",
    )  # fmt: skip
    rows = [
        (
            row.vendor, row.model, row.firmware, row.ports, row.hours, row.faults,
            "" if row.per_thousand is None else round(Decimal(row.per_thousand), 3),
            *(
                "" if span is None else round(Decimal(span.total_seconds()) / 3600, 2)
                for span in (row.between, row.repair)
            ),
        )
        for row in uptimes.reliability(asked)
    ]  # fmt: skip
    return columns, rows


def _outage_table(rows: Iterable[AvailabilityInterval], asked: Asked) -> Table:
    excuses = _excuses(rows)
    made = []
    for row in rows:
        begin, end, length = _cut(row, asked)
        proofs = "; ".join(f"{key}: {excuses[key]}" for key in row.exclusions if key in excuses)
        cause = row.get_cause_display() or row.get_state_display()
        made.append(
            (begin.isoformat(), end.isoformat(), _minutes(int(length.total_seconds())), cause, row.excuses, proofs)
        )
    return ("from", "until", "minutes", "cause", "excused_by", "proof"), made
