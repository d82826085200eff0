"""Planned work."""

from datetime import datetime

from django.db import models
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from evcms.core import clock
from evcms.core.models import Organization, User

from .street import Connector, Site, Station


class WindowState(models.TextChoices):
    PLANNED = "planned", _("planned")
    RUNNING = "running", _("running")
    ENDED = "ended", _("ended")
    CANCELLED = "cancelled", _("cancelled")


class Rhythm(models.TextChoices):
    WEEKLY = "weekly", _("every week")
    MONTHLY = "monthly", _("every month, on the same weekday of the same week")


class MaintenancePlan(models.Model):
    """Planned work that comes again: its windows are made some weeks ahead, each of its own from then on.

    `starts_on` is the first day and says weekday and (monthly) week of the month; the fifth is the last of the month.
    `every` 2 is every other week or month. Times are of the wall clock in `time_zone`.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="maintenance_plans")
    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True, related_name="+")
    station = models.ForeignKey(Station, models.CASCADE, null=True, blank=True, related_name="+")
    title = models.CharField(_("what is done"), max_length=160)
    note = models.TextField(_("note for drivers"), blank=True)
    rhythm = models.CharField(_("how often"), max_length=8, choices=Rhythm, default=Rhythm.WEEKLY)
    every = models.PositiveSmallIntegerField(default=1)
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"), null=True, blank=True)
    at = models.TimeField(_("from"))
    minutes = models.PositiveSmallIntegerField(_("minutes"))
    time_zone = models.CharField(max_length=64)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False, help_text=_("Called off: no more windows"))
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.title

    @property
    def rhythm_words(self) -> str:
        """ "Every 2 weeks, on Monday"."""
        said = {"every": self.every, "day": WEEKDAYS[self.starts_on.weekday()]}
        if self.rhythm == Rhythm.WEEKLY:
            return ngettext("every week, on %(day)s", "every %(every)s weeks, on %(day)s", self.every) % said
        week = (self.starts_on.day - 1) // 7
        said["week"] = (_("first"), _("second"), _("third"), _("fourth"), _("last"))[week]
        return (
            ngettext(
                "every month, on its %(week)s %(day)s", "every %(every)s months, on its %(week)s %(day)s", self.every
            )
            % said
        )


class MaintenanceWindow(models.Model):
    """Planned work on a station, a site, or (neither) the whole organization.

    `slot`: the moment of its plan that it stands for, wherever it was moved since. `revision` counts its moves.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="maintenance_windows")
    plan = models.ForeignKey(MaintenancePlan, models.SET_NULL, null=True, blank=True, related_name="windows")
    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True, related_name="maintenance_windows")
    station = models.ForeignKey(Station, models.CASCADE, null=True, blank=True, related_name="maintenance_windows")
    title = models.CharField(_("what is done"), max_length=160)
    note = models.TextField(_("note for drivers"), blank=True)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    slot = models.DateTimeField(null=True, blank=True, editable=False)
    revision = models.PositiveIntegerField(default=0, editable=False)
    changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    state = models.CharField(max_length=10, choices=WindowState, default=WindowState.PLANNED)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("starts_at",)
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="window_has_length"),
            models.UniqueConstraint(fields=["plan", "slot"], name="one_window_of_plan"),
        ]

    def __str__(self) -> str:
        return self.title

    def covers(self, moment: datetime) -> bool:
        return self.state in (WindowState.PLANNED, WindowState.RUNNING) and self.starts_at <= moment < self.ends_at


class TakenState(models.TextChoices):
    WAITING = "waiting", _("waits for the car or the link")
    ASKED = "asked", _("asked")
    TAKEN = "taken", _("out of service")
    LEFT = "left", _("was out of service already")
    REFUSED = "refused", _("the station refused")
    GIVING_BACK = "giving_back", _("asked to come back")
    RESTORED = "restored", _("back in service")
    KEPT = "kept", _("left as somebody set it meanwhile")


class TakenConnector(models.Model):
    """A connector that a window takes out of service and gives back: what we did to it, and only that."""

    window = models.ForeignKey(MaintenanceWindow, models.CASCADE, related_name="taken")
    connector = models.ForeignKey(Connector, models.CASCADE, related_name="+")
    state = models.CharField(max_length=12, choices=TakenState, default=TakenState.WAITING)
    command_id = models.UUIDField(null=True, db_index=True)
    due_at = models.DateTimeField(default=clock.now, help_text=_("When it is looked at again"))
    taken_at = models.DateTimeField(null=True)
    restored_at = models.DateTimeField(null=True)
    detail = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ("connector_id",)
        constraints = [models.UniqueConstraint(fields=["window", "connector"], name="one_taking")]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(state__in=["waiting", "asked", "taken", "giving_back"]),
                name="takings_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.connector_id}: {self.state}"
