"""One palette for every state that a page shows: our word → hue, icon (the shape), the word to read."""

import enum
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _


class Look(NamedTuple):
    """`hue` is one of the seven `ev-st-*` classes of components.css."""

    hue: str
    icon: str
    word: str | Promise


HUES = ("available", "charging", "reserved", "suspended", "faulted", "offline", "maintenance")

LOOKS: dict[str, Look] = {
    # connectors and stations
    "available": Look("available", "circle-check", _("Available")),
    "online": Look("available", "wifi", _("Online")),
    "connected": Look("available", "wifi", _("Connected")),
    "preparing": Look("charging", "plug-connected", _("Preparing")),
    "occupied": Look("charging", "car", _("In use")),
    "charging": Look("charging", "bolt", _("Charging")),
    "discharging": Look("charging", "battery-charging", _("Discharging")),
    "reserved": Look("reserved", "bookmark", _("Reserved")),
    "suspended": Look("suspended", "player-pause", _("Paused")),
    "suspended_ev": Look("suspended", "player-pause", _("Paused by the car")),
    "suspended_evse": Look("suspended", "player-pause", _("Paused by the station")),
    "finishing": Look("suspended", "plug", _("Finishing")),
    "idle": Look("suspended", "parking", _("Idle")),
    "closing": Look("maintenance", "clock-pause", _("Closing")),
    "unavailable": Look("offline", "ban", _("Out of service")),
    "inoperative": Look("offline", "ban", _("Out of service")),
    "faulted": Look("faulted", "alert-triangle", _("Faulted")),
    "offline": Look("offline", "wifi-off", _("Offline")),
    "never_connected": Look("offline", "clock", _("Not yet connected")),
    "unknown": Look("offline", "help", _("Unknown")),
    "maintenance": Look("maintenance", "tool", _("Maintenance")),
    "planned": Look("maintenance", "calendar-event", _("Planned")),
    "archived": Look("offline", "archive", _("Archived")),
    "quarantined": Look("suspended", "shield-exclamation", _("Waiting for approval")),
    # commands and messages
    "queued": Look("offline", "clock", _("Waiting")),
    "pending": Look("suspended", "hourglass", _("Pending")),
    "sent": Look("charging", "send", _("Sent")),
    "accepted": Look("available", "check", _("Accepted")),
    "rejected": Look("faulted", "x", _("Rejected")),
    "scheduled": Look("suspended", "calendar-time", _("Scheduled")),
    "timeout": Look("suspended", "clock-off", _("No answer in time")),
    "timed_out": Look("suspended", "clock-off", _("No answer in time")),
    "expired": Look("offline", "clock-off", _("Expired")),
    "callerror": Look("faulted", "alert-circle", _("Error")),
    "result": Look("available", "check", _("Answered")),
    "waiting": Look("suspended", "hourglass", _("Waiting")),
    "ignored": Look("offline", "circle-minus", _("Ignored")),
    "error": Look("faulted", "alert-circle", _("Error")),
    "unsupported": Look("offline", "ban", _("Not supported")),
    "not_supported": Look("offline", "ban", _("Not supported")),
    # sessions
    "requested": Look("suspended", "hourglass", _("Starting")),
    "starting": Look("suspended", "hourglass", _("Starting")),
    "active": Look("available", "activity", _("Active")),
    "running": Look("charging", "bolt", _("Running")),
    "stopping": Look("suspended", "player-stop", _("Stopping")),
    "started": Look("charging", "bolt", _("Started")),
    "refused": Look("faulted", "x", _("Refused")),
    "used": Look("available", "check", _("Used")),
    "ended": Look("offline", "circle-check", _("Ended")),
    "completed": Look("available", "circle-check", _("Completed")),
    "incomplete": Look("suspended", "progress", _("Incomplete")),
    "review": Look("suspended", "eye", _("Needs review")),
    "failed": Look("faulted", "circle-x", _("Failed")),
    "cancelled": Look("offline", "circle-x", _("Cancelled")),
    "canceled": Look("offline", "circle-x", _("Cancelled")),
    # money
    "open": Look("faulted", "circle-dot", _("Open")),
    "created": Look("offline", "circle-dot", _("Created")),
    "checkout": Look("suspended", "credit-card", _("Waiting for the driver")),
    "due": Look("charging", "progress", _("To be charged")),
    "unpaid": Look("faulted", "alert-circle", _("Unpaid")),
    "authorized": Look("reserved", "lock", _("On hold")),
    "held": Look("reserved", "lock", _("On hold")),
    "capturing": Look("charging", "progress", _("Collecting")),
    "captured": Look("available", "check", _("Paid")),
    "paid": Look("available", "check", _("Paid")),
    "invoiced": Look("charging", "file-invoice", _("Invoiced")),
    "settled": Look("available", "checks", _("Settled")),
    "released": Look("offline", "lock-open", _("Released")),
    "releasing": Look("offline", "progress", _("Releasing")),
    "refunded": Look("offline", "receipt-refund", _("Refunded")),
    "disputed": Look("faulted", "gavel", _("Disputed")),
    "declined": Look("faulted", "credit-card-off", _("Declined")),
    "free": Look("available", "circle-check", _("Free")),
    "waived": Look("offline", "circle-minus", _("Let go")),
    "issued": Look("suspended", "file-invoice", _("Issued")),
    "done": Look("available", "check", _("Done")),
    "checking": Look("charging", "list-check", _("Being checked")),
    "checked": Look("suspended", "hourglass", _("Checked, not stored")),
    "storing": Look("charging", "device-floppy", _("Being stored")),
    "wrong": Look("faulted", "alert-triangle", _("Refused")),
    "stopped": Look("faulted", "circle-x", _("Stopped")),
    "needs_response": Look("faulted", "gavel", _("Waits for an answer")),
    "under_review": Look("suspended", "eye", _("At the bank")),
    "won": Look("available", "check", _("Won")),
    "lost": Look("faulted", "x", _("Lost")),
    "closed": Look("offline", "circle-check", _("Closed")),
    "removed": Look("offline", "circle-minus", _("Removed")),
    "asked": Look("suspended", "hourglass", _("Asked")),
    "offered": Look("suspended", "hourglass", _("Offered")),
    # what a payment's time-line tells beside its states
    "start_requested": Look("suspended", "hourglass", _("Start requested")),
    "session_started": Look("charging", "bolt", _("Session started")),
    # incidents
    "acknowledged": Look("suspended", "hand-stop", _("Acknowledged")),
    "resolved": Look("available", "circle-check", _("Resolved")),
    "critical": Look("faulted", "alert-octagon", _("Critical")),
    "serious": Look("faulted", "alert-triangle", _("Serious")),
    "major": Look("faulted", "alert-triangle", _("Major")),
    "high": Look("faulted", "alert-triangle", _("High")),
    "warning": Look("suspended", "alert-triangle", _("Warning")),
    "minor": Look("suspended", "alert-circle", _("Minor")),
    "low": Look("suspended", "alert-circle", _("Low")),
    "info": Look("charging", "info-circle", _("Info")),
    # tokens, subscriptions, deliveries
    "blocked": Look("faulted", "lock", _("Blocked")),
    "invalid": Look("faulted", "x", _("Invalid")),
    "inactive": Look("offline", "circle-minus", _("Inactive")),
    "confirmed": Look("available", "mail-check", _("Confirmed")),
    "delivered": Look("available", "mail-check", _("Delivered")),
    "opened": Look("available", "mail-opened", _("Opened")),
    "merged": Look("offline", "mail", _("Part of another message")),
    "dead": Look("faulted", "mail-off", _("Given up")),
    "sending": Look("charging", "send", _("Sending")),
    "broken": Look("faulted", "tool", _("Broken")),
    "concurrent": Look("suspended", "users", _("Already charging elsewhere")),
    "no_credit": Look("suspended", "wallet", _("No credit")),
    "bounced": Look("faulted", "mail-off", _("Bounced")),
    "complained": Look("faulted", "mail-off", _("Called spam")),
}


SPELLINGS = {"suspendedev": "suspended_ev", "suspendedevse": "suspended_evse", "outofservice": "unavailable"}
SEVERITIES = {1: "info", 2: "warning", 3: "serious", 4: "critical"}


def look(status: object) -> Look:
    """The look of a state: an enum member, a model's choice, a severity, or a word in any spelling.

    A word that the table does not know is shown as it is, in grey with a question mark, never lost.
    """
    value = status.value if isinstance(status, enum.Enum) else status
    word = SEVERITIES.get(value, "unknown") if isinstance(value, int) else str(value or "unknown")
    key = word.strip().lower().replace("-", "_").replace(" ", "_")
    known = LOOKS.get(key) or LOOKS.get(SPELLINGS.get(key.replace("_", ""), ""))
    return known or Look("offline", "question-mark", capfirst(word.replace("_", " ")))
