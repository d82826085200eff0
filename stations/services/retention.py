"""What is thrown away when it is old."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction

from evcms.core import clock, retention
from stations import files
from stations.commands import FLEETING
from stations.models import (
    Command,
    FirmwareUpdate,
    LogUpload,
    OcppMessage,
    RefusedHandshake,
    SecurityEvent,
    StationEvent,
)

if TYPE_CHECKING:
    from django.db.models import QuerySet

BATCH: Final = 5_000  # rows in a transaction, so that chargers are not kept waiting
MOST_BATCHES: Final = 200  # in one run; the next goes on
FLEETING_LIVES: Final = timedelta(days=1)


def prune_messages() -> int:
    """Removes exchanges and refused handshakes older than RETENTION_MESSAGES_DAYS (0: keeps all); returns how many."""
    if not settings.RETENTION_MESSAGES_DAYS:
        return 0
    border = clock.now() - timedelta(days=settings.RETENTION_MESSAGES_DAYS)
    removed = RefusedHandshake.objects.filter(last_at__lt=border).delete()[0]
    for _batch in range(MOST_BATCHES):
        gone = _prune_batch(border)
        removed += gone
        if gone < BATCH:
            break
    return removed


def _prune_batch(border: object) -> int:
    with transaction.atomic():
        old = OcppMessage.objects.filter(at__lt=border).order_by("at").values_list("pk", flat=True)
        ids = list(old[:BATCH])
        return OcppMessage.objects.filter(pk__in=ids).delete()[0] if ids else 0


def prune_fleeting() -> int:
    """Removes yesterday's commands that only told a display something; the message log keeps what was said."""
    border, removed = clock.now() - FLEETING_LIVES, 0
    for _batch in range(MOST_BATCHES):
        with transaction.atomic():
            old = Command.objects.filter(kind__in=FLEETING, expires_at__lt=border).order_by("created_at")
            ids = list(old.values_list("pk", flat=True)[:BATCH])
            OcppMessage.objects.filter(command_id__in=ids).update(command=None)
            Command.objects.filter(pk__in=ids).delete()
        removed += len(ids)
        if len(ids) < BATCH:
            break
    return removed


def prune_reports() -> int:
    """Removes what stations reported before RETENTION_REPORTS_DAYS (0: keeps all); returns how many rows."""
    border = retention.border(settings.RETENTION_REPORTS_DAYS)
    if border is None:
        return 0
    old = (
        SecurityEvent.objects.filter(received_at__lt=border),
        StationEvent.objects.filter(received_at__lt=border, standing=False),
        FirmwareUpdate.objects.filter(ended_at__lt=border),
        LogUpload.objects.filter(ended_at__lt=border, path=""),  # its file goes first
    )
    return sum(retention.in_batches(rows, lambda batch: batch.delete()) for rows in old)


def prune_files() -> int:
    """Removes log files stored before RETENTION_FILES_DAYS (0: keeps all); their rows stay. Returns how many."""
    border = retention.border(settings.RETENTION_FILES_DAYS)
    if border is None:
        return 0
    return retention.in_batches(LogUpload.objects.exclude(path="").filter(stored_at__lt=border), _forget_files)


def _forget_files(batch: "QuerySet[LogUpload]") -> None:
    """A row that lost its name for a file that is still there would keep it for ever, so the file goes first."""
    for path in batch.values_list("path", flat=True):
        files.remove(path)
    batch.update(path="")
