"""Whose turn is it? Pure: wall-clock hand-overs in a zone, in UTC instants, over the changes of summer time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Rota:
    """`turns` people follow each other, each for `turn_days` local days from `hand_over_at` on."""

    zone: str
    starts_on: date
    turn_days: int
    hand_over_at: time
    turns: int


@dataclass(frozen=True)
class Stand:
    """Somebody stands in; of two at once the later `order` holds."""

    start: datetime
    end: datetime
    who: int
    order: int


@dataclass(frozen=True)
class Watch:
    """`who`: a turn's index (of the rota) or a stand-in's id; `stand_in` tells which."""

    start: datetime
    end: datetime
    who: int
    stand_in: bool


def begin_of(rota: Rota, number: int) -> datetime:
    """The instant (UTC) at which turn `number` begins. An hour that the spring takes away moves to the next one."""
    day = rota.starts_on + timedelta(days=number * rota.turn_days)
    return datetime.combine(day, rota.hand_over_at, ZoneInfo(rota.zone)).astimezone(UTC)


def number_at(rota: Rota, moment: datetime) -> int | None:
    """Which turn since the first day; None before it, or when nobody takes turns."""
    if rota.turns < 1:
        return None
    local = moment.astimezone(ZoneInfo(rota.zone)).date()
    number = (local - rota.starts_on).days // rota.turn_days
    while begin_of(rota, number) > moment:
        number -= 1
    while begin_of(rota, number + 1) <= moment:
        number += 1
    return number if number >= 0 else None


def turn_at(rota: Rota, moment: datetime) -> int | None:
    """Whose turn, as an index of the list of people."""
    number = number_at(rota, moment)
    return None if number is None else number % rota.turns


def watches(rota: Rota, stands: list[Stand], since: datetime, until: datetime) -> Iterator[Watch]:
    """Who is on call from `since` to `until`, without overlap, in order; gaps are nobody's."""
    borders = {since, until}
    for stand in stands:
        borders |= {moment for moment in (stand.start, stand.end) if since < moment < until}
    number = number_at(rota, since)
    number = 0 if number is None else number + 1
    while rota.turns and (begin := begin_of(rota, number)) < until:
        borders |= {begin} if begin > since else set()
        number += 1
    ordered = sorted(borders)
    last: Watch | None = None
    for start, end in pairwise(ordered):
        found = _on(rota, stands, start, end)
        if last and found and (last.who, last.stand_in, last.end) == (found.who, found.stand_in, found.start):
            last = Watch(last.start, end, last.who, last.stand_in)
            continue
        if last:
            yield last
        last = found
    if last:
        yield last


def _on(rota: Rota, stands: list[Stand], start: datetime, end: datetime) -> Watch | None:
    standing = [stand for stand in stands if stand.start <= start < stand.end]
    if standing:
        return Watch(start, end, max(standing, key=lambda stand: stand.order).who, True)
    turn = turn_at(rota, start)
    return None if turn is None else Watch(start, end, turn, False)
