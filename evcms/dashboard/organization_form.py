"""The organization's own words: they stand on each receipt and on the driver's page, so that nonsense is refused."""

import re
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from billing import vat
from evcms.core import countries
from evcms.core.forms import zones
from evcms.core.models import Organization

PHONE: Final = re.compile(r"\+?[0-9 ()\-]+")
CHOOSE: Final = _("Choose the country.")
FEWEST_DIGITS, MOST_DIGITS = 3, 15  # a short number of a country; ITU-T E.164
ELSEWHERE: Final = re.compile(r"(?=.*[0-9])[0-9A-Z]{4,20}")  # a tax number where we know no rule


class OrganizationForm(forms.ModelForm):
    country = forms.ChoiceField(
        label=_("Country"), error_messages=dict.fromkeys(("required", "invalid_choice"), CHOOSE)
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    class Meta:
        model = Organization
        fields = (
            "name",
            "legal_name",
            "address",
            "country",
            "vat_id",
            "time_zone",
            "language",
            "support_email",
            "support_phone",
            "mfa_policy",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Any: as Django's forms take them. A stored country that is none is to be chosen anew."""
        super().__init__(*args, **kwargs)
        countries.offer(self.fields["country"], self.instance.country)

    def clean_vat_id(self) -> str:
        text = str(self.cleaned_data["vat_id"]).strip()
        if not text:
            return ""
        try:
            return str(vat.shaped(text))
        except vat.WrongVatNumber as error:
            plain = vat.SEPARATORS.sub("", text).upper()
            if not vat.has_rules(str(self.cleaned_data.get("country", ""))) and ELSEWHERE.fullmatch(plain):
                return text
            raise ValidationError(error.reason) from None

    def clean_support_phone(self) -> str:
        text = str(self.cleaned_data["support_phone"]).strip()
        digits = sum(letter.isdigit() for letter in text)
        if text and not (PHONE.fullmatch(text) and FEWEST_DIGITS <= digits <= MOST_DIGITS):
            told = _("Give digits, with +, spaces, brackets or dashes between them, such as +49 30 1234567.")
            raise ValidationError(told)
        return text
