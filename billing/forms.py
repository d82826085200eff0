"""Forms of tariffs and money. They only read: services decide and write."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.vocabulary import PaymentState
from evcms.core.access import Access
from evcms.core.form_fields import DateText, offer
from evcms.core.money import exponent
from sessions.models import DriverGroup
from stations.choices import ConnectorChoice, StationChoice, by_name, by_station
from stations.models import Connector, Site, Station
from stations.queries import connectors, stations, visible_sites


class Where(models.TextChoices):
    EVERYWHERE = "everywhere", _("Everywhere: the whole network")
    SITE = "site", _("At one site")
    STATION = "station", _("At one station")
    CONNECTOR = "connector", _("At one connector")


class AssignmentForm(forms.Form):
    """Where and when a tariff holds. "Everywhere" is said, never what is left when all fields are empty."""

    where = forms.ChoiceField(label=_("Where"), choices=Where.choices, widget=forms.RadioSelect)
    site = forms.ModelChoiceField(Site.objects.none(), required=False, label=_("Site"))
    station = StationChoice(Station.objects.none(), required=False, label=_("Station"))
    connector = ConnectorChoice(Connector.objects.none(), required=False, label=_("Connector"))
    group = forms.ModelChoiceField(
        DriverGroup.objects.none(), required=False, label=_("For"), empty_label=_("everybody"),
        help_text=_("A group's own price wins over everybody's."),
    )  # fmt: skip
    priority = forms.IntegerField(
        required=False, label=_("Priority"), min_value=-100, max_value=100, initial=0,
        help_text=_("The higher one wins, even over a nearer place."),
    )  # fmt: skip
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
        offer(self, "site", visible_sites(access).filter(archived_at=None), by=("name",))
        if offer(self, "connector", by_station(connectors(access)), by=("code",)):
            offer(self, "station", by_name(stations(access)), by=("identity", "name"), many=True)
        else:
            self._offer("station", by_name(stations(access)))
        self._offer("group", DriverGroup.objects.filter(organization=access.organization), str(_("everybody")))

    def _offer(self, name: str, rows: Any, empty: str = "–") -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows
        field.empty_label = empty

    def clean(self) -> dict[str, Any]:
        """Only the chosen kind of place stays; the others are emptied."""
        values = super().clean() or {}
        where, sure = values.pop("where", None), values.pop("sure", False)
        if where == Where.EVERYWHERE and not sure:
            self.add_error("sure", _("Tick this to set the price of the whole network."))
        if where in self.fields and not values.get(where) and where not in self.errors:
            self.add_error(where, _("Choose one."))
        values["priority"] = values.get("priority") or 0
        return values | {name: None for name in ("site", "station", "connector") if name != where}


class PaymentFilter(forms.Form):
    """What /money/ is filtered by; days are days of the organization's zone, both included."""

    state = forms.ChoiceField(
        required=False, label=_("State"),
        choices=[("", _("All")), *PaymentState.choices, ("declined", _("card declined"))],
    )  # fmt: skip
    since = DateText(label=_("From"), required=False)
    until = DateText(label=_("To"), required=False)
    site = forms.ModelChoiceField(Site.objects.none(), required=False, label=_("Site"), empty_label=_("All"))
    q = forms.CharField(required=False, label=_("Card, mail, receipt, amount or id"), max_length=80)

    def __init__(self, *args: Any, access: Access, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "site", visible_sites(access), by=("name",))

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
