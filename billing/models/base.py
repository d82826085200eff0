"""What the rows of money share."""

import secrets
from typing import TYPE_CHECKING

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

DECIMAL = RegexValidator(r"^\d{1,9}(\.\d{1,6})?\Z", _("A number such as 0.49, with a point"))


def guest_token() -> str:
    """128 bits: who knows it may see and stop that one payment's session."""
    return secrets.token_urlsafe(16)


def price_field(label: "StrOrPromise", default: str = "0") -> models.CharField:
    """A unit price in major units as decimal text: exact on every database."""
    return models.CharField(label, max_length=20, default=default, validators=[DECIMAL])
