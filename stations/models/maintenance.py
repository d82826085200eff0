"""Planned work."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from evcms.core import clock
from evcms.core.models import Organization, User

from .street import Site, Station


class WindowState(models.TextChoices):
    PLANNED = "planned", _("planned")
    RUNNING = "running", _("running")
    ENDED = "ended", _("ended")
    CANCELLED = "cancelled", _("cancelled")


class MaintenanceWindow(models.Model):
    """Planned work on a station, a site, or (neither) the whole organization."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="maintenance_windows")
    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True, related_name="maintenance_windows")
    station = models.ForeignKey(Station, models.CASCADE, null=True, blank=True, related_name="maintenance_windows")
    title = models.CharField(_("what is done"), max_length=160)
    note = models.TextField(_("note for drivers"), blank=True)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    state = models.CharField(max_length=10, choices=WindowState, default=WindowState.PLANNED)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("starts_at",)
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="window_has_length")
        ]

    def __str__(self) -> str:
        return self.title

    def covers(self, moment: datetime) -> bool:
        return self.state in (WindowState.PLANNED, WindowState.RUNNING) and self.starts_at <= moment < self.ends_at
