"""Log files that stations send when they are asked, and how far they got."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Coalesce

from evcms.core import clock
from evcms.core.events import broadcast, publish
from stations import commands
from stations.events import LogStatusChanged
from stations.models import Command, LogUpload, Station
from stations.reports import LOG_ENDS, LOG_MOVES, OPEN_LOGS, UNTOLD, LogKind, LogReport, LogState
from stations.texts import fit
from stations.vocabulary import CommandState

from .firmware import LATE, MOST_LOST, number

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

log = structlog.get_logger(__name__)

NO_NAME: Final = "the station names no file"


def log_asked(*, row: Command, command: commands.GetLog, token_digest: str) -> LogUpload:
    """The command is written: its upload begins. With a `token_digest` the file comes to our own door."""
    with transaction.atomic():
        return LogUpload.objects.create(
            station_id=row.station_id,
            kind=command.kind,
            command=row,
            request_id=command.request_id,
            location=fit(command.location, 2000),
            token_digest=token_digest,
            expires_at=row.created_at + timedelta(hours=settings.UPLOAD_OPEN_HOURS) if token_digest else None,
            oldest=command.oldest,
            latest=command.latest,
            requested_at=row.created_at,
        )


def log_command_ended(*, row: Command) -> None:
    """The station promised it, or the command came to another end. Called in the transaction that ends the command."""
    upload = LogUpload.objects.select_for_update().filter(command=row).first()
    if upload is None:
        return
    if row.state == CommandState.ACCEPTED:
        move_log(upload, LogState.ACCEPTED, clock.now())
    elif row.state in UNTOLD:
        move_log(upload, LogState.REFUSED, clock.now(), info=row.answer_status or row.error)
    else:  # no answer in time: it may have heard us all the same
        move_log(upload, LogState.LOST, clock.now(), info=row.error)


def log_promised(*, station_id: int, request_id: int, file_name: str, replaces: bool) -> None:
    """What the answer says besides: the file's name, and that requests before this one are dropped."""
    with transaction.atomic():
        uploads = _uploads(station_id)
        name = fit(file_name, 255)
        mine = uploads.filter(request_id=request_id, file_name="", path="")
        mine.update(file_name=name, info="" if name else NO_NAME)
        if replaces:
            for upload in uploads.filter(state__in=OPEN_LOGS).exclude(request_id=request_id).order_by("pk"):
                move_log(upload, LogState.CANCELLED, clock.now())


def log_reported(*, station_id: int, report: LogReport) -> None:
    """DiagnosticsStatusNotification and LogStatusNotification. Idle says that nothing is under way.

    A word about a file that we did not ask for begins a row without command.
    """
    if report.idle:
        return
    with transaction.atomic():
        if not Station.objects.filter(pk=station_id).exists():
            return
        upload = _meant(station_id, report) or LogUpload.objects.create(
            station_id=station_id,
            kind=report.kind or LogKind.DIAGNOSTICS,
            request_id=number(report.request_id),
            requested_at=report.received_at,
        )
        if report.state is None:
            log.warning("unknown log status", status=report.status[:64], station_id=station_id)
            upload.last_status, upload.status_at = fit(report.status, 64), report.received_at
            upload.save(update_fields=["last_status", "status_at"])
        else:
            move_log(upload, report.state, report.received_at, status=report.status, info=report.info)


def _uploads(station_id: int) -> "QuerySet[LogUpload]":
    return LogUpload.objects.select_for_update().filter(station_id=station_id)


def _meant(station_id: int, report: LogReport) -> LogUpload | None:
    """By its number; without one the newest that is under way, or that has just ended."""
    rows = _uploads(station_id).order_by("-requested_at", "-pk")
    request_id = number(report.request_id)
    if request_id is not None:
        return rows.filter(request_id=request_id).first()
    newest = (rows.filter(kind=report.kind) if report.kind else rows).first()
    if newest is None or newest.ended_at is None or report.received_at - newest.ended_at < LATE:
        return newest
    may_revive = report.state in LOG_MOVES[LogState(newest.state)]
    return newest if may_revive or report.status == newest.last_status else None


def move_log(upload: LogUpload, state: LogState, at: "datetime", *, status: str = "", info: str = "") -> None:
    """As far as the table allows; a step back changes nothing. A file may tell before its station."""
    if state == upload.state and status:
        upload.last_status = fit(status, 64)
        upload.save(update_fields=["last_status"])
    if state not in LOG_MOVES[LogState(upload.state)]:
        return
    upload.last_status = fit(status, 64) or upload.last_status
    upload.state = state
    upload.info = fit(info, 255) or upload.info
    upload.status_at = at
    upload.ended_at = at if state in LOG_ENDS else None
    upload.save(update_fields=["state", "last_status", "info", "status_at", "ended_at"])
    publish(LogStatusChanged(upload_id=upload.pk, state=str(state)))
    data = {"station_id": upload.station_id, "upload_id": upload.pk, "state": str(state)}
    broadcast("log.state", data, groups=[f"station.{upload.station_id}"])


def lose_logs() -> int:
    """Uploads whose station says nothing any more are LOST after REPORTS_SILENT_HOURS; returns how many."""
    now = clock.now()
    silent = LogUpload.objects.alias(heard=Coalesce("status_at", "requested_at"))
    late = silent.filter(ended_at=None, heard__lte=now - timedelta(hours=settings.REPORTS_SILENT_HOURS))
    ids = list(late.order_by("requested_at").values_list("pk", flat=True)[:MOST_LOST])
    for pk in ids:
        with transaction.atomic():
            move_log(LogUpload.objects.select_for_update().get(pk=pk), LogState.LOST, now)
    return len(ids)
