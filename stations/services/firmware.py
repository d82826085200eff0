"""Firmware on its way to a station: from the command to the last word about it.

Stations repeat words, say them late, lose them in a restart, or say none and simply come back with a new version.
FIRMWARE_MOVES decides what moves; nothing moves back.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog
from django.conf import settings
from django.db import transaction

from evcms.core import clock
from evcms.core.events import broadcast, publish
from stations import commands
from stations.events import FirmwareStatusChanged
from stations.models import Command, FirmwareUpdate, Station
from stations.reports import (
    FIRMWARE_ENDS,
    FIRMWARE_MOVES,
    OPEN_FIRMWARE,
    UNTOLD,
    FirmwareKind,
    FirmwareReport,
    FirmwareState,
)
from stations.texts import fit
from stations.vocabulary import CommandState

if TYPE_CHECKING:
    from django.db.models import QuerySet

log = structlog.get_logger(__name__)

LATE: Final = timedelta(minutes=10)  # after the end a word without a number still speaks of what has ended
MOST_LOST: Final = 500  # in one sweep


def firmware_asked(*, row: Command, command: commands.UpdateFirmware | commands.PublishFirmware) -> FirmwareUpdate:
    """The command is written: its update begins. Called by `send`, in its transaction."""
    update = command if isinstance(command, commands.UpdateFirmware) else None
    with transaction.atomic():
        return FirmwareUpdate.objects.create(
            station_id=row.station_id,
            kind=FirmwareKind.UPDATE if update else FirmwareKind.PUBLISH,
            file_id=command.file_id,
            command=row,
            request_id=command.request_id,
            version=fit(command.version, 64),
            version_before=row.station.firmware_version,
            location=fit(command.location, 2000),
            signed=bool(update and update.signature),
            requested_at=row.created_at,
            retrieve_at=(update and update.retrieve_at) or row.created_at,
            install_at=update.install_at if update else None,
        )


def firmware_command_ended(*, row: Command) -> None:
    """The station took it, or the command came to another end. Called in the transaction that ends the command."""
    update = FirmwareUpdate.objects.select_for_update().filter(command=row).first()
    if update is None:
        return
    if row.state == CommandState.ACCEPTED:
        _move(update, FirmwareState.ACCEPTED, clock.now())
    elif row.state in UNTOLD:
        _move(update, FirmwareState.REFUSED, clock.now(), info=row.answer_status or row.error)
    else:  # no answer in time: it may have heard us all the same
        _move(update, FirmwareState.LOST, clock.now(), info=row.error)


def firmware_replaced(*, station_id: int, request_id: int) -> None:
    """The station took this request and dropped those before it (AcceptedCanceled)."""
    with transaction.atomic():
        older = _updates(station_id, FirmwareKind.UPDATE).filter(state__in=OPEN_FIRMWARE)
        for update in older.exclude(request_id=request_id).order_by("pk"):
            _move(update, FirmwareState.CANCELLED, clock.now())


def firmware_reported(*, station_id: int, report: FirmwareReport) -> None:
    """FirmwareStatusNotification, SignedFirmwareStatusNotification, PublishFirmwareStatusNotification.

    Idle says that nothing is under way and changes nothing. A word about an update that we did not ask for begins a
    row without command. A word that we do not know is kept beside the state.
    """
    if report.idle:
        return
    with transaction.atomic():
        if not Station.objects.filter(pk=station_id).exists():
            return
        update = _meant(station_id, report) or _own(station_id, report)
        if report.state is None:
            log.warning("unknown firmware status", status=report.status[:64], station_id=station_id)
            _note(update, report)
        else:
            _move(update, report.state, report.received_at, status=report.status, info=report.info)


def _updates(station_id: int, kind: FirmwareKind) -> "QuerySet[FirmwareUpdate]":
    return FirmwareUpdate.objects.select_for_update().filter(station_id=station_id, kind=kind)


def _meant(station_id: int, report: FirmwareReport) -> FirmwareUpdate | None:
    """By its number; without one the newest that is under way, or that has just ended."""
    rows = _updates(station_id, report.kind).order_by("-requested_at", "-pk")
    request_id = number(report.request_id)
    if request_id is not None:
        return rows.filter(request_id=request_id).first()
    newest = rows.first()
    if newest is None:
        return None
    if newest.ended_at is None or report.received_at - newest.ended_at < LATE:
        return newest
    may_revive = report.state in FIRMWARE_MOVES[FirmwareState(newest.state)]
    return newest if may_revive or report.status == newest.last_status else None


def _own(station_id: int, report: FirmwareReport) -> FirmwareUpdate:
    """The station began it by itself, or somebody else asked it."""
    return FirmwareUpdate.objects.create(
        station_id=station_id,
        kind=report.kind,
        request_id=number(report.request_id),
        version_before=Station.objects.values_list("firmware_version", flat=True).get(pk=station_id),
        requested_at=report.received_at,
    )


def _note(update: FirmwareUpdate, report: FirmwareReport) -> None:
    update.last_status = fit(report.status, 64)
    update.info = fit(report.info, 255) or update.info
    update.status_at = report.received_at
    update.save(update_fields=["last_status", "info", "status_at"])


def _move(update: FirmwareUpdate, state: FirmwareState, at: datetime, *, status: str = "", info: str = "") -> None:
    """As far as the table allows; a step back changes nothing. A boot may tell before a word does: the word is kept."""
    if state == update.state and status:
        update.last_status = fit(status, 64)
        update.save(update_fields=["last_status"])
    if state not in FIRMWARE_MOVES[FirmwareState(update.state)]:
        return
    update.state = state
    update.last_status = fit(status, 64) or update.last_status
    update.info = fit(info, 255)
    update.status_at = at
    update.ended_at = at if state in FIRMWARE_ENDS else None
    update.save(update_fields=["state", "last_status", "info", "status_at", "ended_at"])
    publish(FirmwareStatusChanged(update_id=update.pk, state=str(state)))
    data = {"station_id": update.station_id, "update_id": update.pk, "state": str(state)}
    broadcast("firmware.state", data, groups=[f"station.{update.station_id}"])


def firmware_seen(*, station_id: int, version: str, at: datetime) -> None:
    """The station came back with another version than before: what was to bring it is installed, said or not."""
    with transaction.atomic():
        waiting = _updates(station_id, FirmwareKind.UPDATE).filter(state__in=(*OPEN_FIRMWARE, FirmwareState.LOST))
        update = waiting.order_by("-requested_at", "-pk").first()
        if update is None or not _brings(update, version):
            return
        _move(update, FirmwareState.INSTALLED, at, info=version)


def _brings(update: FirmwareUpdate, version: str) -> bool:
    """The version that was wanted; when nobody said which, any new one after the file had arrived."""
    if update.version:
        return update.version == version
    arrived = FIRMWARE_MOVES[FirmwareState.DOWNLOADED] | {FirmwareState.DOWNLOADED}
    return update.state in arrived and update.ended_at is None


def lose_firmware() -> int:
    """Updates whose station says nothing any more are LOST after REPORTS_SILENT_HOURS; returns how many."""
    now = clock.now()
    border = now - timedelta(hours=settings.REPORTS_SILENT_HOURS)
    late = FirmwareUpdate.objects.filter(ended_at=None, requested_at__lte=border).order_by("requested_at")
    lost = 0
    for pk in late.values_list("pk", flat=True)[:MOST_LOST]:
        with transaction.atomic():
            update = FirmwareUpdate.objects.select_for_update().get(pk=pk)
            if update.ended_at is None and silent_since(update) <= border:
                _move(update, FirmwareState.LOST, now)
                lost += 1
    return lost


def silent_since(update: FirmwareUpdate) -> datetime:
    """The last moment from which a word was due: one that was planned for later is waited for."""
    moments = (update.requested_at, update.retrieve_at, update.install_at, update.status_at)
    return max(moment for moment in moments if moment is not None)


def number(request_id: int | None) -> int | None:
    """A request id as a column takes it; others are none of ours."""
    return request_id if request_id is not None and 0 <= request_id < 2**31 else None
