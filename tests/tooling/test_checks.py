"""Each missing or contradictory setting is one sentence that names it."""

import pytest

from evcms import checks

GOOD = {
    "SECRET_KEY": "k" * 50,
    "STATION_PASSWORD_PEPPER": "p" * 50,
    "PUBLIC_URL": "https://charging.example",
    "ALLOWED_HOSTS": ["charging.example"],
    "WEB_PORT": 8000,
    "OCPP_PORT": 9000,
    "REDIS_URL": "redis://127.0.0.1:6390/0",
    "SQLITE": True,
    "STRIPE_SECRET_KEY": "sk_live_0123456789",
    "STRIPE_WEBHOOK_SECRET": "whsec_0123456789",
    "STRIPE_API_BASE": "https://api.stripe.com",
    "EMAIL_HOST": "smtp.example",
    "EMAIL_HOST_USER": "",
    "EMAIL_HOST_PASSWORD": "",
    "EMAIL_USE_TLS": False,
    "EMAIL_USE_SSL": False,
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "ANYMAIL": {"SEND_DEFAULTS": {}},
    "DEFAULT_FROM_EMAIL": "Charging <no-reply@charging.example>",
    "MAIL_ON": True,
    "MAP_TILE_URL": "",
    "MAP_TILE_ATTRIBUTION": "",
    "SMS_ACCOUNT": "",
    "SMS_TOKEN": "",
    "SMS_SENDER": "",
    "SMS_API_BASE": "https://api.twilio.com",
    "VAPID_SUBJECT": "https://charging.example",
    "OUTGOING_ALLOWED": [],
    "DEMO": False,
    "TESTING": False,
    "DEBUG": False,
    "OCPP_PUBLIC_URL": "wss://ocpp.charging.example",
    "STATION_OFFLINE_AFTER": 90,
    "OCPP_PING_INTERVAL": 30,
}
VARIABLES = ("DATABASE_URL", "EVCMS_GATEWAYS", "EVCMS_TESTING", "EVCMS_CLOCK_FILE")


