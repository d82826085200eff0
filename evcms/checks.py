"""System checks: each missing or contradictory setting is named in one sentence, with what to do about it.

Errors stop `manage.py up`; warnings are printed and the system starts with the part switched off.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from evcms.core import addresses, clock

REDIS_SCHEMES = {"redis", "rediss", "unix"}
SHORTEST_SECRET = 32

Check = Callable[[], Iterable[CheckMessage]]


def keys() -> Iterable[CheckMessage]:
    for name in ("SECRET_KEY", "STATION_PASSWORD_PEPPER"):
        if len(getattr(settings, name)) < SHORTEST_SECRET:
            yield Error(
                f"{name} is shorter than {SHORTEST_SECRET} characters: leave it out, and the first start makes one.",
                id="evcms.E001",
            )


def outside() -> Iterable[CheckMessage]:
    public = urlsplit(settings.PUBLIC_URL)
    if public.scheme not in {"http", "https"} or not public.hostname:
        yield Error(
            f"PUBLIC_URL must be the address that people open, such as https://charging.example, "
            f"not {settings.PUBLIC_URL!r}.",
            id="evcms.E002",
        )
        return
    if not settings.ALLOWED_HOSTS or (not settings.DEMO and "*" in settings.ALLOWED_HOSTS):
        yield Error("ALLOWED_HOSTS must name the hosts that may serve this site; '*' is not safe.", id="evcms.E003")
    elif not any(_matches(public.hostname, allowed) for allowed in settings.ALLOWED_HOSTS):
        yield Error(
            f"PUBLIC_URL names {public.hostname}, which ALLOWED_HOSTS does not: add it, or its links answer 400.",
            id="evcms.E004",
        )
    if public.scheme == "http" and public.hostname not in addresses.THIS_MACHINE and not settings.DEMO:
        yield Warning(
            "PUBLIC_URL is plain http: logins and driver links travel unencrypted; put a TLS proxy in front.",
            id="evcms.W005",
        )
    if addresses.leads_here() and not settings.DEBUG:
        yield Warning(
            f"PUBLIC_URL is {settings.PUBLIC_URL}: links in mails and QR codes on chargers lead to this machine only.",
            id="evcms.W047",
        )
    if urlsplit(settings.OCPP_PUBLIC_URL).scheme not in {"ws", "wss"}:
        yield Error("OCPP_PUBLIC_URL must begin with ws:// or wss://, as chargers want it.", id="evcms.E048")


def _matches(host: str, allowed: str) -> bool:
    return allowed == "*" or allowed.strip("[]") == host or (allowed.startswith(".") and host.endswith(allowed))


def ports() -> Iterable[CheckMessage]:
    if settings.WEB_PORT == settings.OCPP_PORT:
        yield Error(
            f"EVCMS_PORT and EVCMS_OCPP_PORT are both {settings.WEB_PORT}: chargers need a port of their own.",
            id="evcms.E006",
        )


def stores() -> Iterable[CheckMessage]:
    signal = urlsplit(settings.REDIS_URL)
    if signal.scheme not in REDIS_SCHEMES or not (signal.hostname or signal.path.strip("/")):
        yield Error(
            "REDIS_URL must look like redis://host:6379/0 (or rediss:// with TLS); leave it out for the embedded one.",
            id="evcms.E008",
        )
    if settings.SQLITE and _whole("EVCMS_GATEWAYS", 1) > 1:
        yield Error(
            "EVCMS_GATEWAYS is more than 1 on SQLite, which has one writer: set DATABASE_URL to a PostgreSQL.",
            id="evcms.E009",
        )


def _whole(name: str, default: int) -> int:
    value = os.environ.get(name, "").strip()
    return int(value) if value.isdigit() else default


def payment() -> Iterable[CheckMessage]:
    key, secret, base = settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET, settings.STRIPE_API_BASE
    live = "_live_" in key
    if key and not secret:
        yield Error(
            "STRIPE_SECRET_KEY is set without STRIPE_WEBHOOK_SECRET: nobody would hear that a driver has paid.",
            id="evcms.E010",
        )
    if secret and not key:
        yield Error(
            "STRIPE_WEBHOOK_SECRET is set without STRIPE_SECRET_KEY: set both to take money, or neither.",
            id="evcms.E011",
        )
    if key and not key.startswith(("sk_", "rk_")):
        yield Error("STRIPE_SECRET_KEY must begin with sk_ or rk_ (pk_ is the public key).", id="evcms.E012")
    if secret and not secret.startswith("whsec_"):
        yield Error("STRIPE_WEBHOOK_SECRET must begin with whsec_.", id="evcms.E013")
    if live and (settings.DEBUG or settings.DEMO or settings.TESTING):
        yield Error(
            "STRIPE_SECRET_KEY is a live key: it is refused with EVCMS_DEBUG, demo and tests.",
            id="evcms.E014",
        )
    if live and urlsplit(base).hostname != "api.stripe.com":
        yield Error(
            "STRIPE_API_BASE sends a live key to somebody else than api.stripe.com: remove one of them.",
            id="evcms.E015",
        )
    if key and not live and not (settings.DEMO or settings.TESTING):
        yield Warning("STRIPE_SECRET_KEY is a test key: drivers can start, but no money moves.", id="evcms.W016")
    if not (key or secret) and not settings.DEMO:
        yield Warning(
            "STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET are not set: paying at the charger is off.",
            id="evcms.W017",
        )


def mail() -> Iterable[CheckMessage]:
    if settings.EMAIL_USE_TLS and settings.EMAIL_USE_SSL:
        yield Error("EMAIL_USE_TLS and EMAIL_USE_SSL exclude each other: set one of them.", id="evcms.E018")
    if settings.EMAIL_HOST and "://" in settings.EMAIL_HOST:
        yield Error("EMAIL_HOST is a host name such as smtp.example, without a scheme.", id="evcms.E019")
    if settings.EMAIL_HOST_PASSWORD and not settings.EMAIL_HOST_USER:
        yield Error("EMAIL_HOST_PASSWORD is set without EMAIL_HOST_USER.", id="evcms.E020")
    if "anymail" in settings.EMAIL_BACKEND and len(settings.ANYMAIL) < 2:  # SEND_DEFAULTS is always there
        yield Error("EMAIL_BACKEND names an Anymail provider, but no ANYMAIL_… key for it is set.", id="evcms.E021")
    if settings.MAIL_ON and "@localhost" in settings.DEFAULT_FROM_EMAIL and not (settings.DEMO or settings.TESTING):
        yield Error("EMAIL_FROM is missing: receivers refuse mail from no-reply@localhost.", id="evcms.E022")
    if not settings.MAIL_ON:
        yield Warning("EMAIL_HOST or EMAIL_BACKEND is not set: mails wait in the queue.", id="evcms.W023")


def messages() -> Iterable[CheckMessage]:
    given = {name: getattr(settings, name) for name in ("SMS_ACCOUNT", "SMS_TOKEN", "SMS_SENDER")}
    absent = [name for name, value in given.items() if not value]
    if absent and len(absent) < len(given):
        yield Error(f"{' and '.join(absent)} missing: texts need account, token and sender.", id="evcms.E040")
    if not absent and not settings.SMS_API_BASE.startswith("https://") and not (settings.DEMO or settings.TESTING):
        yield Error("SMS_API_BASE must begin with https://: the token travels with each call.", id="evcms.E041")
    if not settings.VAPID_SUBJECT.startswith(("mailto:", "https:")):
        yield Error(
            "VAPID_SUBJECT must be a mailto: or https: address: push services refuse messages without one.",
            id="evcms.E042",
        )
    if settings.OUTGOING_ALLOWED and not (settings.DEMO or settings.TESTING):
        yield Error(
            "OUTGOING_ALLOWED opens our own network to addresses that people type: for demo and tests only.",
            id="evcms.E043",
        )
    if "anymail" in settings.EMAIL_BACKEND and not settings.ANYMAIL.get("WEBHOOK_SECRET"):
        yield Warning(
            "ANYMAIL_WEBHOOK_SECRET is not set: bounces and deliveries that the mail provider tells are not heard.",
            id="evcms.W044",
        )


def maps() -> Iterable[CheckMessage]:
    template = settings.MAP_TILE_URL
    missing = [part for part in ("{z}", "{x}", "{y}") if part not in template]
    if template and missing:
        yield Error(f"MAP_TILE_URL lacks {' '.join(missing)}.", id="evcms.E024")
    if template and not template.startswith(("https://", "http://")):
        yield Error("MAP_TILE_URL must begin with https://.", id="evcms.E025")
    if template and not settings.MAP_TILE_ATTRIBUTION:
        yield Warning(
            "MAP_TILE_URL is set without MAP_TILE_ATTRIBUTION: most map licences demand to be named.",
            id="evcms.W026",
        )


def modes() -> Iterable[CheckMessage]:
    if os.environ.get(clock.FILE_VARIABLE) and not clock.testing():
        yield Error(f"{clock.FILE_VARIABLE} moves the clock and is for tests only: remove it.", id="evcms.E027")
    if settings.DEBUG and urlsplit(settings.PUBLIC_URL).hostname not in addresses.THIS_MACHINE:
        yield Error(
            "EVCMS_DEBUG shows secrets to whoever causes an error: not with a PUBLIC_URL that others reach.",
            id="evcms.E028",
        )


def timing() -> Iterable[CheckMessage]:
    if settings.STATION_OFFLINE_AFTER < settings.OCPP_PING_INTERVAL:
        yield Error(
            f"STATION_OFFLINE_AFTER ({settings.STATION_OFFLINE_AFTER} s) is shorter than OCPP_PING_INTERVAL "
            f"({settings.OCPP_PING_INTERVAL} s): every silent minute would be an incident.",
            id="evcms.E029",
        )


GROUPS: tuple[Check, ...] = (keys, outside, ports, stores, payment, mail, messages, maps, modes, timing)


@register(Tags.security)
def settings_make_sense(**_: Any) -> list[CheckMessage]:
    return [message for group in GROUPS for message in group()]
