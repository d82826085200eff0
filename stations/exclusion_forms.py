"""Forms about uptime: what excuses an outage, and what a contract counts."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from evcms.core.access import Access
from evcms.core.form_fields import NumberText, offer
from stations import queries
from stations.choices import StationChoice, by_name
from stations.forms import Judged, own_sites
from stations.models import AvailabilityTerms, Evse, Exclusion
from stations.vocabulary import ExclusionKind, Formula

MOMENT = "%Y-%m-%dT%H:%M"


class ExclusionForm(Judged):
    """`port`: the number of an EVSE of the station."""

    port = forms.IntegerField(
        label=_("Port"),
        required=False,
        min_value=1,
        max_value=999,
        help_text=_("Its number; empty: all of the station"),
    )
    file = forms.FileField(
        label=_("Proof: a file"), required=False, help_text=_("A letter of the grid operator, a photo, a police report")
    )

    class Meta:
        model = Exclusion
        fields = ("kind", "site", "station", "port", "starts_at", "ends_at", "reason", "link", "file")
        field_classes = {"station": StationChoice}
        widgets = {
            "starts_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT),
            "ends_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT),
        }
        labels = {"link": _("Proof: an address")}
        help_texts = {
            "site": _("Empty, and no station: the whole network"),
            "link": _("https://… or a page here, such as /incidents/12/"),
        }

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, **kwargs)
        own_sites(access, self.fields["site"])
        offer(self, "station", by_name(queries.stations(access)), by=("identity", "name"))
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = [each for each in ExclusionKind.choices if each[0] != ExclusionKind.MAINTENANCE]

    def clean(self) -> dict[str, Any]:
        """`evse` in place of `port`."""
        values = super().clean() or {}
        number, station = values.pop("port", None), values.get("station")
        values["evse"] = None
        if number and station is None:
            raise ValidationError({"port": _now("Choose the station, too.")})
        if number:
            values["evse"] = Evse.objects.filter(station=station, number=number).first()
            if values["evse"] is None:
                raise ValidationError({"port": _now("The station has no such port.")})
        return values


class StatementForm(forms.Form):
    month = forms.CharField(
        label=_("Month"),
        widget=forms.TextInput(attrs={"type": "month", "placeholder": "2026-10", "pattern": r"\d{4}-\d{2}"}),
    )
    site: Any = forms.ModelChoiceField(None, label=_("Site"), required=False, empty_label=_("the whole network"))
    formula = forms.ChoiceField(label=_("Formula"), choices=Formula.choices, initial=Formula.SLA)

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, **kwargs)
        own_sites(access, self.fields["site"])
        self.fields["site"].required = not access.all_sites

    def clean_month(self) -> date:
        try:
            return date.fromisoformat(f"{self.cleaned_data['month']}-01")
        except ValueError:
            raise ValidationError(_now("Write it as 2026-10.")) from None


class VoidForm(forms.Form):
    reason = forms.CharField(label=_("Why it is void"), max_length=255)


class TermsForm(Judged):
    target = NumberText(label=_("Target (%)"), min_value=0, max_value=100, decimal_places=1)
    kinds = forms.MultipleChoiceField(
        label=_("What excuses an outage"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[each for each in ExclusionKind.choices if each[0] != ExclusionKind.NO_DELIVERY],
    )
    statements = forms.MultipleChoiceField(
        label=_("Statements made every month"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=Formula.choices,
    )

    class Meta:
        model = AvailabilityTerms
        fields = ("target", "hours", "offline_counts", "grace_minutes", "cap_minutes", "kinds", "statements")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Any: as Django's forms take them."""
        super().__init__(*args, **kwargs)
        self.initial["target"] = f"{self.instance.target_permille / 10:.1f}"

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if "target" in values:
            values["target_permille"] = int(values.pop("target") * 10)
        return values
