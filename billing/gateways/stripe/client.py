"""The connection that all parts share: one client, one way to ask, small readers of the SDK's objects."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import stripe
from stripe import StripeClient

from billing.gateways.base import GatewayError

TIMEOUT = (3.05, 15)  # seconds to connect, to answer
LOCALES = frozenset({"de", "en", "es", "fr", "nl"})
T = TypeVar("T")


class Part:
    """What each part of the gateway builds on. `_ask` runs every call."""

    _client: StripeClient
    _growing: bool  # holds are asked to be ones that may grow

    @staticmethod
    def _ask(call: Callable[[], T]) -> T:
        """Runs one call; every way to fail becomes a GatewayError."""
        try:
            return call()
        except stripe.CardError as error:
            raise GatewayError(_text(error), code=_code(error), permanent=True) from error
        except (stripe.RateLimitError, stripe.IdempotencyError) as error:
            busy = error.http_status in (409, 429)
            raise GatewayError(_text(error), code=_code(error), permanent=not busy, unknown=busy) from error
        except (stripe.InvalidRequestError, stripe.AuthenticationError, stripe.PermissionError) as error:
            raise GatewayError(_text(error), code=_code(error), permanent=True) from error
        except (stripe.StripeError, OSError) as error:  # 5xx, cut lines, time-outs
            raise GatewayError(_text(error), code=_code(error) or "no_answer", unknown=True) from error


def connect(secret_key: str, api_base: str) -> StripeClient:
    """The SDK's own retries are off: billing decides, with keys of its own."""
    proxied = urlsplit(api_base).hostname not in ("127.0.0.1", "localhost")
    return StripeClient(
        secret_key,
        base_addresses={"api": api_base, "files": _files_at(api_base)},
        http_client=_http_client(environment_proxies=proxied),
        max_network_retries=0,
    )


def _files_at(api_base: str) -> str:
    """Stripe takes files at an address of their own; a stand-in at its only one."""
    return stripe.DEFAULT_UPLOAD_API_BASE if api_base.rstrip("/") == stripe.DEFAULT_API_BASE else api_base


def _http_client(*, environment_proxies: bool) -> stripe.RequestsClient:
    """One connection pool with our time-outs. A provider on this machine is not asked through a proxy."""
    import requests

    session = requests.Session()
    session.trust_env = environment_proxies
    return stripe.RequestsClient(timeout=TIMEOUT, session=session)


def _text(error: Exception) -> str:
    said = getattr(error, "user_message", None) or str(error)
    return str(said)[:255]


def _code(error: Exception) -> str:
    code = str(getattr(error, "code", None) or "")
    inner = getattr(error, "error", None)
    return code or str(getattr(inner, "code", None) or getattr(inner, "type", None) or "")


# Any: the SDK's objects, whose members differ by API version


def member(values: Any, name: str) -> str:
    """A value of `metadata`; empty when it is not there."""
    return str(values[name]) if values and name in values else ""


def id_of(value: Any) -> str:
    """Of an object that may be expanded or not."""
    return value if isinstance(value, str) else str(getattr(value, "id", "") or "")


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
