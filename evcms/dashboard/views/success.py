"""Analytics: does charging work, and if not, why."""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from evcms.core import sheets
from evcms.core.access import Access
from evcms.dashboard.access import operator
from evcms.dashboard.trywords import rule_text
from sessions import success as queries
from sessions.verdicts import BY_CLUE, Clue, Stage
from sessions.vocabulary import AttemptStage, Party
from stations.scope import Scope
from stations.scope_forms import ScopeForm

Context = dict[str, Any]  # Any: template context
_MOMENT: Final = timedelta(microseconds=1)
GROUP_COLUMNS: Final = ("attempts", "counted", "ended_well", "success_rate")


@require_GET
@operator()
def success(request: HttpRequest, access: Access) -> HttpResponse:
    form = ScopeForm(request.GET or None, access=access)
    scope = form.scope()
    if wanted := request.GET.get("export"):
        return _export(wanted, request.GET.get("table", ""), scope)
    look, before = queries.look(scope), queries.look(scope.before)
    links = Links(scope)
    causes = _causes(look, before, links)
    context: Context = {
        "form": form,
        "scope": scope,
        "now": look.figures,
        "before": before.figures,
        "under_way": queries.under_way(scope),
        "steps": _steps(look, before, links),
        "causes": causes,
        "worst": next((row["party"] for row in causes if row["party"]), ""),
        "left_out": _left_out(look, links),
        "tables": _tables(scope, links),
        "hours": _hours(queries.by_hour(scope), links),
        "links": {
            "all": links.to(), "counted": links.to(counted="yes"), "well": links.to(stage=Stage.ENDED_WELL.value),
            "failed": links.to(counted="yes", state="failed"), "open": links.to(over="no"),
            "uncounted": links.to(counted="no"),
        },
        "query": _query(request),
    }  # fmt: skip
    return render(request, "dashboard/analytics/success.html", context)


class Links:
    """To the list of attempts, narrowed as the figure is."""

    def __init__(self, scope: Scope) -> None:
        last = (scope.until - _MOMENT).astimezone(scope.zone).date()
        self._kept = {
            "since": scope.since.astimezone(scope.zone).date().isoformat(),
            "until": last.isoformat(),
            "over": "yes",
        }
        if scope.site:
            self._kept["site"] = str(scope.site.pk)

    def to(self, **narrowed: object) -> str:
        asked = {name: value for name, value in (self._kept | narrowed).items() if value != ""}
        return f"{reverse('attempts')}?{urlencode(asked)}"


def _query(request: HttpRequest) -> str:
    kept = request.GET.copy()
    for name in ("export", "table"):
        kept.pop(name, None)
    return kept.urlencode()


def _steps(look: queries.Look, before: queries.Look, links: Links) -> list[Context]:
    """Each stage with how many came there, what share of all that is, and by whose doing the rest went no further."""
    told, whole, whole_before = [], look.reached(0), before.reached(0)
    for stage in AttemptStage:
        reached = look.reached(stage)
        told.append({
            "name": stage.label,
            "n": reached,
            "url": links.to(reached=stage.value),
            "share": queries.percent(reached, whole),
            "before": queries.percent(before.reached(stage), whole_before),
            "width": min(100, -(-100 * reached // whole)) if whole else 0,
            "lost": [
                {"party": Party(party).label if party else "", "n": n, "url": links.to(stage=stage.value, party=party)}
                for party, n in look.lost(stage).most_common()
            ],
        })  # fmt: skip
    return told


def _causes(look: queries.Look, before: queries.Look, links: Links) -> list[Context]:
    found, earlier = look.causes(), before.causes()
    rows: list[Context] = [
        {
            "party": Party(party).label if party else "",
            "n": rules.total(),
            "before": earlier[party].total() if party in earlier else 0,
            "url": links.to(counted="yes", state="failed", party=party),
            "rules": [
                {
                    "text": rule_text(rule),
                    "n": n,
                    "url": links.to(counted="yes", state="failed", party=party, rule=rule),
                }
                for rule, n in rules.most_common()
            ],
        }
        for party, rules in found.items()
    ]
    return sorted(rows, key=lambda row: -row["n"])


def _left_out(look: queries.Look, links: Links) -> list[Context]:
    return [
        {"text": rule_text(rule), "n": n, "url": links.to(counted="no", rule=rule),
         "why": BY_CLUE[Clue(rule)].why if rule in BY_CLUE else ""}
        for rule, n in look.left_out().most_common()
    ]  # fmt: skip


def _tables(scope: Scope, links: Links) -> list[Context]:
    return [
        {"name": name, "rows": [
            {"name": group.name, "figures": group.figures, "url": links.to(**group.key),
             "failed_url": links.to(**group.key, counted="yes", state="failed")}
            for group in groups
        ]}
        for name, groups in (("sites", queries.by_site(scope)), ("models", queries.by_model(scope)))
    ]  # fmt: skip


def _hours(groups: list[queries.Group], links: Links) -> list[Context]:
    """Bars: the share that ended well, of the hours in which somebody tried."""
    return [
        {"name": group.name, "figures": group.figures, "url": links.to(**group.key),
         "width": 100 * group.figures.well // group.figures.counted if group.figures.counted else 0}
        for group in groups
    ]  # fmt: skip


def _export(kind: str, table: str, scope: Scope) -> HttpResponse:
    """`table`: causes, sites, models or hours. The cells of `causes` add up to everything on the page."""
    groups = {"sites": queries.by_site, "models": queries.by_model, "hours": queries.by_hour}
    if table in groups:
        rows = [
            (group.name, group.figures.attempts, group.figures.counted, group.figures.well, group.figures.rate)
            for group in groups[table](scope)
        ]
        return sheets.answer(kind, f"success-{table}", (table[:-1], *GROUP_COLUMNS), rows)
    cells = queries.look(scope).cells
    rows_of_cells = [
        (AttemptStage(stage).label, party, rule, "yes" if counted else "no", n)
        for (stage, party, rule, counted), n in sorted(cells.items())
    ]
    return sheets.answer(kind, "success", ("stage", "cause", "rule", "counted", "attempts"), rows_of_cells)
