"""Our words for trouble and for telling people about it."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class IncidentKind(models.TextChoices):
    STATION_OFFLINE = "station_offline", _("Station offline")
    GATEWAY_LOST = "gateway_lost", _("Charger gateway lost")
    CONNECTOR_FAULTED = "connector_faulted", _("Connector faulted")
    STATION_FAULTED = "station_faulted", _("Station faulted")
    METER = "meter", _("Readings do not add up")
    DEAD_DELIVERY = "dead_delivery", _("Internal delivery failed")
    BILL_REVIEW = "bill_review", _("A price waits for a person")
    PAYMENT_FAILED = "payment_failed", _("Payment could not be completed")
    DISPUTE = "dispute", _("A payment is disputed")
    REFUND_WAITING = "refund_waiting", _("A refund waits for a second person")


class Severity(models.IntegerChoices):
    INFO = 1, _("Info")
    WARNING = 2, _("Warning")
    SERIOUS = 3, _("Serious")
    CRITICAL = 4, _("Critical")


class IncidentState(models.TextChoices):
    OPEN = "open", _("Open")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    RESOLVED = "resolved", _("Resolved")


INCIDENT_MOVES: dict[IncidentState, frozenset[IncidentState]] = {
    IncidentState.OPEN: frozenset({IncidentState.ACKNOWLEDGED, IncidentState.RESOLVED}),
    IncidentState.ACKNOWLEDGED: frozenset({IncidentState.RESOLVED}),
    IncidentState.RESOLVED: frozenset(),
}


class Topic(models.TextChoices):
    """What a driver may subscribe to at a connector."""

    FREE = "free", _("free again")
    BROKEN = "broken", _("broken")


class NotificationState(models.TextChoices):
    QUEUED = "queued", _("queued")
    SENDING = "sending", _("sending")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")


NOTIFICATION_MOVES: dict[NotificationState, frozenset[NotificationState]] = {
    NotificationState.QUEUED: frozenset({NotificationState.SENDING, NotificationState.FAILED}),
    NotificationState.SENDING: frozenset({NotificationState.SENT, NotificationState.QUEUED, NotificationState.FAILED}),
    NotificationState.SENT: frozenset(),
    NotificationState.FAILED: frozenset({NotificationState.QUEUED}),
}
