"""Every setting, in one file, each value from the environment. `.env.example` explains them all."""

import logging
import os
import sys
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
import structlog
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from evcms import sidebar
from evcms.environment import (
    BASE_DIR,
    database,
    embedded_redis_url,
    flag,
    one_of,
    secret,
    text,
    usable_data_dir,
    whole,
    words,
)

django_stubs_ext.monkeypatch()

# What this installation is
DEMO = flag("EVCMS_DEMO")
TESTING = flag("EVCMS_TESTING") or "pytest" in sys.modules
DEBUG = flag("EVCMS_DEBUG")
DEMO_DISPLAYS_URL = f"http://127.0.0.1:{whole('EVCMS_SIMULATOR_PORT', 8030, least=1, most=65535)}" if DEMO else ""
DEMO_INBOX_URL = f"http://127.0.0.1:{whole('EVCMS_INBOX_PORT', 8026, least=1, most=65535)}" if DEMO else ""
DATA_DIR = usable_data_dir()
SECRET_KEY = secret("SECRET_KEY", "secret_key")
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS")
STATION_PASSWORD_PEPPER = secret("STATION_PASSWORD_PEPPER", "station_password_pepper")
PUBLIC_URL = text("PUBLIC_URL", f"http://127.0.0.1:{whole('EVCMS_PORT', 8000)}").rstrip("/")
ALLOWED_HOSTS = words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]") + (["testserver"] if TESTING else [])
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS") or ([PUBLIC_URL] if "://" in PUBLIC_URL else [])
WEB_PORT = whole("EVCMS_PORT", 8000, least=1, most=65535)
OCPP_PORT = whole("EVCMS_OCPP_PORT", 9000, least=1, most=65535)
OCPP_PUBLIC_URL = text("OCPP_PUBLIC_URL", f"ws://{urlsplit(PUBLIC_URL).hostname}:{OCPP_PORT}").rstrip("/")

INSTALLED_APPS = [
    "daphne",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "django_prometheus",
    "django_structlog",
    "import_export",
    "simple_history",
    "anymail",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "evcms.core",
    "stations",
    "sessions",
    "billing",
    "alerts",
    "evcms",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "csp.middleware.CSPMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "evcms.core.middleware.AccessMiddleware",
    "evcms.core.middleware.AdminPolicyMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "evcms.urls"
ASGI_APPLICATION = "evcms.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "evcms.dashboard.context.frame",
                "evcms.public.context.house",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# Rows: SQLite file by default, PostgreSQL by DATABASE_URL
DATABASES: dict[str, Any] = {"default": database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'evcms.sqlite3'}")}
SQLITE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
if SQLITE:
    DATABASES["default"]["ENGINE"] = "evcms.core.sqlite"
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "cached_statements": 512,  # those of a batch come in many sizes
        # FULL: what was answered outlives a power cut. Tests kill processes, but not the machine.
        "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={'OFF' if TESTING else 'FULL'}; "
        "PRAGMA cache_size=-32000;",
    }
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Signals: Valkey/Redis; losing it loses nothing
REDIS_URL = text("REDIS_URL") or embedded_redis_url(whole("EVCMS_REDIS_PORT", 6390))
CACHES = {
    "default": {
        "BACKEND": "evcms.core.cache.TolerantRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
}
REDIS_PREFIX = text("EVCMS_CHANNEL_PREFIX", "evcms")  # of every name that we use there
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "evcms.core.layer.ChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": REDIS_PREFIX},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
CELERY_BROKER_URL = REDIS_URL

# People
AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_ADAPTER = "evcms.core.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_FORMS = {"reset_password_from_key": "evcms.core.forms.MailedPasswordForm"}
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "EVCMS"
# Nobody signs up by himself here, so an unproven address is no stranger's: it must not keep the owner from his factor.
MFA_ALLOW_UNVERIFIED_EMAIL = True

