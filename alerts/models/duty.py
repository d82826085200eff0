"""Who is woken, and who next: escalation chains and on-call rotas."""

from datetime import time

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from alerts.vocabulary import Severity
from evcms.core import clock
from evcms.core.models import Organization


class OnCallSchedule(models.Model):
    """A rota: its turns follow each other, each `turn_days` long, handed over at `hand_over_at` in `time_zone`."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="on_call_schedules")
    name = models.CharField(_("name"), max_length=80)
    time_zone = models.CharField(_("time zone"), max_length=64)
    starts_on = models.DateField(_("first day"))
    turn_days = models.PositiveSmallIntegerField(_("days a turn"), default=7, validators=[MinValueValidator(1)])
    hand_over_at = models.TimeField(_("hand-over at"), default=time(9))

    class Meta:
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="one_schedule_name")]

    def __str__(self) -> str:
        return self.name


class OnCallTurn(models.Model):
    """A person's place in the rota."""

    schedule = models.ForeignKey(OnCallSchedule, models.CASCADE, related_name="turns")
    position = models.PositiveSmallIntegerField()
    recipient = models.ForeignKey("alerts.Recipient", models.CASCADE, related_name="+")

    class Meta:
        ordering = ("schedule_id", "position")
        constraints = [models.UniqueConstraint(fields=["schedule", "position"], name="one_turn_per_position")]

    def __str__(self) -> str:
        return f"{self.position}. {self.recipient}"


class OnCallOverride(models.Model):
    """Somebody stands in for a while."""

    schedule = models.ForeignKey(OnCallSchedule, models.CASCADE, related_name="overrides")
    recipient = models.ForeignKey("alerts.Recipient", models.CASCADE, related_name="+")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("starts_at",)
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="override_has_length")
        ]

    def __str__(self) -> str:
        return f"{self.recipient} {self.starts_at:%F %H:%M}"


class EscalationPolicy(models.Model):
    """A chain: its levels are told one after the other until somebody acknowledges; then it begins anew `repeat` times.

    The organization's default one serves incidents whose rule names none. Without any, everybody is told at once.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="escalation_policies")
    name = models.CharField(_("name"), max_length=80)
    default = models.BooleanField(_("for all that name no other"), default=False)
    least_severity = models.PositiveSmallIntegerField(_("from severity"), choices=Severity, default=Severity.SERIOUS)
    repeat = models.PositiveSmallIntegerField(_("repeat"), default=1)

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "escalation policies"
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="one_policy_name"),
            models.UniqueConstraint(
                fields=["organization"], condition=models.Q(default=True), name="one_default_policy"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class EscalationLevel(models.Model):
    """One step: whoever is on call by `schedule`, or `recipient`, `after_minutes` after the step before."""

    policy = models.ForeignKey(EscalationPolicy, models.CASCADE, related_name="levels")
    position = models.PositiveSmallIntegerField()
    after_minutes = models.PositiveSmallIntegerField(_("minutes after the step before"), default=15)
    schedule = models.ForeignKey(OnCallSchedule, models.CASCADE, null=True, blank=True, related_name="+")
    recipient = models.ForeignKey("alerts.Recipient", models.CASCADE, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("policy_id", "position")
        constraints = [
            models.UniqueConstraint(fields=["policy", "position"], name="one_level_per_position"),
            models.CheckConstraint(
                condition=models.Q(schedule__isnull=True) ^ models.Q(recipient__isnull=True),
                name="level_has_one_target",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.schedule or self.recipient}"


class AlertSettings(models.Model):
    """What an organization decides once about alerts. No row: as the defaults here."""

    organization = models.OneToOneField(Organization, models.CASCADE, related_name="alert_settings")
    automatic_recovery = models.BooleanField(
        _("stations are helped automatically"),
        default=True,
        help_text=_("Off: no rule sends anything to a station; people are told at once."),
    )
    status_page = models.BooleanField(
        _("public status page"), default=False, help_text=_("Anybody may see how the network is, and public incidents.")
    )
    announce_days = models.PositiveSmallIntegerField(
        _("planned work is told so many days ahead"),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(30)],
        help_text=_("To drivers who asked, and to those who often charge there. What begins sooner is told at once."),
    )
    status_intro = models.CharField(_("a sentence for drivers"), max_length=300, blank=True)

    class Meta:
        verbose_name_plural = "alert settings"

    def __str__(self) -> str:
        return str(self.organization)
