"""What a driver knows of a charge that was paid at a card reader."""

import re
from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

AMOUNT = re.compile(r"[0-9]{1,7}([.,][0-9]{1,3})?")


class ReceiptForm(forms.Form):
    place = forms.CharField(
        label=_("Where"), max_length=120,
        help_text=_("The code on the charger's sticker, or the name of the station or site"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )  # fmt: skip
    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    amount = forms.CharField(
        label=_("Amount"), max_length=14, help_text=_("As on your card statement, such as 10.90"),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )  # fmt: skip
    card = forms.CharField(
        label=_("Last four digits of the card"), max_length=80, min_length=4,
        help_text=_("Or the reference on the slip of the charger's own terminal"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "text"}),
    )  # fmt: skip

    def clean_amount(self) -> Decimal:
        text = re.sub(r"[^0-9.,]", "", self.cleaned_data["amount"])
        if not AMOUNT.fullmatch(text):
            raise ValidationError(_("An amount such as 10.90."))
        return Decimal(text.replace(",", "."))
