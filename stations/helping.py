"""What somebody who wants to help a station by himself must know first, and what became of his commands."""

import uuid
from dataclasses import dataclass

from .models import Command, Connector, Station
from .queries import with_online
from .vocabulary import OPEN_COMMANDS, CommandState


@dataclass(frozen=True)
class Condition:
    station: Station  # to send to; not to be read
    online: bool
    in_maintenance: bool


@dataclass(frozen=True)
class Port:
    evse: int
    connector: int


@dataclass(frozen=True)
class CommandEnd:
    """`word`: the station's answer, or why there is none."""

    ended: bool
    accepted: bool
    word: str


def condition(station_id: int) -> Condition | None:
    """None when it is gone or archived."""
    row = with_online(Station.objects.filter(pk=station_id, archived_at=None)).first()
    return Condition(row, row.online, row.in_maintenance) if row else None


def in_maintenance(station_ids: list[int]) -> set[int]:
    """Those of these stations that a window covers now."""
    rows = with_online(Station.objects.filter(pk__in=station_ids)).filter(in_maintenance=True)
    return set(rows.values_list("pk", flat=True))


def port(connector_id: int) -> Port | None:
    row = Connector.objects.filter(pk=connector_id).values_list("evse__number", "number").first()
    return Port(*row) if row else None


def command_end(command_id: uuid.UUID) -> CommandEnd:
    """A command that is not there any more counts as one without an answer."""
    row = Command.objects.filter(pk=command_id).first()
    if row is None:
        return CommandEnd(True, False, "")
    word = row.answer_status or row.error or row.state
    return CommandEnd(row.state not in OPEN_COMMANDS, row.state == CommandState.ACCEPTED, word)
