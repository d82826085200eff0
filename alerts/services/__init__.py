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
    wake,
)
from .incidents import explain, open_incident, raise_severity, resolve_key
from .notifications import notify, replay, retry
from .recovery import recover
from .retention import prune_contacts
from .rules import preview, remove_rule, save_rule
from .sending import send_due
from .subscriptions import confirm, subscribe, tell_broken, tell_free, unsubscribe
from .telling import tell
from .tracking import told
from .trying import enable_destination, send_test
from .watching import sweep

__all__ = [
    "acknowledge",
    "acknowledge_by_link",
    "add_note",
    "assign",
    "confirm",
    "enable_destination",
    "explain",
    "notify",
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
    "tell",
    "tell_broken",
    "tell_free",
    "told",
    "unsubscribe",
    "wake",
]
