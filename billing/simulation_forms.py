"""What to try a draft on."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.models import Tariff
from billing.queries import tariffs
from evcms.core.access import Access
from evcms.core.form_fields import DateText, offer_several
from stations.models import Site
from stations.queries import visible_sites

USUAL = timedelta(days=90)


class SimulationForm(forms.Form):
    """A saved tariff (or the draft that came along), sites and days. No tariff: each session as it was billed."""

    tariff = forms.ModelChoiceField(
        Tariff.objects.none(), required=False, label=_("Tariff"), empty_label=_("as billed (proof: nothing changes)")
    )
    sites = forms.ModelMultipleChoiceField(
        Site.objects.none(), required=False, label=_("Sites"), help_text=_("None ticked: all."),
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    since = DateText(label=_("First day"))
    until = DateText(label=_("Last day"))

    def __init__(self, *args: Any, access: Access, today: date, **kwargs: Any) -> None:
        kwargs["initial"] = {"since": today - USUAL, "until": today} | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        self._offer("tariff", tariffs(access))
        offer_several(self, "sites", visible_sites(access).filter(archived_at=None), by="name")

    def _offer(self, name: str, rows: Any) -> None:
        """Any: a queryset of the field's rows."""
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("since") and values.get("until") and values["since"] > values["until"]:
            self.add_error("until", _("The last day comes before the first."))
        if "sites" in values and not values["sites"]:
            field = self.fields["sites"]
            assert isinstance(field, forms.ModelMultipleChoiceField)
            values["sites"] = field.queryset
        return values


class SiteSearch(forms.Form):
    q = forms.CharField(required=False, label=_("Name of a site"), max_length=80)


class SitePriceForm(forms.Form):
    """One site's row."""

    frozen = forms.BooleanField(required=False, label=_("Keep the price of the start"))
    energy_cost = forms.CharField(
        required=False, max_length=20, label=_("Energy cost per kWh"),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )  # fmt: skip
