"""Every door of the web role and who may pass it. A URL pattern without an entry here fails the test.

`needs`: a Permission, MEMBER (any role), DRIVER, ANYBODY (public page), KEY (who knows the link), STAFF, ACCOUNT
(allauth's own pages about the visitor). `rows`: for each path argument the row of `world.Holdings` and its field.
`level`: whether membership of one site opens it (`site`) or of the organization (`organization`).
"""

from dataclasses import dataclass

from evcms.core.access import Permission

MEMBER, ANYBODY, KEY, STAFF, ACCOUNT = "member", "anybody", "key", "staff", "account"
DRIVER = "driver"  # signed in as a driver; tests/public/test_account.py tries these doors
VIEW, COMMAND, STATIONS, TOKENS = Permission.VIEW, Permission.COMMAND, Permission.STATIONS, Permission.TOKENS
INCIDENTS, TARIFFS, MONEY = Permission.INCIDENTS, Permission.TARIFFS, Permission.MONEY
PEOPLE, AUDIT = Permission.PEOPLE, Permission.AUDIT


@dataclass(frozen=True)
class Door:
    needs: str
    rows: tuple = ()
    post: bool = False
    data: tuple = ()
    level: str = "site"
    query: str = ""

    def kwargs(self, holdings):
        found = {}
        for name, row, attribute in self.rows:
            found[name] = getattr(getattr(holdings.rows, row), attribute)
        return found


STATION = (("identity", "station", "identity"),)
SITE, TOKEN, TARIFF = (("pk", "site", "pk"),), (("pk", "token", "pk"),), (("pk", "tariff", "pk"),)
READER = (("pk", "reader", "pk"),)
REPORT = (("pk", "report", "pk"),)
SESSION, PAYMENT = (("public_id", "session", "public_id"),), (("public_id", "payment", "public_id"),)
GROUP = (("pk", "group", "pk"),)
PURSE, STATEMENT = (("public_id", "account", "public_id"),), (("public_id", "statement", "public_id"),)
RECEIPT, CODE = (("public_id", "receipt", "public_id"),), (("code", "connector", "code"),)
DEBT, ENROLMENT = (("public_id", "debt", "public_id"),), (("public_id", "enrolment", "public_id"),)
SETUP, COLLECTION = (("public_id", "setup", "public_id"),), (("public_id", "collection", "public_id"),)
METHOD, PERSON = (("pk", "method", "pk"),), (("pk", "driver", "pk"),)
RULE = (("pk", "alert_rule", "pk"),)
DISPUTE = (("public_id", "dispute", "public_id"),)
ALL = "organization"

