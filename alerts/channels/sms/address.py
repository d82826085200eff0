"""A telephone number as it is kept: E.164, a plus and 8 to 15 digits."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from . import countries

_E164 = re.compile(r"\+[1-9]\d{7,14}")


def clean(text: str, country: str = "") -> str:
    """Blanks, dots, dashes and brackets are people's; `00` is a plus; without one: a number of `country` (ISO 3166).

    Raises ValidationError with a sentence, its code "phone".
    """
    number = re.sub(r"[\s.()/\-\u2011]", "", text)
    number = "+" + number[2:] if number.startswith("00") else number
    number = countries.international(number, country)
    if not _E164.fullmatch(number):
        raise ValidationError(_("Write the number with its country, such as +31 6 12345678."), code="phone")
    return number


def shown(address: str) -> str:
    return address
