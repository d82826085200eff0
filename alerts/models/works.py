"""Planned work that drivers are to hear of."""

from django.db import models

from evcms.core import clock


class Announcement(models.Model):
    """A window of planned work is told at `due_at`; done when everybody was told of its times (`revision`).

    `again_at`: those who knew of it are to hear that it was moved, or called off; empty when they have.
    """

    window = models.OneToOneField("stations.MaintenanceWindow", models.CASCADE, primary_key=True, related_name="+")
    revision = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    again_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(done_at=None), name="announcements_due"),
            models.Index(fields=["again_at"], condition=models.Q(again_at__isnull=False), name="announcements_again"),
        ]

    def __str__(self) -> str:
        return f"window {self.window_id} at {self.due_at:%F %T}"
