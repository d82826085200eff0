"""What we want a station to do: written as a row, told by the station's gateway, ended once.

Moves follow COMMAND_MOVES by conditional UPDATE: of two who end a command one does, and one event says so.
"""

import threading
import time
import uuid
from dataclasses import replace
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from evcms.core import clock
from evcms.core.events import broadcast, publish
from evcms.core.models import User
from stations import commands, queries
from stations.events import CommandAnswered
from stations.models import Command, Station, Variable
from stations.texts import fit, storable
from stations.vocabulary import COMMAND_MOVES, OPEN_COMMANDS, Answer, CommandState

from . import followed

log = structlog.get_logger(__name__)

ANSWER_MARGIN = timedelta(seconds=10)  # beyond the gateway's own time-out, which should speak first
MOST_EXPIRED = 500  # in one sweep
LONGEST_WAIT = 120  # seconds
MOST_WAITERS = 32  # threads of one process that may wait for stations; more get the row as it is
SHORTEST_LOOK, LONGEST_LOOK = 0.05, 1.0  # seconds between looks at the row

_waiters = threading.BoundedSemaphore(MOST_WAITERS)


def send(
    *,
    station: Station,
    command: commands.Command,
    origin: str,
    user: User | None = None,
    expires_in: int = 60,
    remote_start_id: int | None = None,
) -> Command:
    """Writes the command and nudges the station's gateway. To a station without a link it ends at once: OFFLINE.

    `expires_in` in seconds: not sent or not answered by then, it ends. Never raises for what a station is or does.
    A list of variables that is longer than the station takes goes in parts, in order; the last one is returned.
    """
    with transaction.atomic():
        *earlier, last = parts(station, command)
        for part in earlier:
            _send(station, part, origin, user, expires_in, None)
        return _send(station, last, origin, user, expires_in, remote_start_id)


def parts(station: Station, command: commands.Command) -> list[commands.Command]:
    """By the ItemsPerMessage that the station reported (2.0.1: DeviceDataCtrlr); who reported none gets all at once."""
    if not isinstance(command, commands.GetVariables | commands.SetVariables):
        return [command]
    field = "keys" if isinstance(command, commands.GetVariables) else "values"
    items = getattr(command, field)
    said = Variable.objects.filter(
        station=station, variable="ItemsPerMessage", variable_instance=type(command).__name__, attribute="Actual"
    )
    text = (said.values_list("value", flat=True).first() or "") if len(items) > 1 else ""
    most = int(text) if text.isdecimal() else 0
    if not 0 < most < len(items):
        return [command]
    return [replace(command, **{field: items[start : start + most]}) for start in range(0, len(items), most)]


def _send(
    station: Station,
    command: commands.Command,
    origin: str,
    user: User | None,
    expires_in: int,
    remote_start_id: int | None,
) -> Command:
    now = clock.now()
    if isinstance(command, commands.StartCharging) and remote_start_id is None:
        remote_start_id = command.remote_start_id
    ready = followed.prepared(station, command)
    command = ready.command
    with transaction.atomic():
        gateway_id = queries.gateway_of(station.pk)
        state, error = CommandState.QUEUED, ""
        if ready.error:
            state, error = CommandState.REJECTED, ready.error
        elif gateway_id is None:
            state, error = CommandState.OFFLINE, "the station has no connection"
        row = Command.objects.create(
            station=station,
            kind=type(command).__name__,
            fields=storable(commands.as_json(command)),
            origin=fit(origin, 160),
            user=user,
            created_at=now,
            expires_at=now + timedelta(seconds=max(1, expires_in)),
            remote_start_id=remote_start_id,
            state=state,
            error=error,
        )
        followed.begun(row=row, prepared=ready)
        if gateway_id is None or ready.error:
            _ended(row)
        else:
            broadcast("command.queued", {"station_id": station.pk}, groups=[f"gateway.{gateway_id}"])
            _tell(row)
    return row


def command_sent(*, command_id: uuid.UUID) -> bool:
    """The gateway is about to write it to the socket. False when it stands no more: it must not be sent then."""
    now = clock.now()
    answer_by = now + timedelta(seconds=settings.OCPP_CALL_TIMEOUT) + ANSWER_MARGIN
    with transaction.atomic():
        waiting = Command.objects.filter(pk=command_id, state=CommandState.QUEUED, expires_at__gt=now)
        sent = waiting.update(
            state=CommandState.SENT, sent_at=now, expires_at=Greatest(F("expires_at"), Value(answer_by))
        )
        if sent:
            _tell(Command.objects.get(pk=command_id))
    return sent == 1


