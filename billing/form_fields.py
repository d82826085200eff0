"""Fields of forms about money: exact numbers, times of day, minutes. Empty is always allowed."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from evcms.core.form_fields import number_of

CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]\d\Z", re.ASCII)


class DecimalText(forms.CharField):
    """A number of 0 or more, with a comma or a point, exact; None when empty."""

    def __init__(self, **kwargs: Any) -> None:
        attributes = {"inputmode": "decimal", "autocomplete": "off"}
        super().__init__(required=False, max_length=20, widget=forms.TextInput(attrs=attributes), **kwargs)

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        text = str(super().to_python(value) or "").strip()
        if not text:
            return None
        wrong = _("A number such as 0.49.")
        if not re.fullmatch(r"\d{1,9}([.,]\d{1,6})?", text, re.ASCII):
            raise ValidationError(wrong)
        return number_of(text, wrong)

    def validate(self, value: Any) -> None:
        """Empty is allowed."""

    def run_validators(self, value: Any) -> None:
        """None: the pattern has said all there is to say."""


class ClockText(forms.CharField):
    """ "07:00", or empty."""

    def __init__(self, **kwargs: Any) -> None:
        attributes = {"type": "time", "step": "60"}
        super().__init__(required=False, max_length=8, widget=forms.TextInput(attrs=attributes), **kwargs)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value) or "")[:5]
        if text and not CLOCK.match(text):
            raise ValidationError(_("A time such as 07:30."))
        return text.zfill(5) if text else ""


class MinutesText(forms.CharField):
    """ "30" or "1:30" minutes → seconds, None when empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=8, widget=forms.TextInput(attrs={"inputmode": "numeric"}), **kwargs)

    def to_python(self, value: Any) -> int | None:  # type: ignore[override]
        text = str(super().to_python(value) or "").strip()
        if not text:
            return None
        if not re.fullmatch(r"\d{1,5}(:[0-5]\d)?", text, re.ASCII):
            raise ValidationError(_("Minutes such as 30."))
        minutes, _colon, seconds = text.partition(":")
        return int(minutes) * 60 + int(seconds or 0)

    def validate(self, value: Any) -> None:
        """Empty is allowed."""

    def run_validators(self, value: Any) -> None:
        """None: the pattern has said all there is to say."""
