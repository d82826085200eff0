"""Incidents, their time-line, and what was tried before anybody was woken."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from alerts.vocabulary import (
    EntryKind,
    IncidentKind,
    IncidentState,
    Recovery,
    RecoveryKind,
    RecoveryState,
    Severity,
    TellingKind,
)
from evcms.core import clock
from evcms.core.models import Organization, User

from .links import link_token


class Incident(models.Model):
    """One cause, one incident: `key` is unique among the open ones.

    An incident that another one explains has it as its `cause`: it stays on the list of that one and tells nobody.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, null=True, related_name="incidents")
    kind = models.CharField(_("kind"), max_length=24, choices=IncidentKind)
    key = models.CharField(max_length=120, help_text=_("What makes two reports the same trouble, such as station:17"))
    severity = models.PositiveSmallIntegerField(_("severity"), choices=Severity, default=Severity.SERIOUS)
    state = models.CharField(_("state"), max_length=12, choices=IncidentState, default=IncidentState.OPEN)
    title = models.CharField(_("title"), max_length=200)
    detail = models.JSONField(default=dict)
    cause = models.ForeignKey("self", models.SET_NULL, null=True, related_name="effects")
    rule = models.ForeignKey("alerts.Rule", models.SET_NULL, null=True, related_name="incidents")
    site = models.ForeignKey("stations.Site", models.CASCADE, null=True, related_name="+")
    station = models.ForeignKey("stations.Station", models.CASCADE, null=True, related_name="+")
    connector = models.ForeignKey("stations.Connector", models.CASCADE, null=True, related_name="+")
    stations = models.ManyToManyField("stations.Station", related_name="+", help_text=_("All that it covers"))
    assignee = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    opened_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now, help_text=_("When its cause was last seen"))
    reopened = models.PositiveIntegerField(default=0, help_text=_("How often it came back soon after it was over"))
    acknowledged_at = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(max_length=160, blank=True, help_text=_("A person, or 'system'"))
    dismissed = models.BooleanField(
        default=False, help_text=_("Resolved by a person while its cause lasted: it comes back when that changes")
    )
    recovery = models.CharField(max_length=10, choices=Recovery, default=Recovery.NONE)
    quiet_until = models.DateTimeField(null=True, help_text=_("Nobody is told before: automatic steps are under way"))
    told_at = models.DateTimeField(null=True, help_text=_("When operators were told first"))
    policy = models.ForeignKey("alerts.EscalationPolicy", models.SET_NULL, null=True, related_name="+")
    level = models.PositiveSmallIntegerField(default=0, help_text=_("Steps of the escalation chain that were told"))
    round = models.PositiveSmallIntegerField(default=0, help_text=_("How often the chain began anew"))
    telling = models.PositiveIntegerField(default=0, help_text=_("Counts the chains: each tells anew"))
    escalate_at = models.DateTimeField(null=True, help_text=_("When the next step is told"))
    public = models.BooleanField(default=False, help_text=_("Shown on the public status page"))
    public_note = models.CharField(_("note for drivers"), max_length=500, blank=True)

    class Meta:
        ordering = ("-severity", "-opened_at")
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=~models.Q(state="resolved"), name="one_open_incident_per_key"
            )
        ]
        indexes = [
            models.Index(fields=["organization", "state"], name="incidents_open"),
            models.Index(fields=["key", "-opened_at"], name="incidents_by_key"),
            models.Index(
                fields=["escalate_at"], condition=models.Q(escalate_at__isnull=False), name="incidents_to_escalate"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class IncidentEntry(models.Model):
    """A line of an incident's time-line."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=12, choices=EntryKind, default=EntryKind.FACT)
    at = models.DateTimeField(default=clock.now)
    actor = models.CharField(max_length=160, default="system")
    text = models.CharField(max_length=500)

    class Meta:
        verbose_name_plural = "incident entries"
        ordering = ("at", "id")

    def __str__(self) -> str:
        return self.text


class RecoveryStep(models.Model):
    """One automatic step against an incident, in its order; `due_at` drives it, `command_id` is what was sent last.

    `sent` counts its commands (a restart of a connector has two); `answered_at`: the last one was taken, and now the
    trouble has some time to go.
    """

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20, choices=RecoveryKind)
    state = models.CharField(max_length=10, choices=RecoveryState, default=RecoveryState.WAITING)
    station_id = models.BigIntegerField()
    connector_id = models.BigIntegerField(null=True)
    command_id = models.UUIDField(null=True, db_index=True)
    sent = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)
    detail = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ("incident_id", "position")
        constraints = [models.UniqueConstraint(fields=["incident", "position"], name="one_recovery_step")]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(state__in=["waiting", "sent"]), name="recovery_steps_due"
            ),
            models.Index(fields=["station_id", "sent_at"], name="recovery_steps_of_station"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.kind}: {self.state}"


class Telling(models.Model):
    """Somebody is to hear of an incident: written by the chain, made a message at once or put on one list in a storm.

    `step` is what makes it once ("opened:0.1" is the first level of the first round). `token` opens the page where the
    recipient acknowledges. A telling that is over without a notification was not needed any more, or could not be done.
    """

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="tellings")
    recipient = models.ForeignKey("alerts.Recipient", models.CASCADE, related_name="tellings")
    kind = models.CharField(max_length=12, choices=TellingKind)
    step = models.CharField(max_length=32)
    token = models.CharField(max_length=40, unique=True, default=link_token, editable=False)
    urgent = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)
    dropped = models.BooleanField(default=False)
    notification = models.ForeignKey("alerts.Notification", models.SET_NULL, null=True, related_name="tellings")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "recipient", "step"], name="one_telling_per_step")]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(done_at=None), name="tellings_due"),
            models.Index(fields=["recipient", "done_at"], name="tellings_of_recipient"),
        ]

    def __str__(self) -> str:
        return f"{self.recipient}: {self.kind} {self.incident_id}"
