"""Forms of tariffs and money. They only read: services decide and write."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.models import DECIMAL, Tariff
from billing.terms import MINUTES_PER_HOUR, Element, Idle, Kind, plain, simple_element
from billing.vocabulary import PaymentState
from evcms.core.access import Access
from evcms.core.money import exponent
from stations.models import Connector, Site, Station
from stations.queries import connectors, stations, visible_sites

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

FLAT_PRICES = ("per_kwh", "per_minute", "per_start", "idle_per_minute", "tax_percent")
PRICES = (*FLAT_PRICES, "min_price", "max_price", "hold")


class PriceField(forms.CharField):
    """Decimal text; a comma is a point."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").strip().replace(",", ".")


def _price(label: "StrOrPromise", text: "StrOrPromise" = "") -> PriceField:
    return PriceField(label=label, help_text=text, required=False, max_length=20, validators=[DECIMAL])


class TariffForm(forms.ModelForm):
    """What a driver pays, as an operator says it: one price of each kind. A comma is a point; what is left out is 0.

    A tariff with hours or tiers keeps its elements here; only the rest of it can be changed.
    """

    per_kwh = _price(_("per kWh"), _("Energy, by the meter."))
    per_minute = _price(_("per minute of charging"), _("While energy flows. Not while the car or the station pauses."))
    per_start = _price(_("per session"), _("Once, and only when energy has flowed."))
    idle_per_minute = _price(
        _("per minute after charging"), _("For a full car at the plug; not while the station pauses.")
    )
    idle_grace_minutes = forms.IntegerField(
        label=_("free minutes after charging"), required=False, min_value=0, max_value=32767, initial=15,
        help_text=_("Minutes to fetch the car before blocking costs anything."),
    )  # fmt: skip
    tax_percent = _price(_("tax (%)"))

    class Meta:
        model = Tariff
        fields = ("name", "min_price", "max_price", "tax_included", "hold", "currency")

    field_order = (
        "name", "per_kwh", "per_minute", "per_start", "idle_per_minute", "idle_grace_minutes", "min_price",
        "max_price", "tax_percent", "tax_included", "hold", "currency",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shaped = self.instance.pk is not None and not simple(self.instance)
        for name, value in flat_values(self.instance).items():
            self.initial.setdefault(name, value)
        for name in PRICES:
            self.fields[name].required = False
            self.fields[name].widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}
        for name in (*FLAT_PRICES, "idle_grace_minutes"):
            self.fields[name].disabled = self.shaped
        self.fields["max_price"].help_text = _("Cap for one session, tax included. Empty: none.")
        self.fields["currency"].widget.attrs |= {"maxlength": 3}

    def clean(self) -> dict[str, Any]:
        """The fields of `services.TariffFields`."""
        values = super().clean() or {}
        for name in PRICES:
            if name in values:
                empty = "" if name in ("min_price", "max_price") else "0"
                values[name] = (values[name] or "").strip().replace(",", ".") or empty
        flat = {name: values.pop(name) for name in FLAT_PRICES if name in values}
        grace = values.pop("idle_grace_minutes", None)
        if not self.shaped and len(flat) == len(FLAT_PRICES):
            values["elements"] = [simple_element(**flat).to_json()]
            values["idle"] = Idle(grace or 0).to_json()
            self.instance.elements, self.instance.idle = values["elements"], values["idle"]
        return values


def simple(tariff: Tariff) -> bool:
    """Has it one price of each kind, at all hours, by minutes that can be written?"""
    try:
        elements = [Element.from_json(element) for element in tariff.elements]
        idle = Idle.from_json(tariff.idle)
    except (ValueError, KeyError, TypeError):
        return False
    return [simple_element(**_flat(element)) for element in elements[:1]] == elements and idle == Idle(
        idle.grace_minutes
    )


def flat_values(tariff: Tariff) -> dict[str, Any]:
    """What the form shows of a tariff: its first element's prices. Any: texts, and the grace as a number."""
    if not tariff.elements:
        return {"tax_percent": "21"}
    return _flat(Element.from_json(tariff.elements[0])) | {
        "idle_grace_minutes": Idle.from_json(tariff.idle).grace_minutes
    }


def _flat(element: Element) -> dict[str, str]:
    """A price of an hour that has no decimal price of a minute is not the element's any more when read back."""
    prices = {component.kind: component.price for component in element.components}
    minute = Decimal(MINUTES_PER_HOUR)
    return {
        "per_kwh": plain(prices.get(Kind.ENERGY, Decimal(0))),
        "per_minute": plain(round(prices.get(Kind.TIME, Decimal(0)) / minute, 6)),
        "per_start": plain(prices.get(Kind.FLAT, Decimal(0))),
        "idle_per_minute": plain(round(prices.get(Kind.PARKING_TIME, Decimal(0)) / minute, 6)),
        "tax_percent": plain(element.components[0].tax_percent),
    }


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
