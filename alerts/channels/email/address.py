"""A mail address as it is kept: without blanks, in small letters."""

from django.core.validators import validate_email


def clean(text: str) -> str:
    """Raises ValidationError with a sentence."""
    address = text.strip().lower()
    validate_email(address)
    return address


def shown(address: str) -> str:
    return address
