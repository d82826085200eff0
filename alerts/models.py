"""Incidents and their time-line; drivers' subscriptions; every notification and every try to send it."""

import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _

from evcms.core import clock
from evcms.core.models import Organization, User

from .vocabulary import IncidentKind, IncidentState, NotificationState, Severity, Topic


def link_token() -> str:
    return secrets.token_urlsafe(24)


class Incident(models.Model):
    """One cause, one incident: `key` is unique among the open ones."""

    organization = models.ForeignKey(Organization, models.CASCADE, null=True, related_name="incidents")
    kind = models.CharField(_("kind"), max_length=24, choices=IncidentKind)
    key = models.CharField(max_length=120, help_text=_("What makes two reports the same trouble, such as station:17"))
    severity = models.PositiveSmallIntegerField(_("severity"), choices=Severity, default=Severity.SERIOUS)
    state = models.CharField(_("state"), max_length=12, choices=IncidentState, default=IncidentState.OPEN)
    title = models.CharField(_("title"), max_length=200)
    detail = models.JSONField(default=dict)
    site = models.ForeignKey("stations.Site", models.CASCADE, null=True, related_name="+")
    station = models.ForeignKey("stations.Station", models.CASCADE, null=True, related_name="+")
    connector = models.ForeignKey("stations.Connector", models.CASCADE, null=True, related_name="+")
    stations = models.ManyToManyField("stations.Station", related_name="+", help_text=_("All that it covers"))
    assignee = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    opened_at = models.DateTimeField(default=clock.now)
    acknowledged_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-severity", "-opened_at")
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=~models.Q(state="resolved"), name="one_open_incident_per_key"
            )
        ]
        indexes = [models.Index(fields=["organization", "state"], name="incidents_open")]

    def __str__(self) -> str:
        return self.title


class IncidentEntry(models.Model):
    """A line of an incident's time-line."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="entries")
    at = models.DateTimeField(default=clock.now)
    actor = models.CharField(max_length=160, default="system")
    text = models.CharField(max_length=500)

    class Meta:
        verbose_name_plural = "incident entries"
        ordering = ("at", "id")

    def __str__(self) -> str:
        return self.text


class Destination(models.Model):
    """An address of a driver: proven by its owner, disabled when it bounces."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    address = models.EmailField()
    language = models.CharField(max_length=8, default="en")
    token = models.CharField(max_length=40, unique=True, default=link_token, editable=False)
    confirmed_at = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=160, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "address"], name="one_destination")]

    def __str__(self) -> str:
        return self.address


class Subscription(models.Model):
    """A driver's wish to hear of one connector. Asleep until the destination is confirmed."""

    destination = models.ForeignKey(Destination, models.CASCADE, related_name="subscriptions")
    connector = models.ForeignKey("stations.Connector", models.CASCADE, related_name="+")
    topic = models.CharField(max_length=8, choices=Topic)
    token = models.CharField(max_length=40, unique=True, default=link_token, editable=False)
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["destination", "connector", "topic"],
                condition=models.Q(ended_at=None),
                name="one_live_subscription",
            )
        ]

    def __str__(self) -> str:
        return f"{self.destination}: {self.topic}"


class OperatorContact(models.Model):
    """Who of an organization gets incident mails, from which severity on."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="alert_contacts")
    email = models.EmailField(_("e-mail"))
    least_severity = models.PositiveSmallIntegerField(_("from severity"), choices=Severity, default=Severity.SERIOUS)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "email"], name="one_contact")]

    def __str__(self) -> str:
        return self.email


class Notification(models.Model):
    """One message to one recipient, whole as it will be sent; `key` keeps a repeated event from doubling it."""

    organization = models.ForeignKey(Organization, models.CASCADE, null=True, related_name="notifications")
    key = models.CharField(max_length=120, unique=True)
    template = models.CharField(max_length=60)
    to = models.EmailField()
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField(blank=True)
    headers = models.JSONField(default=dict)
    attachments = models.JSONField(default=list, help_text=_("Names of documents made when sent, such as receipt:12"))
    state = models.CharField(max_length=8, choices=NotificationState, default=NotificationState.QUEUED)
    subscription = models.ForeignKey(Subscription, models.SET_NULL, null=True, related_name="notifications")
    incident = models.ForeignKey(Incident, models.SET_NULL, null=True, related_name="notifications")
    created_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["state", "due_at"], name="notifications_to_send")]

    def __str__(self) -> str:
        return f"{self.template} to {self.to}"


class DeliveryAttempt(models.Model):
    """One try to hand a notification to its provider, and the provider's word."""

    notification = models.ForeignKey(Notification, models.CASCADE, related_name="delivery_attempts")
    at = models.DateTimeField(default=clock.now)
    ok = models.BooleanField()
    detail = models.CharField(max_length=255, blank=True)

    def __str__(self) -> str:
        return f"{'ok' if self.ok else 'failed'} {self.at:%F %T}"
