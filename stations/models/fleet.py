"""Many stations at once: views of the list that people keep, and work on a selection, a line for each station."""

import uuid
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from evcms.core import clock
from evcms.core.models import Membership, Organization, User

from .street import Station


class SavedView(models.Model):
    """A filter of the station list under a name: its maker's own, or shared with the organization."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="saved_views")
    user = models.ForeignKey(User, models.CASCADE, related_name="saved_views")
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(max_length=600, blank=True, help_text=_("The list's address after the question mark"))
    shared = models.BooleanField(_("for everybody here"), default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("name", "pk")
        constraints = [models.UniqueConstraint(fields=["organization", "user", "name"], name="one_view_of_a_name")]

    def __str__(self) -> str:
        return self.name


class FirstView(models.Model):
    """Which view a member sees when the list opens."""

    membership = models.OneToOneField(Membership, models.CASCADE, primary_key=True, related_name="+")
    view = models.ForeignKey(SavedView, models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.membership_id}: {self.view}"


class BulkKind(models.TextChoices):
    RESET_SOFT = "reset_soft", _("Restart when idle")
    RESET_HARD = "reset_hard", _("Restart at once")
    UNAVAILABLE = "unavailable", _("Take out of service")
    AVAILABLE = "available", _("Put into service")
    FIRMWARE = "firmware", _("Update firmware")
    VARIABLE = "variable", _("Set a variable")
    MAINTENANCE = "maintenance", _("Plan maintenance")
    SITE = "site", _("Move to a site")
    TAG = "tag", _("Add tags")
    UNTAG = "untag", _("Remove a tag")
    ARCHIVE = "archive", _("Archive")


class BulkState(models.TextChoices):
    DRAFT = "draft", _("not confirmed")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    CANCELLED = "cancelled", _("cancelled")


BULK_MOVES: Final = {
    BulkState.DRAFT: frozenset({BulkState.RUNNING, BulkState.CANCELLED}),
    BulkState.RUNNING: frozenset({BulkState.DONE, BulkState.CANCELLED}),
    BulkState.DONE: frozenset[BulkState](),
    BulkState.CANCELLED: frozenset[BulkState](),
}


class LineState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    SENT = "sent", _("sent")  # the station has its command and has not answered yet
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    REFUSED = "refused", _("left out")  # by ourselves, and `detail` says why
    CANCELLED = "cancelled", _("cancelled")


class BulkAction(models.Model):
    """One thing done to many stations. A draft is the preview: its lines are the selection as it was looked at.

    `due_at` drives it once confirmed, and is a lease while a worker is at it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="bulk_actions")
    membership = models.ForeignKey(Membership, models.SET_NULL, null=True, related_name="+")
    actor = models.CharField(max_length=160)
    kind = models.CharField(_("what"), max_length=12, choices=BulkKind)
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=BulkState, default=BulkState.DRAFT)
    created_at = models.DateTimeField(default=clock.now)
    confirmed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="bulk_to_do"),
            models.Index(fields=["organization", "-created_at"], name="bulk_of_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.created_at:%F %T} UTC"


class BulkLine(models.Model):
    """What becomes of one station of it."""

    action = models.ForeignKey(BulkAction, models.CASCADE, related_name="lines")
    station = models.ForeignKey(Station, models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=LineState, default=LineState.WAITING)
    detail = models.CharField(max_length=255, blank=True)
    command_id = models.UUIDField(null=True)
    at = models.DateTimeField(default=clock.now, help_text=_("Since when it is so"))

    class Meta:
        ordering = ("pk",)
        constraints = [models.UniqueConstraint(fields=["action", "station"], name="one_line_per_station")]
        indexes = [models.Index(fields=["action", "state"], name="bulk_lines_by_state")]

    def __str__(self) -> str:
        return f"{self.station_id}: {self.state}"