# Language, time
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German")), ("nl", _("Dutch")), ("fr", _("French")), ("es", _("Spanish"))]
FORMAT_MODULE_PATH = "evcms.formats"
LOCALE_PATHS = [BASE_DIR / "evcms" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Files
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static", ("guides", BASE_DIR / "docs" / "guides" / "pictures")]
STATIC_ROOT = DATA_DIR / "static"
MEDIA_ROOT = DATA_DIR / "media"
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    if flag("EVCMS_MANIFEST_STATIC")
    else {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Safety
BEHIND_TLS = PUBLIC_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if flag("TRUST_PROXY") else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_SSL_REDIRECT = False
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
MAP_TILE_URL = text("MAP_TILE_URL")
MAP_TILE_ATTRIBUTION = text("MAP_TILE_ATTRIBUTION")
MAP_FRESH_SECONDS = whole("MAP_FRESH_SECONDS", 2, least=0, most=60)  # what the public map says is at most that old
MAP_BASE_FILE = DATA_DIR / "map" / "streets.geojson"  # the offline base layer; the demo writes its city there
MAP_TILE_ORIGIN = "/".join(MAP_TILE_URL.split("/")[:3]).replace("{s}", "*") if MAP_TILE_URL else ""
# the pay button redirects to the provider's hosted page: Stripe's, or that of the double in its place
CHECKOUT_ORIGINS = ["https://checkout.stripe.com"]
if not text("STRIPE_API_BASE", "https://api.stripe.com").startswith("https://api.stripe.com"):
    CHECKOUT_ORIGINS.append(text("STRIPE_API_BASE").rstrip("/"))
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"] + ([MAP_TILE_ORIGIN] if MAP_TILE_ORIGIN else []),
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF, *CHECKOUT_ORIGINS],
    }
}

# Payment provider: the product never knows whether it talks to Stripe or to a double
STRIPE_SECRET_KEY = text("STRIPE_SECRET_KEY")
STRIPE_WEBHOOK_SECRET = text("STRIPE_WEBHOOK_SECRET")
STRIPE_API_BASE = text("STRIPE_API_BASE", "https://api.stripe.com")
PAYMENTS_ON = bool(STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET)
STRIPE_INCREMENTAL = flag("STRIPE_INCREMENTAL")  # the contract lets holds grow
GUEST_LINK_DAYS = whole("GUEST_LINK_DAYS", 400)
PAY_LINK_DAYS = whole("PAY_LINK_DAYS", 60)

# Card readers at stations (seconds)
CARD_READER_WAIT = whole("CARD_READER_WAIT", 3)
CARD_READER_TIMEOUT = whole("CARD_READER_TIMEOUT", 90, least=10)
TERMINAL_SETTLES_WITHIN = whole("TERMINAL_SETTLES_WITHIN", 24, least=1)  # hours after the end

