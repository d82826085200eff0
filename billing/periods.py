"""From what a station reported to what a price needs: a session as periods. Pure: no Django, no float.

The station's word about its plug (charging, paused by the car …) decides what time counts as; where it said nothing,
the meter does: time in which the register rose was charging. The energy of all periods is the session's energy,
exactly.

They are kept with the bill (`pack`), one row between two readings: all that any tariff needs to price the session
again, whatever its hours, tiers and powers.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from .pricing import Activity, Period

SAYS = {  # statuses of stations.vocabulary.ConnectorStatus; whatever else a plug says is not the driver's doing
    "charging": Activity.CHARGING,
    "suspended_ev": Activity.IDLE,
    "finishing": Activity.IDLE,
}
UNSAID = frozenset({"", "unknown"})
LETTERS: Final = {Activity.CHARGING: "c", Activity.IDLE: "i", Activity.PAUSED: "p"}
ACTIVITIES: Final = {letter: activity for activity, letter in LETTERS.items()}


@dataclass(frozen=True)
class Reading:
    """Energy since the session began, mWh."""

    at: datetime
    energy_mwh: int


@dataclass(frozen=True)
class Status:
    """What the plug says from `at` on, until the next one."""

    at: datetime
    status: str


@dataclass(frozen=True)
class Link:
    """A time in which the station was connected; `until` None: still is."""

    since: datetime
    until: datetime | None


def periods(
    *,
    starts_at: datetime,
    ends_at: datetime,
    energy_mwh: int,
    readings: Sequence[Reading] = (),
    statuses: Sequence[Status] = (),
    links: Sequence[Link] | None = None,
    running: bool = False,
) -> list[Period]:
    """The session from `starts_at` to `ends_at` (its end, or now) in order, cut at each reading: a period has one mean
    power. Neighbours of one activity without energy are joined: no tariff can tell them apart.

    `statuses`: from the last one before the start on. `links` None: not asked; else idle time without a link counts as
    PAUSED (nobody could have known that the car was full). While it is `running`, time since the last reading of a plug
    that says nothing counts as PAUSED: what the car did is not known yet.
    """
    ends_at = max(starts_at, ends_at)
    curve = _Curve(starts_at, ends_at, energy_mwh, readings)
    borders = {starts_at, ends_at}
    borders |= {status.at for status in statuses if starts_at < status.at < ends_at}
    borders |= {at for at in curve.times if starts_at < at < ends_at}
    for link in links or ():
        borders |= {at for at in (link.since, link.until) if at and starts_at < at < ends_at}
    ordered = sorted(borders)
    said = _Said(statuses)
    known_until = curve.last_reading if running else ends_at
    pieces = [_piece(start, end, curve, said, links, known=start < known_until) for start, end in pairwise(ordered)]
    return _joined(pieces) or [Period(starts_at, ends_at, Activity.PAUSED, energy_mwh)]


class _Curve:
    """Energy over time: the readings, never falling, ending in the judged total; straight lines between."""

    def __init__(self, starts_at: datetime, ends_at: datetime, total: int, readings: Sequence[Reading]) -> None:
        self.times, self.values = [starts_at], [0]
        for reading in sorted(readings, key=lambda reading: reading.at):
            if self.times[-1] < reading.at <= ends_at:
                self.times.append(reading.at)
                self.values.append(max(self.values[-1], min(reading.energy_mwh, total)))
        self.last_reading = self.times[-1]
        if self.times[-1] < ends_at:
            self.times.append(ends_at)
            self.values.append(total)
        self.values[-1] = total

    def at(self, moment: datetime) -> int:
        after = bisect_right(self.times, moment)
        if after >= len(self.times):
            return self.values[-1]
        t0, t1, v0, v1 = self.times[after - 1], self.times[after], self.values[after - 1], self.values[after]
        return v0 + (v1 - v0) * _microseconds(t0, moment) // _microseconds(t0, t1)


class _Said:
    def __init__(self, statuses: Sequence[Status]) -> None:
        ordered = sorted(statuses, key=lambda status: status.at)
        self.times = [status.at for status in ordered]
        self.words = [status.status for status in ordered]

    def at(self, moment: datetime) -> str:
        index = bisect_right(self.times, moment) - 1
        return self.words[index] if index >= 0 else ""


def _piece(
    start: datetime, end: datetime, curve: _Curve, said: _Said, links: Sequence[Link] | None, *, known: bool
) -> Period:
    energy = curve.at(end) - curve.at(start)
    word = said.at(start)
    if word in UNSAID:
        activity = (Activity.CHARGING if energy else Activity.IDLE) if known else Activity.PAUSED
    else:
        activity = SAYS.get(word, Activity.PAUSED)
    if activity == Activity.IDLE and links is not None and not any(_covers(link, start) for link in links):
        activity = Activity.PAUSED
    return Period(start, end, activity, energy)


def _covers(link: Link, moment: datetime) -> bool:
    return link.since <= moment and (link.until is None or moment < link.until)


def _joined(pieces: list[Period]) -> list[Period]:
    joined: list[Period] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if last and last.activity == piece.activity and not last.energy_mwh and not piece.energy_mwh:
            joined[-1] = Period(last.starts_at, piece.ends_at, piece.activity)
        else:
            joined.append(piece)
    return joined


def _microseconds(start: datetime, end: datetime) -> int:
    delta = end - start
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def pack(periods: Sequence[Period]) -> dict[str, Any]:
    """Any: JSON. {"start": ISO, "rows": [[microseconds, "c" | "i" | "p", mWh], …]}, one row after the other."""
    rows = [[period.microseconds, LETTERS[period.activity], period.energy_mwh] for period in periods]
    return {"start": periods[0].starts_at.isoformat() if periods else "", "rows": rows}


def stored_periods(values: dict[str, Any]) -> list[Period]:
    """Any: what `pack` made, as JSON gives it back."""
    found: list[Period] = []
    at = datetime.fromisoformat(values["start"]) if values["rows"] else None
    for microseconds, letter, energy in values["rows"]:
        assert at is not None
        ends = at + timedelta(microseconds=microseconds)
        found.append(Period(at, ends, ACTIVITIES[letter], energy))
        at = ends
    return found
