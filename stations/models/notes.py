"""What people write down about a station, and the photos that they took of it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from evcms.core import clock
from evcms.core.models import User

from .street import Station


class StationNote(models.Model):
    """Append-only: a note is never changed, only removed whole, and the audit log keeps who did. `author`: the name at
    that time, which stays when the person leaves.
    """

    station = models.ForeignKey(Station, models.CASCADE, related_name="notes")
    text = models.TextField(_("note"), max_length=4000, blank=True)
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    author = models.CharField(max_length=160)
    at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("-at", "-pk")
        indexes = [models.Index(fields=["station", "-at"], name="notes_of_station")]

    def __str__(self) -> str:
        return self.text[:60] or f"{self.station} {self.at:%F %H:%M}"


class NotePhoto(models.Model):
    """Two JPEG files under FILES_DIR, made by us of what was sent: the picture and a small one for the list."""

    note = models.ForeignKey(StationNote, models.CASCADE, related_name="photos")
    caption = models.CharField(_("what it shows"), max_length=200, blank=True)
    path = models.CharField(max_length=80)
    small_path = models.CharField(max_length=80)
    width = models.PositiveIntegerField(help_text=_("Of the small one, pixels"))
    height = models.PositiveIntegerField(help_text=_("Of the small one, pixels"))

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.caption or f"{self.note} ({self.pk})"
