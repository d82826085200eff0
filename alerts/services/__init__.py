"""What alerts does: incidents, notifications, subscriptions."""

from .contacts import remove_contact, save_contact
from .incidents import acknowledge, add_note, assign, open_incident, resolve, resolve_key
from .notifications import notify, retry, send_due
from .retention import prune_contacts
from .subscriptions import confirm, subscribe, tell_broken, tell_free, unsubscribe
from .watching import sweep

__all__ = [
    "acknowledge",
    "add_note",
    "assign",
    "confirm",
    "notify",
    "open_incident",
    "prune_contacts",
    "remove_contact",
    "resolve",
    "resolve_key",
    "retry",
    "save_contact",
    "send_due",
    "subscribe",
    "sweep",
    "tell_broken",
    "tell_free",
    "unsubscribe",
]
