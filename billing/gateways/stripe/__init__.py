"""Stripe, or whatever speaks its API at STRIPE_API_BASE. The only package that imports `stripe`.

A file a room, of the same names as in `base`; each is a part that `StripeGateway` is made of.
"""

from .client import connect
from .increments import IncrementPart
from .notices import NoticePart
from .refunds import RefundPart


class StripeGateway(NoticePart, IncrementPart, RefundPart):
    def __init__(self, *, secret_key: str, webhook_secret: str, api_base: str, growing: bool = False) -> None:
        self._growing = growing
        self._webhook_secret = webhook_secret
        self._live = secret_key.startswith(("sk_live", "rk_live"))
        self._client = connect(secret_key, api_base)


__all__ = ["StripeGateway"]
