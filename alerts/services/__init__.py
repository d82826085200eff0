"""What alerts does: incidents, notifications, subscriptions."""

from .contacts import remove_contact, save_contact
from .handling import (
    acknowledge,
    acknowledge_by_link,
    add_note,
    assign,
    publish_note,
    resolve,
    snooze,
    take,
    wake,
)
from .incidents import explain, open_incident, raise_severity, resolve_key
from .notifications import notify, replay, retry
from .offers import offer_free
from .outages import look_at_outages
from .prices import compare_prices
from .recovery import recover
from .retention import prune_contacts
from .rules import preview, remove_rule, save_rule, switch_kind
from .sending import send_due
from .subscriptions import change_wish, confirm, subscribe, unsubscribe, unsubscribe_all, wish
from .telling import tell
from .tracking import told
from .trying import enable_destination, send_test
from .watching import sweep
from .wellness import judge_stations
from .works import announce

__all__ = [
    "acknowledge",
    "acknowledge_by_link",
    "add_note",
    "announce",
    "assign",
    "change_wish",
    "compare_prices",
    "confirm",
    "enable_destination",
    "explain",
    "judge_stations",
    "look_at_outages",
    "notify",
    "offer_free",
    "open_incident",
    "preview",
    "prune_contacts",
    "publish_note",
    "raise_severity",
    "recover",
    "remove_contact",
    "remove_rule",
    "replay",
    "resolve",
    "resolve_key",
    "retry",
    "save_contact",
    "save_rule",
    "send_due",
    "send_test",
    "snooze",
    "subscribe",
    "sweep",
    "switch_kind",
    "take",
    "tell",
    "told",
    "unsubscribe",
    "unsubscribe_all",
    "wake",
    "wish",
]
