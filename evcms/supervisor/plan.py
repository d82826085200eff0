"""What this start is to be: which parts, which ports, which environment. Read before anything runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evcms import embedded
from evcms.environment import (
    BASE_DIR,
    data_dir,
    demo_webhook_secret,
    embedded_redis_url,
    secret,
    text,
    usable_data_dir,
    whole,
)
from evcms.supervisor import ports

EVERYWHERE = "0.0.0.0"  # noqa: S104 - chargers come from outside
WEBHOOK_PATH = "/webhooks/stripe/"  # billing.urls
DEMO_SENDER = "EVCMS demo <no-reply@evcms.example>"


@dataclass(frozen=True)
class Plan:
    demo: bool
    data_dir: Path
    environment: Mapping[str, str]
    web_host: str
    web_port: int
    ocpp_host: str
    ocpp_port: int
    gateways: int
    worker_processes: int
    embedded_redis: bool
    redis_port: int
    provider_double: bool
    provider_port: int
    provider_options: tuple[str, ...]
    mail_catcher: bool
    smtp_port: int
    inbox_port: int
    display_port: int

    @property
    def run_dir(self) -> Path:
        return self.data_dir / "run"

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "log"

    def demo_file(self, name: str) -> Path:
        """What the demo's seed writes beside its data."""
        return self.data_dir / "demo" / name

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"


_prepared: Plan | None = None


def prepare(*, demo: bool) -> None:
    """Called by manage.py before Django reads its settings; every later process inherits the plan."""
    global _prepared
    os.umask(0o077)  # database, logs and uploads hold what people trust us with
    _prepared = make(demo=demo)
    os.environ.update(_prepared.environment)


def prepared() -> Plan:
    """The plan of this process.

    Raises:
        RuntimeError: when nobody called `prepare()`: `up` was started by other means than manage.py.
    """
    if _prepared is None:
        raise RuntimeError("`up` reads its plan before the settings: start it as `python manage.py up`.")
    return _prepared


def _port(name: str, default: int) -> int:
    return whole(name, default, least=1, most=65535)


def make(*, demo: bool) -> Plan:
    """The plan that the environment asks for; in the demo what is missing is filled with the doubles.

    Raises:
        ImproperlyConfigured: for a value that cannot be understood.
    """
    if demo:
        os.environ.setdefault("EVCMS_DATA_DIR", str(BASE_DIR / "var" / "demo"))
    given = {"EVCMS_DATA_DIR": str(usable_data_dir().resolve()), "EVCMS_DEMO": "1" if demo else "0"}
    provider_double = demo and not text("STRIPE_SECRET_KEY")
    mail_catcher = demo and not (text("EMAIL_HOST") or text("EMAIL_BACKEND"))
    provider_port, smtp_port = _port("EVCMS_PROVIDER_PORT", 8420), _port("EVCMS_SMTP_PORT", 8025)
    embedded_redis = not text("REDIS_URL")
    redis_port = _redis_port() if embedded_redis else 0
    web_port = _port("EVCMS_PORT", 8000)
    if embedded_redis:
        given["REDIS_URL"] = embedded_redis_url(redis_port)
    if provider_double:
        given |= _double(provider_port)
    if mail_catcher:
        given |= {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(smtp_port)}
        given["EMAIL_FROM"] = text("EMAIL_FROM", DEMO_SENDER)
        given |= _channel_doubles(_port("EVCMS_INBOX_PORT", 8026))
    return Plan(
        demo=demo,
        data_dir=data_dir(),
        environment=given,
        web_host=text("EVCMS_HOST", "127.0.0.1"),
        web_port=web_port,
        ocpp_host=text("EVCMS_OCPP_HOST", "127.0.0.1" if demo else EVERYWHERE),
        ocpp_port=_port("EVCMS_OCPP_PORT", 9000),
        gateways=whole("EVCMS_GATEWAYS", 1, least=1, most=64),
        worker_processes=whole("EVCMS_WORKER_PROCESSES", 2, least=1, most=64),
        embedded_redis=embedded_redis,
        redis_port=redis_port,
        provider_double=provider_double,
        provider_port=provider_port,
        provider_options=_provider_options(web_port, given) if provider_double else (),
        mail_catcher=mail_catcher,
        smtp_port=smtp_port,
        inbox_port=_port("EVCMS_INBOX_PORT", 8026),
        display_port=_port("EVCMS_SIMULATOR_PORT", 8030),
    )


def _redis_port() -> int:
    """EVCMS_REDIS_PORT; another one when a stranger listens there (nobody but us needs to know it)."""
    wanted = _port("EVCMS_REDIS_PORT", 6390)
    ours = embedded.left_over(data_dir() / "valkey")
    if ports.is_free(wanted) or (ours and ours.port == wanted):
        return wanted
    return ports.some_free()


def _double(port: int) -> dict[str, str]:
    """The product's view of the payment double: exactly the variables that lead to Stripe."""
    url = f"http://127.0.0.1:{port}"
    return {
        "STRIPE_SECRET_KEY": "sk_test_" + secret("EVCMS_DOUBLE_KEY", "double_key"),
        "STRIPE_WEBHOOK_SECRET": "whsec_" + secret("EVCMS_DOUBLE_WEBHOOK_SECRET", "double_webhook_secret"),
        "STRIPE_API_BASE": url,
    }


def _channel_doubles(port: int) -> dict[str, str]:
    """Texts go to the inbox's provider, and webhooks, chat and push may name it; a real provider stays what it is."""
    given = {"OUTGOING_ALLOWED": f"127.0.0.1:{port}", "DEMO_WEBHOOK_SECRET": demo_webhook_secret()}
    if not text("SMS_ACCOUNT"):
        given |= {"SMS_API_BASE": f"http://127.0.0.1:{port}", "SMS_ACCOUNT": "ACdemo", "SMS_SENDER": "+3197010203040"}
        given["SMS_TOKEN"] = secret("EVCMS_DOUBLE_KEY", "double_key")
    return given


def _provider_options(web_port: int, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The double keeps its rows in a file beside ours, so a second start finds the same payments."""
    webhook = f"http://127.0.0.1:{web_port}{WEBHOOK_PATH}"
    database = str(Path(environment["EVCMS_DATA_DIR"]) / "provider.sqlite3")
    signed = environment["STRIPE_WEBHOOK_SECRET"]
    return ("--database", database, "--webhook-url", webhook, "--webhook-secret", signed)
