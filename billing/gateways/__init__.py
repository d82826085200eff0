"""Payment providers. `gateway()` is the one that the settings name; how to add one: implement `base.Gateway`."""

from functools import lru_cache

from django.conf import settings

from .base import Gateway
from .stripe import StripeGateway


class PaymentsOff(Exception):
    """No provider is configured (STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET)."""


def gateway() -> Gateway:
    """Raises PaymentsOff."""
    if not settings.PAYMENTS_ON:
        raise PaymentsOff
    return _gateway(
        settings.STRIPE_SECRET_KEY,
        settings.STRIPE_WEBHOOK_SECRET,
        settings.STRIPE_API_BASE,
        settings.STRIPE_INCREMENTAL,
    )


@lru_cache(maxsize=4)
def _gateway(secret_key: str, webhook_secret: str, api_base: str, growing: bool) -> Gateway:
    return StripeGateway(secret_key=secret_key, webhook_secret=webhook_secret, api_base=api_base, growing=growing)


__all__ = ["Gateway", "PaymentsOff", "gateway"]