def command_answered(*, command_id: uuid.UUID, answer: Answer) -> bool:
    """The station's word. False when the command had ended before: the answer is kept beside, the state stays."""
    state = CommandState.ACCEPTED if answer.accepted else CommandState.REJECTED
    return _end(command_id, state, "", answer)


def command_failed(*, command_id: uuid.UUID, state: CommandState, error: str, answer: Answer | None = None) -> bool:
    """It ended without the station's consent: CALLERROR, TIMEOUT, OFFLINE, UNSUPPORTED, or REJECTED by ourselves.

    False when it had ended before. Raises ValueError for a state that is no end.
    """
    if state in (*OPEN_COMMANDS, CommandState.ACCEPTED):
        raise ValueError(f"a command does not fail into {state}")
    return _end(command_id, state, error, answer)


def _end(command_id: uuid.UUID, state: CommandState, error: str, answer: Answer | None) -> bool:
    now = clock.now()
    said: dict[str, object] = {}
    if answer is not None:
        said = {
            "answer_status": fit(answer.status, 64), "answer": storable(answer.payload), "answered_at": now,
        }  # fmt: skip
    may_move = [before for before, after in COMMAND_MOVES.items() if state in after]
    with transaction.atomic():
        mine = Command.objects.filter(pk=command_id, state__in=may_move)
        if mine.update(state=state, error=fit(error, 255), **said):
            _ended(Command.objects.get(pk=command_id))
            return True
        if said:
            _keep_late(command_id, said)
    return False


def _keep_late(command_id: uuid.UUID, said: dict[str, object]) -> None:
    """Beside the conclusion that was drawn from the silence; the first late answer is kept."""
    if Command.objects.filter(pk=command_id, answered_at=None).exclude(state__in=OPEN_COMMANDS).update(**said):
        _tell(Command.objects.get(pk=command_id))


def _ended(row: Command) -> None:
    followed.ended(row=row)
    if row.kind not in commands.FLEETING:
        publish(
            CommandAnswered(
                command_id=str(row.pk),
                station_id=row.station_id,
                kind=row.kind,
                state=str(row.state),
                remote_start_id=row.remote_start_id,
            )
        )
    _tell(row)


def _tell(row: Command) -> None:
    data = {
        "command_id": str(row.pk), "station_id": row.station_id, "kind": row.kind, "state": str(row.state),
        "answer_status": row.answer_status, "error": row.error,
    }  # fmt: skip
    broadcast("command.state", data, groups=[f"command.{row.pk}", f"station.{row.station_id}"])


def expire_commands() -> int:
    """Ends what was not sent (OFFLINE, or TIMEOUT when the station is there) or not answered (TIMEOUT) in time."""
    late = Command.objects.filter(state__in=OPEN_COMMANDS, expires_at__lte=clock.now()).order_by("expires_at")
    rows = list(late.values_list("pk", "state", "station_id")[:MOST_EXPIRED])
    online = queries.online_ids({station_id for _, state, station_id in rows if state == CommandState.QUEUED})
    ended = 0
    for command_id, state, station_id in rows:
        if state == CommandState.SENT:
            how, why = CommandState.TIMEOUT, "the station did not answer in time"
        elif station_id in online:
            how, why = CommandState.TIMEOUT, "it could not be sent in time"
        else:
            how, why = CommandState.OFFLINE, "the station had no connection"
        ended += command_failed(command_id=command_id, state=how, error=why)
    return ended


def wait_for_command(*, command_id: uuid.UUID, seconds: float) -> Command:
    """The row once it has ended, or as it is after `seconds`. For threads that may wait; holds no transaction.

    When MOST_WAITERS wait already it returns at once: the caller answers "accepted for processing" and polls.
    """
    row = Command.objects.select_related("station").get(pk=command_id)
    if row.state not in OPEN_COMMANDS or not _waiters.acquire(blocking=False):
        return row
    try:
        return _look_until(row, time.monotonic() + min(seconds, LONGEST_WAIT))
    finally:
        _waiters.release()


def _look_until(row: Command, end: float) -> Command:
    pause = SHORTEST_LOOK
    while row.state in OPEN_COMMANDS and (left := end - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_LOOK)
        row = Command.objects.select_related("station").get(pk=row.pk)
    return row


def describe(command: commands.Command) -> dict[str, object]:
    """Fields for an audit entry. Values of SetVariables may be secrets, so only their keys are told."""
    fields = storable(commands.as_json(command))
    if isinstance(command, commands.SetVariables):
        fields["values"] = [key for key, _ in command.values]
    return {name: value for name, value in fields.items() if value not in (None, "")}
