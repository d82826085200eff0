"""Rows of alerts: trouble (incidents, rules, duty), people (recipients, wishes) and what they were told (messages)."""

from .duty import AlertSettings, EscalationLevel, EscalationPolicy, OnCallOverride, OnCallSchedule, OnCallTurn
from .early import ConnectorHealth
from .incidents import Incident, IncidentEntry, RecoveryStep, Telling
from .messages import DeliveryAttempt, MessageTemplate, Notification
from .people import Destination, Offer, Recipient, Subscription
from .reports import ProblemReport
from .rules import Rule

__all__ = [
    "AlertSettings",
    "ConnectorHealth",
    "DeliveryAttempt",
    "Destination",
    "EscalationLevel",
    "EscalationPolicy",
    "Incident",
    "IncidentEntry",
    "MessageTemplate",
    "Notification",
    "Offer",
    "OnCallOverride",
    "OnCallSchedule",
    "OnCallTurn",
    "ProblemReport",
    "Recipient",
    "RecoveryStep",
    "Rule",
    "Subscription",
    "Telling",
]
