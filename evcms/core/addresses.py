"""By which addresses others find this system."""

from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def leads_here() -> bool:
    """Do links in mails and codes on chargers lead everybody to his own machine? In the demo they may."""
    return not settings.DEMO and urlsplit(settings.PUBLIC_URL).hostname in THIS_MACHINE


def for_chargers() -> str:
    """What is typed into a charger."""
    return f"{settings.OCPP_PUBLIC_URL}/ocpp/<identity>"