# Mail: any Anymail provider, or SMTP
EMAIL_BACKEND = text("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
EMAIL_HOST = text("EMAIL_HOST")
EMAIL_PORT = whole("EMAIL_PORT", 25)
EMAIL_HOST_USER = text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = flag("EMAIL_USE_TLS")
EMAIL_USE_SSL = flag("EMAIL_USE_SSL")
EMAIL_TIMEOUT = 10
ANYMAIL: dict[str, Any] = {"SEND_DEFAULTS": {"tags": ["evcms"]}} | {
    name.removeprefix("ANYMAIL_"): value for name, value in os.environ.items() if name.startswith("ANYMAIL_") and value
}
DEFAULT_FROM_EMAIL = text("EMAIL_FROM", "EVCMS <no-reply@localhost>")
MAIL_ON = bool(EMAIL_HOST) or "anymail" in EMAIL_BACKEND or "locmem" in EMAIL_BACKEND

# Messages to people
SMS_API_BASE = text("SMS_API_BASE", "https://api.twilio.com").rstrip("/")  # any API as Twilio's Messages
SMS_ACCOUNT = text("SMS_ACCOUNT")
SMS_TOKEN = text("SMS_TOKEN")
SMS_SENDER = text("SMS_SENDER")  # a number, a name, or MG… (a messaging service)
VAPID_PRIVATE_KEY = secret("VAPID_PRIVATE_KEY", "vapid_private_key", size=32)  # a P-256 key is 32 random bytes
VAPID_SUBJECT = text("VAPID_SUBJECT", PUBLIC_URL if BEHIND_TLS else f"mailto:{parseaddr(DEFAULT_FROM_EMAIL)[1]}")
OUTGOING_ALLOWED = words("OUTGOING_ALLOWED")  # host:port of doubles that people's addresses may name
MESSAGES_PER_ADDRESS_AN_HOUR = whole("MESSAGES_PER_ADDRESS_AN_HOUR", 60, least=1)
SMS_PER_NUMBER_A_DAY = whole("SMS_PER_NUMBER_A_DAY", 10, least=1)
SMS_PER_ORGANIZATION_A_DAY = whole("SMS_PER_ORGANIZATION_A_DAY", 500, least=1)
# Codes by SMS for those who subscribe with a phone: what a day may cost
SMS_CODES_PER_DAY = whole("SMS_CODES_PER_DAY", 200)  # of an organization

# Chargers
OCPP_HEARTBEAT_INTERVAL = whole("OCPP_HEARTBEAT_INTERVAL", 300, least=10)
OCPP_PING_INTERVAL = whole("OCPP_PING_INTERVAL", 30, least=1)
OCPP_CALL_TIMEOUT = whole("OCPP_CALL_TIMEOUT", 30, least=1)
OCPP_MAX_FRAME_BYTES = whole("OCPP_MAX_FRAME_BYTES", 1_048_576, least=4096)
OCPP_LEASE_SECONDS = whole("OCPP_LEASE_SECONDS", 30, least=2)
STATION_OFFLINE_AFTER = whole("STATION_OFFLINE_AFTER", 90, least=1)
QUARANTINE_LIMIT = whole("QUARANTINE_LIMIT", 1000)
STATIONS_URL = text("STATIONS_URL", PUBLIC_URL).rstrip("/")  # where stations bring logs and fetch firmware
FILES_DIR = DATA_DIR / "files"
BODY_MAX_BYTES = whole("BODY_MAX_BYTES", 33_554_432, least=65_536)  # of any other request
LOG_MAX_BYTES = whole("LOG_MAX_BYTES", 52_428_800, least=1024)
FIRMWARE_MAX_BYTES = whole("FIRMWARE_MAX_BYTES", 536_870_912, least=1024)
UPLOAD_OPEN_HOURS = whole("UPLOAD_OPEN_HOURS", 24, least=1)
REPORTS_SILENT_HOURS = whole("REPORTS_SILENT_HOURS", 24, least=1)

# How long rows are kept (days; 0 keeps for ever)
RETENTION_MESSAGES_DAYS = whole("RETENTION_MESSAGES_DAYS", 90)
RETENTION_SAMPLES_DAYS = whole("RETENTION_SAMPLES_DAYS", 730)
RETENTION_PERSONAL_DAYS = whole("RETENTION_PERSONAL_DAYS", 1095)
RETENTION_EVENTS_DAYS = whole("RETENTION_EVENTS_DAYS", 30)
RETENTION_REPORTS_DAYS = whole("RETENTION_REPORTS_DAYS", 365)
RETENTION_FILES_DAYS = whole("RETENTION_FILES_DAYS", 90)

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "evcms.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["evcms.api.permissions.HasScope"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "evcms.api.pagination.Pages",
    "DEFAULT_FILTER_BACKENDS": ["evcms.api.filters.Backend"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "evcms.api.errors.handle",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "EVCMS API",
    "VERSION": "1",
    "DESCRIPTION": "Stations, sessions, tokens, tariffs and commands of a public charging network.",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "evcms.api.description.describe",
    ],
    "SWAGGER_UI_SETTINGS": {
        "docExpansion": "list",
        "filter": True,
        "validatorUrl": None,  # else the page asks a server on the internet
        "persistAuthorization": False,
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "ConnectorStatusEnum": "stations.vocabulary.ConnectorStatus.choices",
        "TokenStatusEnum": "sessions.vocabulary.TokenStatus.choices",
    },
}
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "EVCMS",
    "SITE_HEADER": "EVCMS",
    "SITE_SUBHEADER": _("Administration"),
    "SITE_URL": "/",
    "SITE_SYMBOL": "bolt",
    "COLORS": {
        "primary": {
            "50": "#eef1fb",
            "100": "#e0e5f7",
            "200": "#c5cef0",
            "300": "#a3b1f0",
            "400": "#7d8fe0",
            "500": "#566ac6",
            "600": "#3d51a8",
            "700": "#2c3f8f",
            "800": "#243473",
            "900": "#1e2b5e",
            "950": "#141c3d",
        }
    },
    "DASHBOARD_CALLBACK": "evcms.staff.dashboard",
    "SIDEBAR": {"show_search": True, "show_all_applications": True, "navigation": sidebar.groups()},
}
SILENCED_SYSTEM_CHECKS: list[str] = []

# Logs: one JSON line an event (plain on a terminal)
LOG_LEVEL = one_of("LOG_LEVEL", "INFO", ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"))
STAMPED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.format_exc_info,
]
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": STAMPED,
            "processor": structlog.dev.ConsoleRenderer(colors=False)
            if sys.stderr.isatty() or DEMO
            else structlog.processors.JSONRenderer(),
        }
    },
    "filters": {"one line": {"()": "evcms.core.logs.OneLine"}, "mistyped": {"()": "evcms.core.logs.Mistyped"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["one line"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        name: {"level": "WARNING"}
        for name in ("daphne", "django.channels.server", "celery.beat", "celery.worker.strategy", "celery.app.trace")
    }
    | {"django.request": {"filters": ["mistyped"]}}
    | {"stripe": {"level": "INFO" if LOG_LEVEL == "DEBUG" else LOG_LEVEL}},  # at debug it prints whole answers
}
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO  # a visitor's mistake is an everyday line
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *STAMPED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
