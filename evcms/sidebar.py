"""The admin's left bar: rows in groups by what somebody is looking for, not by the room that stores them."""

from typing import Any, Final

from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Model = tuple[str, Promise, str]  # app_model, title, icon (Material Symbols)

STREET: Final[list[Model]] = [
    ("stations_site", _("Sites"), "location_on"),
    ("stations_station", _("Stations"), "ev_station"),
    ("stations_connector", _("Connectors"), "power"),
    ("stations_maintenancewindow", _("Maintenance windows"), "construction"),
    ("alerts_incident", _("Incidents"), "warning"),
]
CHARGING: Final[list[Model]] = [
    ("charging_chargingsession", _("Sessions"), "bolt"),
    ("charging_attempt", _("Attempts"), "touch_app"),
    ("charging_idtoken", _("ID tokens"), "badge"),
    ("charging_driver", _("Drivers"), "directions_car"),
    ("charging_drivergroup", _("Driver groups"), "groups"),
    ("charging_reservation", _("Reservations"), "event"),
    ("charging_discrepancy", _("Discrepancies"), "difference"),
]
MONEY: Final[list[Model]] = [
    ("billing_tariff", _("Tariffs"), "sell"),
    ("billing_payment", _("Payments"), "payments"),
    ("billing_refund", _("Refunds"), "undo"),
    ("billing_bill", _("Bills"), "receipt"),
    ("billing_receipt", _("Receipts"), "receipt_long"),
    ("billing_debt", _("Debts"), "money_off"),
    ("billing_dispute", _("Disputes"), "gavel"),
    ("billing_payout", _("Payouts"), "account_balance"),
    ("billing_journalentry", _("Journal entries"), "menu_book"),
    ("billing_cardreader", _("Card readers"), "contactless"),
    ("billing_terminalreport", _("Terminal reports"), "point_of_sale"),
    ("billing_webhookevent", _("Webhooks"), "webhook"),
]
FUNDING: Final[list[Model]] = [
    ("billing_paymentmethod", _("Cards on file"), "credit_card"),
    ("billing_enrolment", _("Cars that pay by themselves"), "electric_car"),
    ("billing_fundingrule", _("Funding rules"), "rule"),
    ("billing_account", _("Accounts"), "account_balance_wallet"),
    ("billing_statement", _("Statements"), "request_quote"),
    ("billing_voucher", _("Vouchers"), "redeem"),
    ("billing_collection", _("Collections"), "savings"),
]
PEOPLE: Final[list[Model]] = [
    ("core_user", _("Users"), "person"),
    ("core_organization", _("Organizations"), "apartment"),
    ("core_membership", _("Memberships"), "group"),
    ("core_apitoken", _("API tokens"), "key"),
    ("core_auditentry", _("Audit log"), "history"),
]
MACHINERY: Final[list[Model]] = [
    ("stations_gateway", _("Gateways"), "router"),
    ("stations_connection", _("Connections"), "cable"),
    ("stations_ocppmessage", _("OCPP messages"), "forum"),
    ("stations_command", _("Commands"), "terminal"),
    ("stations_securityevent", _("Security events"), "gpp_maybe"),
    ("stations_stationevent", _("Station events"), "monitor_heart"),
    ("stations_stationnote", _("Notes"), "sticky_note_2"),
    ("stations_notephoto", _("Photos of notes"), "photo_camera"),
    ("stations_firmwareupdate", _("Firmware updates"), "system_update"),
    ("stations_logupload", _("Logs"), "description"),
    ("stations_refusedhandshake", _("Refused handshakes"), "block"),
    ("charging_sessionwatch", _("Session watches"), "visibility"),
    ("core_event", _("Events"), "campaign"),
    ("core_delivery", _("Deliveries"), "outbox"),
    ("alerts_notification", _("Notifications"), "mail"),
]
GROUPS: Final = (
    (_("Network"), STREET),
    (_("Charging"), CHARGING),
    (_("Money"), MONEY),
    (_("Ways to pay"), FUNDING),
    (_("People"), PEOPLE),
    (_("Machinery"), MACHINERY),
)


def groups() -> list[dict[str, Any]]:
    """Unfold's SIDEBAR.navigation; what is not in it stays under "All applications". Any: Unfold's format."""
    return [
        {"title": title, "separator": True, "collapsible": True, "items": [_item(*model) for model in models]}
        for title, models in GROUPS
    ]


def _item(model: str, title: Promise, icon: str) -> dict[str, Any]:
    """Any: Unfold's format."""
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}