PAGES = {
    # operators
    "overview": Door(MEMBER),
    "overview-points": Door(VIEW),
    "search": Door(VIEW, query="q=QUAGGA"),
    "stations": Door(VIEW),
    "station": Door(VIEW, STATION),
    "station-messages": Door(VIEW, STATION),
    "station-commands": Door(COMMAND, STATION),
    "station-send": Door(COMMAND, STATION, post=True, data=(("operation", "clear-cache"),)),
    "station-dynamic-qr": Door(COMMAND, STATION, post=True),
    "station-show-tariffs": Door(COMMAND, STATION, post=True),
    "station-unlock": Door(COMMAND, STATION, post=True, data=(("evse", "1"), ("connector", "1"))),
    "station-command": Door(COMMAND, (*STATION, ("pk", "command", "pk"))),
    "station-variables": Door(VIEW, STATION),
    "station-firmware": Door(VIEW, STATION),
    "station-security": Door(VIEW, STATION),
    "station-log-file": Door(COMMAND, (*STATION, ("pk", "upload", "pk"))),
    "firmware-files": Door(VIEW),
    "firmware-archive": Door(STATIONS, (("pk", "firmware", "pk"),), post=True, level=ALL),
    "station-connections": Door(VIEW, STATION),
    "station-incidents": Door(VIEW, STATION),
    "station-audit": Door(AUDIT, STATION),
    "sites": Door(VIEW),
    "site": Door(VIEW, SITE),
    "sessions": Door(VIEW),
    "session": Door(VIEW, SESSION),
    "session-stop": Door(COMMAND, SESSION, post=True),
    "attempts": Door(VIEW),
    "switch-organization": Door(MEMBER, post=True),
    "settings": Door(MEMBER),
    "organization": Door(PEOPLE),
    "members": Door(PEOPLE),
    "member": Door(PEOPLE, (("pk", "membership", "pk"),), post=True, data=(("remove", "1"),), level=ALL),
    "api-tokens": Door(PEOPLE),
    "api-token-revoke": Door(PEOPLE, (("pk", "api_token", "pk"),), post=True, level=ALL),
    "audit": Door(AUDIT),
    "profile": Door(MEMBER),
    # configuration
    "site-create": Door(STATIONS),
    "site-edit": Door(STATIONS, SITE),
    "site-archive": Door(STATIONS, SITE, post=True),
    "site-qr-sheet": Door(VIEW, SITE),
    "station-create": Door(STATIONS),
    "station-import": Door(STATIONS),
    "station-export": Door(VIEW),
    "station-edit": Door(STATIONS, STATION),
    "station-connectors": Door(STATIONS, STATION),
    "station-password": Door(STATIONS, STATION, post=True),
    "station-archive": Door(STATIONS, STATION, post=True),
    "qr-sheet": Door(VIEW, STATION),
    "quarantine": Door(STATIONS),
    "quarantine-approve": Door(STATIONS, (("pk", "waiting", "pk"),)),
    "quarantine-reject": Door(STATIONS, (("pk", "waiting", "pk"),), post=True),
    "maintenance": Door(VIEW),
    "maintenance-create": Door(INCIDENTS),
    "maintenance-window": Door(VIEW, (("pk", "window", "pk"),)),
    "maintenance-plan-end": Door(INCIDENTS, (("pk", "plan", "pk"),), post=True),
    "maintenance-cancel": Door(INCIDENTS, (("pk", "window", "pk"),), post=True),
    # tokens, tariffs, money, incidents
    "tokens": Door(VIEW),
    "token-create": Door(TOKENS),
    "token-edit": Door(TOKENS, TOKEN, level=ALL),
    "token-delete": Door(TOKENS, TOKEN, post=True, level=ALL),
    "tariffs": Door(VIEW),
    "tariff-create": Door(TARIFFS),
    "tariff-example": Door(VIEW),
    "tariff-rules": Door(TARIFFS, post=True),
    "tariff-import": Door(TARIFFS),
    "tariff-ocpi": Door(VIEW, TARIFF, level=ALL),
    "site-prices": Door(TARIFFS),
    "simulations": Door(MONEY),
    "simulation": Door(MONEY, (("pk", "simulation", "pk"),)),
    "tariff-edit": Door(VIEW, TARIFF, level=ALL),
    "tariff-archive": Door(TARIFFS, TARIFF, post=True, level=ALL),
    "tariff-assign": Door(TARIFFS, TARIFF, post=True, level=ALL),
    "tariff-unassign": Door(TARIFFS, (("pk", "assignment", "pk"),), post=True),
    "readers": Door(VIEW),
    "reader-create": Door(STATIONS),
    "reader-edit": Door(STATIONS, READER),
    "reader-archive": Door(STATIONS, READER, post=True),
    "reader-try": Door(COMMAND, READER, post=True),
    "groups": Door(TOKENS),
    "group": Door(TOKENS, GROUP, level=ALL),
    "group-join": Door(TOKENS, GROUP, post=True, level=ALL),
    "group-leave": Door(TOKENS, (*GROUP, ("driver_id", "driver", "pk")), post=True, level=ALL),
    "group-delete": Door(TOKENS, GROUP, post=True, level=ALL),
    "accounts": Door(MONEY),
    "account-create": Door(MONEY),
    "account-page": Door(MONEY, PURSE),
    "account-credit": Door(MONEY, PURSE, post=True),
    "account-edit": Door(MONEY, PURSE),
    "account-adjust": Door(MONEY, PURSE, post=True),
    "account-draw": Door(MONEY, PURSE, post=True),
    "account-undraw": Door(MONEY, (*PURSE, ("pk", "rule", "pk")), post=True),
    "account-close": Door(MONEY, PURSE, post=True),
    "statement": Door(MONEY, STATEMENT),
    "statement-pdf": Door(MONEY, STATEMENT),
    "vouchers": Door(MONEY),
    "voucher-create": Door(MONEY),
    "voucher-void": Door(MONEY, (("pk", "voucher", "pk"),), post=True),
    "terminals": Door(MONEY),
    "terminal-report-seen": Door(MONEY, REPORT, post=True, data=(("note", "a stranger"),)),
    "drivers": Door(TOKENS),
    "driver": Door(TOKENS, PERSON, level=ALL),
    "debts": Door(MONEY),
    "debt-waive": Door(MONEY, DEBT, post=True, data=(("reason", "a stranger"),)),
    "debt-collect": Door(MONEY, DEBT, post=True),
    "insight": Door(MONEY),
    "customers": Door(MONEY),
    "money": Door(MONEY),
    "money-export": Door(MONEY),
    "payment": Door(MONEY, PAYMENT),
    "payment-refund": Door(MONEY, PAYMENT, post=True, data=(("amount", "1"), ("reason", "a stranger"))),
    "payment-retry": Door(MONEY, PAYMENT, post=True),
    "money-rules": Door(MONEY),
    "refund-decide": Door(MONEY, (("public_id", "waiting_refund", "public_id"),), post=True),
    "disputes": Door(MONEY),
    "dispute": Door(MONEY, DISPUTE),
    "collections": Door(MONEY),
    "collection": Door(MONEY, COLLECTION),
    "collection-refund": Door(MONEY, COLLECTION, post=True, data=(("amount", "1"), ("reason", "a stranger"))),
    "dispute-evidence-pdf": Door(MONEY, DISPUTE),
    "dispute-evidence-zip": Door(MONEY, DISPUTE),
    "dispute-send": Door(MONEY, DISPUTE, post=True),
    "proof": Door(MONEY, level=ALL),
    "proof-sessions": Door(MONEY, level=ALL),
    "ledger": Door(MONEY, level=ALL),
    "bills": Door(MONEY),
    "bill": Door(MONEY, SESSION),
    "payouts": Door(MONEY),
    "payout": Door(MONEY, (("provider_id", "payout", "provider_id"),)),
    "incidents": Door(VIEW),
    "incident": Door(VIEW, (("pk", "incident", "pk"),)),
    "incident-act": Door(INCIDENTS, (("pk", "incident", "pk"),), post=True, data=(("do", "resolve"),)),
    "incident-report": Door(VIEW),
    "on-call": Door(VIEW),
    "alert-contacts": Door(PEOPLE),
    "alert-contact": Door(PEOPLE, (("pk", "contact", "pk"),), level=ALL),
    "alert-switches": Door(PEOPLE),
    "schedule-create": Door(PEOPLE),
    "schedule": Door(PEOPLE, (("pk", "rota", "pk"),), level=ALL),
    "policy-create": Door(PEOPLE),
    "policy": Door(PEOPLE, (("pk", "chain", "pk"),), level=ALL),
    "alert-rules": Door(VIEW),
    "alert-rule-new": Door(STATIONS, query="kind=station_offline"),
    "alert-rule": Door(STATIONS, RULE),
    "alert-rule-remove": Door(STATIONS, RULE, post=True),
    # drivers
    "public:map": Door(ANYBODY),
    "public:points": Door(ANYBODY),
    "public:maintenance-ics": Door(ANYBODY, (("slug", "organization", "slug"),)),
    "public:maintenance-atom": Door(ANYBODY, (("slug", "organization", "slug"),)),
    "public:streets": Door(ANYBODY),
    "public:site": Door(ANYBODY, SITE),
    "public:status": Door(ANYBODY, (("slug", "organization", "slug"),)),
    "public:status-feed": Door(ANYBODY, (("slug", "organization", "slug"),)),
    "public:connector": Door(ANYBODY, CODE),
    "public:connector-slash": Door(ANYBODY, CODE),
    "public:pay": Door(ANYBODY, CODE, post=True),
    "public:subscribe": Door(ANYBODY, CODE, post=True),
    "public:try-it": Door(ANYBODY),
    "public:voucher": Door(ANYBODY, CODE, post=True),
    "public:scanned": Door(ANYBODY, (("identity", "station", "identity"), ("evse", "connector", "number"))),
    "public:balance": Door(ANYBODY),
    "public:top-up": Door(ANYBODY, post=True),
    "public:balance-use": Door(ANYBODY, post=True),
    "public:statement": Door(KEY, STATEMENT),
    "public:statement-pdf": Door(KEY, STATEMENT),
    "public:statement-pay": Door(KEY, STATEMENT, post=True),
    "public:start": Door(DRIVER, CODE, post=True),
    "public:debt": Door(KEY, DEBT),
    "public:debt-pay": Door(KEY, DEBT, post=True),
    "public:debt-renew": Door(KEY, DEBT, post=True),
    "public:statement-renew": Door(KEY, STATEMENT, post=True),
    "public:debt-card": Door(DRIVER, DEBT, post=True),
    "public:collection-back": Door(KEY, COLLECTION),
    "public:sign-in": Door(ANYBODY),
    "public:enter": Door(DRIVER, (("token", "driver", "email"),)),  # a signed link of its own
    "public:sign-out": Door(ANYBODY, post=True),
    "public:account": Door(DRIVER),
    "public:account-slash": Door(ANYBODY),
    "public:visits": Door(DRIVER),
    "public:profile": Door(DRIVER, post=True),
    "public:card-new": Door(DRIVER, post=True),
    "public:card-back": Door(KEY, SETUP),
    "public:card-usual": Door(DRIVER, METHOD, post=True),
    "public:card-remove": Door(DRIVER, METHOD, post=True),
    "public:token-new": Door(DRIVER, post=True),
    "public:token-pay": Door(DRIVER, TOKEN, post=True),
    "public:token-remove": Door(DRIVER, TOKEN, post=True),
    "public:car-ask": Door(DRIVER, post=True),
    "public:car-confirm": Door(DRIVER, ENROLMENT, post=True),
    "public:car-end": Door(DRIVER, ENROLMENT, post=True),
    "public:session": Door(KEY, PAYMENT),
    "public:stop": Door(KEY, PAYMENT, post=True),
    "payment-back": Door(KEY, PAYMENT),
    "public:find-receipt": Door(ANYBODY),
    "public:receipt": Door(KEY, RECEIPT),
    "public:receipt-pdf": Door(KEY, RECEIPT),
    "incident-have": Door(KEY, (("token", "telling", "token"),)),
    "subscription-confirm": Door(KEY, (("token", "destination", "token"),)),
    "unsubscribe": Door(KEY, (("token", "subscription", "token"),)),
    # machines and everybody
    "log-bring": Door(ANYBODY, (("token", "upload", "token_digest"),), post=True),  # and tests/stations/test_files.py
    "log-bring-named": Door(ANYBODY, (("token", "upload", "token_digest"), ("name", "upload", "file_name")), post=True),
    "firmware-fetch": Door(ANYBODY, (("token", "firmware", "token"), ("name", "firmware", "version"))),
    "healthz": Door(ANYBODY),
    "favicon": Door(ANYBODY),
    "login": Door(ANYBODY),
    "login-slash": Door(ANYBODY),
    "stripe-webhook": Door(ANYBODY, post=True),
    "notifications": Door(INCIDENTS),
    "notification": Door(INCIDENTS, (("public_id", "notification", "public_id"),)),
    "notification-replay": Door(PEOPLE, (("public_id", "notification", "public_id"),), post=True),
    "dead-addresses": Door(PEOPLE),
    "wordings": Door(PEOPLE),
    "wording": Door(PEOPLE, query="template=test&language=en"),
    "wording-preview": Door(PEOPLE, post=True, query="template=test&language=en"),
    "sms-status": Door(ANYBODY, post=True),
    "mail-status": Door(ANYBODY, (("provider", "station", "identity"),), post=True),
    "push-opened": Door(ANYBODY, post=True),
    "set_language": Door(ANYBODY, post=True),
    "api:start": Door(ANYBODY),
    "api:index": Door(ANYBODY),
    "api:nowhere": Door(ANYBODY),
    "api:schema": Door(ANYBODY),
    "api:docs": Door(ANYBODY),
}

