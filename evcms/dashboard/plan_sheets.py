"""A plan to take away: its assumptions in words, and every choice as a row of figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.http import HttpResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from evcms.core import sheets
from evcms.core.money import to_major
from evcms.dashboard.planning_forms import PlanForm
from sessions.planning.advice import Option
from stations.models import Site

AMOUNTS: Final = PlanForm.MONEY - {"years"}
MWH_PER_KWH: Final = 1_000_000


@dataclass(frozen=True)
class Plan:
    site: Site
    form: PlanForm
    options: Sequence[Option]
    best: Option
    currency: str


def assumed(form: PlanForm, currency: str) -> list[tuple[str, str]]:
    """(label, value) of every field that this person sees, as a person wrote it."""
    return [(str(bound.label), _word(bound, currency)) for bound in [*form.street, *form.assumptions]]


def _word(bound: forms.BoundField, currency: str) -> str:
    value = bound.form.cleaned_data[bound.name]
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value is None:
        return _("no limit")
    return f"{value} {currency}" if bound.name in AMOUNTS else str(value)


def export(kind: str, plan: Plan) -> HttpResponse:
    """Shares in percent, waits in seconds, amounts in major units; what was assumed stands in each row. Without money
    for whom the form shows none.
    """
    said, money = plan.form.cleaned_data, plan.form.money
    given = [name for name in said if name != "ports" and (money or name not in PlanForm.MONEY)]
    columns = [
        "ports", "recommended", "find_all_taken_percent", "drive_on_percent", "mean_wait_s", "p95_wait_s",
        "ports_in_use_percent", "slowed_by_grid_percent", "energy_kwh_a_week",
    ]  # fmt: skip
    if money:
        amounts = [f"{name} ({plan.currency})" for name in ("leaves_a_year", "to_build", "gain")]
        columns += [*amounts, "back_after_years"]
    rows = [
        [
            *_values(one, one is plan.best), *(_amounts(one, plan.currency) if money else ()),
            *(_given(said[name]) for name in given),
        ]
        for one in plan.options
    ]  # fmt: skip
    return sheets.answer(
        kind, f"plan-{slugify(plan.site.name)}", [*columns, *(f"assumed_{name}" for name in given)], rows
    )


def _values(one: Option, best: bool) -> list[object]:
    told = one.outcome
    return [
        one.layout.ports, _given(best), _percent(told.waiting), _percent(told.lost), round(told.mean_wait_s),
        round(told.p95_wait_s), _percent(told.occupancy), _percent(told.limited),
        round(Decimal(round(told.energy_mwh)) / MWH_PER_KWH, 1),
    ]  # fmt: skip


def _amounts(one: Option, currency: str) -> list[object]:
    sums = [to_major(minor, currency) for minor in (one.yearly_minor, one.invest_minor, one.gain_minor)]
    return [*sums, "" if one.payback_years is None else one.payback_years]


def _percent(share: float) -> Decimal:
    return round(Decimal(str(share)) * 100, 2)


def _given(value: Any) -> object:
    """Any: a field's value."""
    return ("yes" if value else "no") if isinstance(value, bool) else "" if value is None else value
