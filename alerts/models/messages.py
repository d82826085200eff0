"""What people were told: every notification, every try to send it, and the words that staff changed."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from alerts.vocabulary import ChannelName, NotificationState, Outcome
from evcms.core import clock
from evcms.core.models import Organization, User

from .incidents import Incident
from .people import Destination, Recipient, Subscription


class Notification(models.Model):
    """One message to one person, whole as it will be sent by whichever channel; `key` keeps a repeat from doubling it.

    With a `recipient` its destinations are tried in their order; without one it goes to the address `to` alone.
    `public_id` is the one stable id that every attempt carries. `short` is for channels of few characters, `data` for
    machines.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, null=True, related_name="notifications")
    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=120, unique=True)
    template = models.CharField(max_length=60)
    recipient = models.ForeignKey(Recipient, models.SET_NULL, null=True, related_name="notifications")
    destination = models.ForeignKey(Destination, models.SET_NULL, null=True, related_name="notifications")
    channel = models.CharField(max_length=8, choices=ChannelName, default=ChannelName.EMAIL)
    to = models.CharField(max_length=500)
    language = models.CharField(max_length=8, default="en")
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField(blank=True)
    short = models.CharField(max_length=320, blank=True)
    page = models.CharField(max_length=500, blank=True, help_text=_("The page that it leads to"))
    data = models.JSONField(default=dict)
    headers = models.JSONField(default=dict)
    attachments = models.JSONField(default=list, help_text=_("Names of documents made when sent, such as receipt:12"))
    urgent = models.BooleanField(default=False, help_text=_("Waits for no quiet hours and no digest"))
    state = models.CharField(max_length=10, choices=NotificationState, default=NotificationState.QUEUED)
    subscription = models.ForeignKey(Subscription, models.SET_NULL, null=True, related_name="notifications")
    incident = models.ForeignKey(Incident, models.SET_NULL, null=True, related_name="notifications")
    digest = models.ForeignKey("self", models.SET_NULL, null=True, related_name="parts")
    created_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(null=True, help_text=_("Of no use afterwards: not sent any more"))
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0, help_text=_("On the present destination"))

    class Meta:
        indexes = [
            models.Index(fields=["state", "due_at"], name="notifications_to_send"),
            models.Index(fields=["recipient", "-created_at"], name="notifications_of_recipient"),
        ]

    def __str__(self) -> str:
        return f"{self.template} to {self.to}"


class DeliveryAttempt(models.Model):
    """One try to hand a notification to its provider, written before the call: one that stays STARTED met a death."""

    notification = models.ForeignKey(Notification, models.CASCADE, related_name="delivery_attempts")
    destination = models.ForeignKey(Destination, models.SET_NULL, null=True, related_name="+")
    channel = models.CharField(max_length=8, choices=ChannelName, default=ChannelName.EMAIL)
    at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.STARTED)
    provider_id = models.CharField(max_length=200, blank=True, db_index=True)
    detail = models.CharField(max_length=255, blank=True)

    def __str__(self) -> str:
        return f"{self.outcome} {self.at:%F %T}"


class MessageTemplate(models.Model):
    """Words that staff changed for one message in one language, of one organization or (null) of all.

    Each part is empty where the built-in words stay.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, null=True, blank=True, related_name="+")
    template = models.CharField(max_length=60)
    language = models.CharField(max_length=8)
    subject = models.CharField(_("subject"), max_length=300, blank=True)
    text = models.TextField(_("text"), blank=True)
    short = models.CharField(_("short form"), max_length=600, blank=True)
    updated_at = models.DateTimeField(default=clock.now)
    updated_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "template", "language"],
                condition=models.Q(organization__isnull=False),
                name="one_template_of_organization",
            ),
            models.UniqueConstraint(
                fields=["template", "language"],
                condition=models.Q(organization=None),
                name="one_template_of_all",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} ({self.language})"
