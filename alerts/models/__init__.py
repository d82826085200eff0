"""Rows of alerts: trouble (incidents, rules, duty), people (recipients, wishes) and what they were told (messages)."""

from .duty import AlertSettings, EscalationLevel, EscalationPolicy, OnCallOverride, OnCallSchedule, OnCallTurn
from .early import ConnectorHealth
from .following import Following, KnownPrice, Outage
from .incidents import Incident, IncidentEntry, RecoveryStep, Telling
from .messages import DeliveryAttempt, MessageTemplate, Notification
from .people import Asked, Destination, Offer, PhoneCode, Recipient, Subscription
from .reports import ProblemReport
from .rules import Rule
from .wellness import StationHealth
from .works import Announcement

__all__ = [
    "AlertSettings",
    "Announcement",
    "Asked",
    "ConnectorHealth",
    "DeliveryAttempt",
    "Destination",
    "EscalationLevel",
    "EscalationPolicy",
    "Following",
    "Incident",
    "IncidentEntry",
    "KnownPrice",
    "MessageTemplate",
    "Notification",
    "Offer",
    "OnCallOverride",
    "OnCallSchedule",
    "OnCallTurn",
    "Outage",
    "PhoneCode",
    "ProblemReport",
    "Recipient",
    "RecoveryStep",
    "Rule",
    "StationHealth",
    "Subscription",
    "Telling",
]