@pytest.fixture
def said(settings, monkeypatch):
    """What the checks say when a good installation is changed in one point."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def change(environment=None, **changes):
        for name, value in (GOOD | changes).items():
            setattr(settings, name, value)
        for name, value in (environment or {}).items():
            monkeypatch.setenv(name, value)
        return {message.id.rsplit(".")[-1]: message.msg for message in checks.settings_make_sense()}

    return change


def test_a_good_installation_has_nothing_to_hear(said):
    assert said() == {}


@pytest.mark.parametrize(
    ("number", "names", "changes"),
    [
        ("E001", "SECRET_KEY", {"SECRET_KEY": "short"}),
        ("E001", "STATION_PASSWORD_PEPPER", {"STATION_PASSWORD_PEPPER": "short"}),
        ("E002", "PUBLIC_URL", {"PUBLIC_URL": "charging.example"}),
        ("E003", "ALLOWED_HOSTS", {"ALLOWED_HOSTS": []}),
        ("E003", "ALLOWED_HOSTS", {"ALLOWED_HOSTS": ["*"]}),
        ("E004", "charging.example", {"ALLOWED_HOSTS": ["other.example"]}),
        ("W005", "PUBLIC_URL", {"PUBLIC_URL": "http://charging.example"}),
        ("W047", "QR codes", {"PUBLIC_URL": "http://localhost:8000", "ALLOWED_HOSTS": ["localhost"]}),
        ("E048", "wss://", {"OCPP_PUBLIC_URL": "https://ocpp.charging.example"}),
        ("E006", "EVCMS_OCPP_PORT", {"OCPP_PORT": 8000}),
        ("E008", "REDIS_URL", {"REDIS_URL": "localhost:6379"}),
        ("E008", "REDIS_URL", {"REDIS_URL": "redis://"}),
        ("E009", "EVCMS_GATEWAYS", {"environment": {"EVCMS_GATEWAYS": "2"}}),
        ("E010", "STRIPE_WEBHOOK_SECRET", {"STRIPE_WEBHOOK_SECRET": ""}),
        ("E011", "STRIPE_SECRET_KEY", {"STRIPE_SECRET_KEY": ""}),
        ("E012", "pk_", {"STRIPE_SECRET_KEY": "pk_live_0123"}),
        ("E013", "whsec_", {"STRIPE_WEBHOOK_SECRET": "secret"}),
        ("E014", "live key", {"DEBUG": True, "PUBLIC_URL": "http://localhost:8000", "ALLOWED_HOSTS": ["localhost"]}),
        ("E015", "STRIPE_API_BASE", {"STRIPE_API_BASE": "http://127.0.0.1:8420"}),
        ("W016", "test key", {"STRIPE_SECRET_KEY": "sk_test_0123"}),
        ("W017", "is off", {"STRIPE_SECRET_KEY": "", "STRIPE_WEBHOOK_SECRET": ""}),
        ("E018", "EMAIL_USE_SSL", {"EMAIL_USE_TLS": True, "EMAIL_USE_SSL": True}),
        ("E019", "EMAIL_HOST", {"EMAIL_HOST": "smtp://smtp.example"}),
        ("E020", "EMAIL_HOST_USER", {"EMAIL_HOST_PASSWORD": "secret"}),
        ("E021", "ANYMAIL_", {"EMAIL_BACKEND": "anymail.backends.mailgun.EmailBackend"}),
        ("E022", "EMAIL_FROM", {"DEFAULT_FROM_EMAIL": "EVCMS <no-reply@localhost>"}),
        ("W023", "queue", {"MAIL_ON": False}),
        ("E024", "{z} {y}", {"MAP_TILE_URL": "https://tiles.example/{x}.png", "MAP_TILE_ATTRIBUTION": "x"}),
        ("E025", "https://", {"MAP_TILE_URL": "tiles.example/{z}/{x}/{y}.png", "MAP_TILE_ATTRIBUTION": "x"}),
        ("W026", "MAP_TILE_ATTRIBUTION", {"MAP_TILE_URL": "https://tiles.example/{z}/{x}/{y}.png"}),
        ("E027", "EVCMS_CLOCK_FILE", {"environment": {"EVCMS_CLOCK_FILE": "/tmp/clock"}}),
        ("E028", "EVCMS_DEBUG", {"DEBUG": True, "STRIPE_SECRET_KEY": "sk_test_1"}),
        ("E040", "SMS_TOKEN", {"SMS_ACCOUNT": "AC1", "SMS_SENDER": "+3161", "SMS_TOKEN": ""}),
        ("E041", "https://", {"SMS_ACCOUNT": "A", "SMS_TOKEN": "t", "SMS_SENDER": "+1", "SMS_API_BASE": "http://x"}),
        ("E042", "mailto:", {"VAPID_SUBJECT": "http://charging.example"}),
        ("E043", "OUTGOING_ALLOWED", {"OUTGOING_ALLOWED": ["127.0.0.1:8026"]}),
        (
            "W044",
            "ANYMAIL_WEBHOOK_SECRET",
            {"EMAIL_BACKEND": "anymail.backends.mailgun.EmailBackend", "ANYMAIL": {"SEND_DEFAULTS": {}, "KEY": "x"}},
        ),
        ("E029", "STATION_OFFLINE_AFTER", {"STATION_OFFLINE_AFTER": 20}),
    ],
)
def test_each_wrong_setting_is_named_in_a_sentence(said, number, names, changes):
    messages = said(**changes)
    assert number in messages
    assert names in messages[number]
    assert messages[number].endswith(".")


def test_only_errors_stop_the_start(said):
    """Paying and mail may be off: warnings."""
    messages = said(STRIPE_SECRET_KEY="", STRIPE_WEBHOOK_SECRET="", MAIL_ON=False)
    assert {number[0] for number in messages} == {"W"}


def test_the_demo_needs_no_keys(said):
    assert (
        said(
            DEMO=True,
            STRIPE_SECRET_KEY="sk_test_1",
            STRIPE_API_BASE="http://127.0.0.1:8420",
            PUBLIC_URL="http://127.0.0.1:8000",
            ALLOWED_HOSTS=["127.0.0.1"],
        )
        == {}
    )
