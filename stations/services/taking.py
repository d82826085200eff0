"""A running window takes its connectors out of service, once their cars have left, and gives back what it took.

Driven by rows: `due_at` says when a TakenConnector is looked at again. Nothing here waits for a station.
"""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from evcms.core import clock
from stations.commands import Availability, ChangeAvailability
from stations.models import Command, Connector, MaintenanceWindow, TakenConnector, TakenState, WindowState
from stations.queries import with_online
from stations.vocabulary import OCCUPIED_STATUSES, Approval, CommandState, ConnectorStatus

from .commands import send

ORIGIN: Final = "maintenance"
LOOK_AGAIN: Final = timedelta(seconds=30)
ANSWER_WITHIN: Final = 60  # s
GIVE_BACK_FOR: Final = timedelta(days=7)  # a station that stays dark longer is somebody's matter
MOST: Final = 500  # in one sweep
REFUSALS: Final = (CommandState.REJECTED, CommandState.CALLERROR, CommandState.UNSUPPORTED)
OPEN: Final = (TakenState.WAITING, TakenState.ASKED, TakenState.TAKEN, TakenState.GIVING_BACK)


def begin(window: MaintenanceWindow) -> None:
    """In the transaction that starts the window: a row for each connector within its reach."""
    for connector in _within(window):
        TakenConnector.objects.get_or_create(window=window, connector=connector, defaults={"due_at": clock.now()})


def _within(window: MaintenanceWindow) -> QuerySet[Connector]:
    reach = Q(station__organization=window.organization_id)
    if window.station_id:
        reach &= Q(station=window.station_id)
    elif window.site_id:
        reach &= Q(station__site=window.site_id)
    return Connector.objects.filter(
        reach, archived_at=None, station__archived_at=None, station__approval=Approval.ACCEPTED
    )


def take_connectors() -> int:
    """The sweep: each due row one step further; returns how many moved."""
    due = TakenConnector.objects.filter(state__in=OPEN, due_at__lte=clock.now()).order_by("due_at", "pk")
    return sum(_step(pk) for pk in list(due.values_list("pk", flat=True)[:MOST]))


def _step(pk: int) -> bool:
    with transaction.atomic():
        row = TakenConnector.objects.select_for_update().filter(pk=pk, state__in=OPEN).first()
        if row is None or row.due_at > clock.now():
            return False
        running = row.window.state == WindowState.RUNNING
        step = _STEPS[TakenState(row.state)]
        before = row.state
        step(row, running)
        if row.due_at <= clock.now():
            row.due_at = clock.now() + LOOK_AGAIN
        row.save()
        return row.state != before


def _waiting(row: TakenConnector, running: bool) -> None:
    """Not while a car is there, and not what somebody took out of service before us."""
    connector = row.connector
    if not running:
        _end(row, TakenState.LEFT, "the window ended before it could be taken")
    elif connector.status == ConnectorStatus.UNAVAILABLE and not _taken_by_another(row):
        _end(row, TakenState.LEFT, "")
    elif _online(connector) and connector.status not in OCCUPIED_STATUSES:
        _ask(row, Availability.INOPERATIVE, TakenState.ASKED)


def _asked(row: TakenConnector, running: bool) -> None:
    command = _command(row)
    if command is not None and command.state == CommandState.ACCEPTED:
        row.state, row.taken_at, row.due_at = TakenState.TAKEN, command.answered_at or clock.now(), clock.now()
        row.detail = command.answer_status[:120]
        if not running:
            _taken(row, running)
    elif command is not None and command.state in REFUSALS:
        _end(row, TakenState.REFUSED, command.answer_status or command.error)
    elif command is None or command.state not in (CommandState.QUEUED, CommandState.SENT):
        row.state = TakenState.WAITING  # no link, no answer: again


def _taken(row: TakenConnector, running: bool) -> None:
    """Stays until the window is over; another window that still runs here takes it over."""
    if running:
        return
    if _set_by_hand(row):
        _end(row, TakenState.KEPT, "somebody changed its availability meanwhile")
        return
    heir = _another(row)
    if heir is not None:
        TakenConnector.objects.filter(pk=heir.pk).update(
            state=TakenState.TAKEN, taken_at=row.taken_at, command_id=row.command_id, due_at=clock.now()
        )
        _end(row, TakenState.RESTORED, "taken over by the next window")
    elif _online(row.connector):
        _ask(row, Availability.OPERATIVE, TakenState.GIVING_BACK)
    elif row.window.ends_at < clock.now() - GIVE_BACK_FOR:
        _end(row, TakenState.KEPT, "the station stayed offline for a week")


def _giving_back(row: TakenConnector, _running: bool) -> None:
    command = _command(row)
    if command is not None and command.state == CommandState.ACCEPTED:
        row.restored_at = command.answered_at or clock.now()
        _end(row, TakenState.RESTORED, command.answer_status)
    elif command is not None and command.state in REFUSALS:
        _end(row, TakenState.KEPT, command.answer_status or command.error)
    elif command is None or command.state not in (CommandState.QUEUED, CommandState.SENT):
        row.state = TakenState.TAKEN


_STEPS: Final = {
    TakenState.WAITING: _waiting,
    TakenState.ASKED: _asked,
    TakenState.TAKEN: _taken,
    TakenState.GIVING_BACK: _giving_back,
}


def _command(row: TakenConnector) -> Command | None:
    return Command.objects.filter(pk=row.command_id).first() if row.command_id else None


def _ask(row: TakenConnector, availability: Availability, state: TakenState) -> None:
    connector = row.connector
    command = ChangeAvailability(availability, evse=connector.evse.number, connector=connector.number)
    sent = send(station=connector.station, command=command, origin=ORIGIN, expires_in=ANSWER_WITHIN)
    row.state, row.command_id, row.due_at = state, sent.pk, clock.now() + timedelta(seconds=5)


def _end(row: TakenConnector, state: TakenState, detail: str) -> None:
    row.state, row.detail = state, detail[:120]


def _online(connector: Connector) -> bool:
    return (
        with_online(type(connector.station).objects.filter(pk=connector.station_id, connection__isnull=False))
        .filter(online=True)
        .exists()
    )


def _others(row: TakenConnector) -> QuerySet[TakenConnector]:
    return TakenConnector.objects.filter(connector=row.connector_id).exclude(pk=row.pk)


def _taken_by_another(row: TakenConnector) -> bool:
    """Out of service because of another window of ours, which is about to end or runs on beside this one."""
    return _others(row).filter(state__in=[TakenState.TAKEN, TakenState.GIVING_BACK]).exists()


def _another(row: TakenConnector) -> TakenConnector | None:
    """A window that runs on at this connector."""
    beside = _others(row).filter(window__state=WindowState.RUNNING)
    return beside.exclude(state__in=[TakenState.REFUSED, TakenState.KEPT, TakenState.RESTORED]).first()


def _set_by_hand(row: TakenConnector) -> bool:
    """Did anybody but us send this connector or its station a ChangeAvailability after we took it?"""
    later = Command.objects.filter(
        station=row.connector.station_id,
        kind=ChangeAvailability.__name__,
        state=CommandState.ACCEPTED,
        created_at__gt=row.taken_at or clock.now(),
    ).exclude(origin=ORIGIN)
    evse = row.connector.evse.number
    return any(command.fields.get("evse") in (None, 0, evse) for command in later[:50])