API = {  # what writing needs; reading needs VIEW
    "api:site-list": Door(STATIONS),
    "api:site-detail": Door(STATIONS, SITE),
    "api:station-list": Door(STATIONS),
    "api:station-detail": Door(STATIONS, STATION),
    "api:station-commands": Door(COMMAND, STATION),
    "api:station-message-list": Door(STATIONS, STATION),
    "api:station-variable-list": Door(STATIONS, STATION),
    "api:evse-list": Door(STATIONS),
    "api:connector-list": Door(STATIONS),
    "api:connector-detail": Door(STATIONS, CODE),
    "api:command-detail": Door(STATIONS, (("pk", "command", "pk"),)),
    "api:session-list": Door(STATIONS),
    "api:session-detail": Door(STATIONS, SESSION),
    "api:session-samples": Door(STATIONS, SESSION),
    "api:token-list": Door(TOKENS),
    "api:token-detail": Door(TOKENS, TOKEN, level=ALL),
    "api:reservation-list": Door(COMMAND),
    "api:reservation-detail": Door(COMMAND, (("pk", "reservation", "pk"),)),
    "api:tariff-list": Door(STATIONS),
    "api:tariff-detail": Door(STATIONS, TARIFF, level=ALL),
    "api:tariff-ocpi": Door(STATIONS, TARIFF, level=ALL),
    "api:security-event-list": Door(STATIONS),
    "api:firmware-file-list": Door(STATIONS),
    "api:firmware-update-list": Door(STATIONS),
    "api:log-list": Door(STATIONS),
    "api:station-event-list": Door(STATIONS),
    "api:incident-list": Door(INCIDENTS),
    "api:incident-detail": Door(INCIDENTS, (("pk", "incident", "pk"),)),
    "api:incident-act": Door(INCIDENTS, (("pk", "incident", "pk"),), data=(("do", "resolve"),)),
    "api:on-call-list": Door(VIEW),
    "api:notification-list": Door(STATIONS),
    "api:notification-detail": Door(STATIONS, (("public_id", "notification", "public_id"),)),
}

SOCKETS = {
    "ws/live/": Door(MEMBER),
    "ws/live/stations/<str:identity>/": Door(MEMBER, STATION),
    "ws/live/sessions/<str:public_id>/": Door(MEMBER, SESSION),
    "ws/public/map/": Door(ANYBODY),
    "ws/public/c/<str:code>/": Door(ANYBODY, CODE),
    "ws/public/s/<str:public_id>/": Door(KEY, PAYMENT),
}
