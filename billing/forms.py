"""Forms of tariffs and money. They only read: services decide and write."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.models import Tariff
from billing.vocabulary import PaymentState
from evcms.core.access import Access
from evcms.core.money import exponent
from stations.models import Connector, Site, Station
from stations.queries import connectors, stations, visible_sites

PRICES = ("per_kwh", "per_minute", "per_start", "idle_per_minute", "tax_percent", "max_price", "hold")


class TariffForm(forms.ModelForm):
    """What a driver pays, as an operator says it. A comma is a point; what is left out of a price is 0."""

    class Meta:
        model = Tariff
        fields = (
            "name", "per_kwh", "per_minute", "per_start", "idle_per_minute", "idle_grace_minutes", "max_price",
            "tax_percent", "tax_included", "hold", "currency",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in PRICES:
            self.fields[name].required = False
            self.fields[name].widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}
        self.fields["per_kwh"].help_text = _("Energy, by the meter.")
        self.fields["per_minute"].help_text = _("While energy flows. Not while the car or the station pauses.")
        self.fields["per_start"].help_text = _("Once, and only when energy has flowed.")
        self.fields["idle_per_minute"].help_text = _("For a full car at the plug; not while the station pauses.")
        self.fields["idle_grace_minutes"].help_text = _("Minutes to fetch the car before blocking costs anything.")
        self.fields["max_price"].help_text = _("Cap for one session, tax included. Empty: none.")
        self.fields["currency"].widget.attrs |= {"maxlength": 3}

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name in PRICES:
            if name in values:
                empty = "" if name == "max_price" else "0"
                values[name] = (values[name] or "").strip().replace(",", ".") or empty
        return values


class TariffPreview(TariffForm):
    """The form while somebody still types in it: names are not asked for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = False


class Where(models.TextChoices):
    EVERYWHERE = "everywhere", _("Everywhere: the whole network")
    SITE = "site", _("At one site")
    STATION = "station", _("At one station")
    CONNECTOR = "connector", _("At one connector")


class AssignmentForm(forms.Form):
    """Where and when a tariff holds. "Everywhere" is said, never what is left when all fields are empty."""

    where = forms.ChoiceField(label=_("Where"), choices=Where.choices, widget=forms.RadioSelect)
    site = forms.ModelChoiceField(Site.objects.none(), required=False, label=_("Site"))
    station = forms.ModelChoiceField(Station.objects.none(), required=False, label=_("Station"))
    connector = forms.ModelChoiceField(Connector.objects.none(), required=False, label=_("Connector"))
    valid_from = forms.DateTimeField(
        required=False, label=_("From"), help_text=_("Empty: now"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip
    valid_until = forms.DateTimeField(
        required=False, label=_("Until"), help_text=_("Empty: for good"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip
    sure = forms.BooleanField(
        required=False, label=_("Yes, everywhere"),
        help_text=_("Everywhere sets the price of every connector that has no tariff of its own place."),
    )  # fmt: skip

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not access.all_sites:
            choices = [choice for choice in Where.choices if choice[0] != Where.EVERYWHERE]
            self.fields["where"].choices = choices  # type: ignore[attr-defined]
            del self.fields["sure"]
        self._offer("site", visible_sites(access).filter(archived_at=None))
        self._offer("station", stations(access))
        self._offer("connector", connectors(access))

    def _offer(self, name: str, rows: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows
        field.empty_label = "–"

    def clean(self) -> dict[str, Any]:
        """Only the chosen kind of place stays; the others are emptied."""
        values = super().clean() or {}
        where, sure = values.pop("where", None), values.pop("sure", False)
        if where == Where.EVERYWHERE and not sure:
            self.add_error("sure", _("Tick this to set the price of the whole network."))
        if where in self.fields and not values.get(where) and where not in self.errors:
            self.add_error(where, _("Choose one."))
        return values | {name: None for name in ("site", "station", "connector") if name != where}


class PaymentFilter(forms.Form):
    """What /money/ is filtered by; days are days of the organization's zone, both included."""

    state = forms.ChoiceField(
        required=False, label=_("State"),
        choices=[("", _("All")), *PaymentState.choices, ("declined", _("card declined"))],
    )  # fmt: skip
    since = forms.DateField(required=False, label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label=_("To"), widget=forms.DateInput(attrs={"type": "date"}))
    site = forms.ModelChoiceField(Site.objects.none(), required=False, label=_("Site"), empty_label=_("All"))
    q = forms.CharField(required=False, label=_("Card, mail, receipt or id"), max_length=80)

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["site"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = visible_sites(access)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("since") and values.get("until") and values["since"] > values["until"]:
            self.add_error("until", _("The last day comes before the first."))
        return values


class RefundForm(forms.Form):
    amount = forms.CharField(
        label=_("Amount"), max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "pattern": r"\s*[0-9]{1,9}([.,][0-9]{1,3})?\s*"}),
    )  # fmt: skip
    reason = forms.CharField(label=_("Reason"), max_length=200, help_text=_("The driver may read it."))
    request_key = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["amount"].help_text = currency
        self.fields["amount"].widget.attrs["title"] = _("An amount such as 4.50.")

    def clean_amount(self) -> int:
        """Minor units."""
        text = self.cleaned_data["amount"].strip().replace(",", ".")
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?", text):
            raise ValidationError(_("An amount such as 4.50."))
        minor = Decimal(text).scaleb(exponent(self.currency))
        if minor != int(minor):
            raise ValidationError(_("This currency has no such small coin."))
        return int(minor)
