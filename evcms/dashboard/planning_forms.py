"""The planner's sliders: what might stand there, how much demand grows, what it costs. All in one GET form."""

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

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

    ports = forms.IntegerField(label=_("Ports"), min_value=1, max_value=MOST_PORTS)
    port_kw = forms.DecimalField(label=_("Power of a port (kW)"), min_value=1, max_value=1000, decimal_places=3)
    grid_kw = forms.DecimalField(
        label=_("Grid connection (kW)"), min_value=1, max_value=100_000, required=False,
        help_text=_("Empty: no limit below what all ports can draw."),
    )  # fmt: skip
    shared = forms.BooleanField(
        label=_("Cars share the connection as they need it"), required=False,
        help_text=_("Else each port has its fixed part."),
    )  # fmt: skip
    growth = forms.IntegerField(label=_("Growth of demand (%)"), min_value=-90, max_value=900)
    stays = forms.IntegerField(label=_("Wait when all is taken (%)"), min_value=0, max_value=100)
    patience = forms.IntegerField(label=_("They wait on average (min)"), min_value=1, max_value=240)
    margin = forms.DecimalField(label=_("A kWh leaves"), min_value=0, max_value=10_000, decimal_places=3)
    port_cost = forms.DecimalField(label=_("A new port costs"), min_value=0, max_value=10_000_000, decimal_places=2)
    grid_cost = forms.DecimalField(label=_("A kW of grid costs"), min_value=0, max_value=1_000_000, decimal_places=2)
    upkeep = forms.DecimalField(label=_("Upkeep of a port, a year"), min_value=0, max_value=1_000_000, decimal_places=2)
    years = forms.IntegerField(label=_("Years ahead"), min_value=1, max_value=30)

    def __init__(self, *args: Any, ports: int, **kwargs: Any) -> None:
        """Any: as Django's forms take them. `ports`: what stands there today."""
        super().__init__(*args, **kwargs)
        self.fields["ports"].help_text = _("Today: %(n)d") % {"n": ports}

    @property
    def street(self) -> list[forms.BoundField]:
        return [self[name] for name in ("ports", "port_kw", "grid_kw", "shared", "growth")]

    @property
    def assumptions(self) -> list[forms.BoundField]:
        return [self[name] for name in ("stays", "patience", "margin", "port_cost", "grid_cost", "upkeep", "years")]
