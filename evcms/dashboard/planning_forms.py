"""The planner's sliders: what might stand there, how much demand grows, what it costs. All in one GET form."""

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from evcms.core.form_fields import NumberText
from sessions.planning.demand import Layout

MOST_PORTS: Final = 60


class PlanForm(forms.Form):
    """Amounts are major units of the organization's currency; `ASSUMED` stands until somebody says otherwise."""

    ASSUMED: Final = {
        "shared": True,
        "growth": 0,
        "stays": 50,
        "patience": 15,
        "margin": Decimal("0.20"),
        "port_cost": 15_000,
        "grid_cost": 400,
        "upkeep": 600,
        "years": 8,
    }

    MONEY: Final = frozenset({"margin", "port_cost", "grid_cost", "upkeep", "years"})

    ports = forms.IntegerField(label=_("Ports"), min_value=1, max_value=MOST_PORTS)
    port_kw = NumberText(
        label=_("Power of a port (kW)"), min_value=1, max_value=1000, decimal_places=3, widget=forms.NumberInput
    )  # fmt: skip
    grid_kw = NumberText(
        label=_("Grid connection (kW)"), min_value=1, max_value=100_000, required=False,
        widget=forms.NumberInput, help_text=_("Empty: no limit below what all ports can draw."),
    )  # fmt: skip
    shared = forms.BooleanField(
        label=_("Cars share the connection as they need it"), required=False,
        help_text=_("Else each port has its fixed part."),
    )  # fmt: skip
    growth = forms.IntegerField(label=_("Growth of demand (%)"), min_value=-90, max_value=900)
    stays = forms.IntegerField(label=_("Wait when all is taken (%)"), min_value=0, max_value=100)
    patience = forms.IntegerField(label=_("They wait on average (min)"), min_value=1, max_value=240)
    margin = NumberText(label=_("A kWh leaves"), min_value=0, max_value=10_000, decimal_places=3)
    port_cost = NumberText(label=_("A new port costs"), min_value=0, max_value=10_000_000, decimal_places=2)
    grid_cost = NumberText(label=_("A kW of grid costs"), min_value=0, max_value=1_000_000, decimal_places=2)
    upkeep = NumberText(label=_("Upkeep of a port, a year"), min_value=0, max_value=1_000_000, decimal_places=2)
    years = forms.IntegerField(label=_("Years ahead"), min_value=1, max_value=30)

    def __init__(self, *args: Any, today: Layout, money: bool = True, **kwargs: Any) -> None:
        """Any: as Django's forms take them. `today`: what stands there; sliders reach beyond it. `money`: may who asks
        see amounts?
        """
        super().__init__(*args, **kwargs)
        self.money = money
        self.fields["ports"].help_text = _("Today: %(n)d") % {"n": today.ports}
        ports, port_kw = min(MOST_PORTS, 2 * today.ports + 8), round(today.port_w / 1000)
        grid_kw = round(max(today.grid_w or 0, ports * today.port_w) / 1000)
        self._slide("ports", 1, ports)
        self._slide("port_kw", 1, max(400, 2 * port_kw))
        self._slide("grid_kw", 10, max(100, grid_kw), beyond=str(_("no limit")))
        self._slide("growth", -50, 300, step=5)
        self._slide("stays", 0, 100, step=5)
        self._slide("patience", 1, 60)

    def _slide(self, name: str, least: int, most: int, *, step: int = 1, beyond: str = "") -> None:
        """plan.js puts a slider under the number. `beyond`: what its right end means where the number may be empty."""
        told = {"data-slider": f"{least} {most} {step}"} | ({"data-slider-beyond": beyond} if beyond else {})
        self.fields[name].widget.attrs.update(told)

    @property
    def street(self) -> list[forms.BoundField]:
        return [self[name] for name in ("ports", "port_kw", "grid_kw", "shared", "growth")]

    @property
    def assumptions(self) -> list[forms.BoundField]:
        names = ("stays", "patience", "margin", "port_cost", "grid_cost", "upkeep", "years")
        return [self[name] for name in names if self.money or name not in self.MONEY]
