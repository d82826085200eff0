"""Tables that people brought: staged as they came, checked line by line by a worker, stored by it in lots."""

import uuid
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from evcms.core import clock
from evcms.core.models import Membership, Organization


class ImportState(models.TextChoices):
    CHECKING = "checking", _("being checked")
    WRONG = "wrong", _("refused")
    CHECKED = "checked", _("good, not stored")
    STORING = "storing", _("being stored")
    DONE = "done", _("stored")
    STOPPED = "stopped", _("stopped")
    CANCELLED = "cancelled", _("cancelled")


IMPORT_MOVES: Final = {
    ImportState.CHECKING: frozenset(
        {ImportState.CHECKED, ImportState.WRONG, ImportState.STOPPED, ImportState.CANCELLED}
    ),
    ImportState.CHECKED: frozenset({ImportState.STORING, ImportState.CANCELLED}),
    ImportState.STORING: frozenset({ImportState.DONE, ImportState.STOPPED, ImportState.CANCELLED}),
    ImportState.WRONG: frozenset[ImportState](),
    ImportState.DONE: frozenset[ImportState](),
    ImportState.STOPPED: frozenset[ImportState](),
    ImportState.CANCELLED: frozenset[ImportState](),
}


class ImportRun(models.Model):
    """One file. `due_at` drives it and is a lease while a worker is at it; null: it waits for a person, or is over.

    The worker that renews `due_at` owns the run: who finds another value there than its own has lost it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="imports")
    membership = models.ForeignKey(Membership, models.SET_NULL, null=True, related_name="+")
    actor = models.CharField(max_length=160)
    name = models.CharField(_("file"), max_length=120)
    content = models.BinaryField(default=b"", help_text=_("The file; empty when it is over"))
    state = models.CharField(max_length=10, choices=ImportState, default=ImportState.CHECKING)
    rows = models.PositiveIntegerField(default=0, help_text=_("Filled lines; 0: not read yet"))
    done = models.PositiveIntegerField(default=0, help_text=_("Rows that are checked, or stored"))
    made = models.JSONField(default=dict, help_text=_("New sites, stations, connectors"))
    changed = models.JSONField(default=dict)
    encoding = models.CharField(max_length=20, blank=True, help_text=_("How its letters were written"))
    letters = models.CharField(max_length=220, blank=True, help_text=_("Some of its words with letters beyond ASCII"))
    error = models.CharField(max_length=1000, blank=True, help_text=_("Why it was refused, or stopped"))
    tries = models.PositiveSmallIntegerField(default=0, help_text=_("Since it last came further"))
    created_at = models.DateTimeField(default=clock.now)
    confirmed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, default=clock.now)

    class Meta:
        ordering = ("-created_at",)
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="imports_to_do"),
            models.Index(fields=["organization", "-created_at"], name="imports_of_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.created_at:%F %T} UTC"


class ImportFault(models.Model):
    """What is wrong with a line of it."""

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="faults")
    line = models.PositiveIntegerField(help_text=_("As an editor or a spreadsheet counts"))
    column = models.CharField(max_length=40, blank=True)
    text = models.CharField(max_length=300)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.line} {self.column}: {self.text}"


class ImportKind(models.TextChoices):
    SITE = "site", _("site")
    STATION = "station", _("station")
    CONNECTOR = "connector", _("connector")


class ImportChange(models.Model):
    """What a line makes new (`column` empty; sites and stations), or changes of what is there: a cell."""

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="changes")
    line = models.PositiveIntegerField(help_text=_("As an editor or a spreadsheet counts"))
    kind = models.CharField(max_length=10, choices=ImportKind)
    name = models.CharField(max_length=255, help_text=_("The site's name, the station's identity, of a connector both"))
    column = models.CharField(max_length=40, blank=True)
    before = models.CharField(max_length=200, blank=True)
    after = models.CharField(max_length=200, blank=True)
    moves = models.BooleanField(default=False, help_text=_("A station that would stand at another site"))

    class Meta:
        ordering = ("-moves", "pk")
        indexes = [models.Index(fields=["run", "-moves", "id"], name="import_changes_of_run")]

    def __str__(self) -> str:
        return f"{self.line} {self.name} {self.column}: {self.before} → {self.after}"
