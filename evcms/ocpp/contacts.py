"""Who spoke when, kept in memory and written every few seconds: one row update a station, heartbeats as
counts.
"""

from datetime import datetime
from typing import NamedTuple

from evcms.ocpp import message_log
from evcms.ocpp.message_log import Row
from stations import services
from stations.vocabulary import Direction, MessageOutcome


class Beats(NamedTuple):
    first_at: datetime
    how_many: int


class Contacts:
    """Event loop only, but for `store`, which the writer runs with what `take` gave."""

    def __init__(self) -> None:
        self._seen: dict[int, datetime] = {}
        self._beats: dict[int, Beats] = {}

    def seen(self, station_id: int, at: datetime) -> None:
        self._seen[station_id] = at

    def beat(self, station_id: int, at: datetime) -> None:
        self._seen[station_id] = at
        before = self._beats.get(station_id)
        self._beats[station_id] = Beats(at, 1) if before is None else before._replace(how_many=before.how_many + 1)

    def take(self) -> "Taken | None":
        """Everything since the last time; None when nobody spoke."""
        if not self._seen:
            return None
        taken = Taken(self._seen, self._beats)
        self._seen, self._beats = {}, {}
        return taken

    def put_back(self, taken: "Taken") -> None:
        """The flush failed: try again with the next one. What came meanwhile is newer."""
        self._seen = taken.seen | self._seen
        for station_id, beats in taken.beats.items():
            later = self._beats.get(station_id)
            self._beats[station_id] = beats._replace(how_many=beats.how_many + (later.how_many if later else 0))


class Taken(NamedTuple):
    seen: dict[int, datetime]
    beats: dict[int, Beats]

    def store(self) -> None:
        services.seen(contacts=self.seen)
        message_log.keep([_row(station_id, beats) for station_id, beats in sorted(self.beats.items())])


def _row(station_id: int, beats: Beats) -> Row:
    return Row(
        station_id,
        Direction.IN.value,
        "Heartbeat",
        "",
        "{}",
        "",
        MessageOutcome.RESULT.value,
        "",
        beats.first_at,
        None,
        beats.how_many,
        None,
    )
