"""The life of one charging port (EVSE), cut wherever anything changes: in order, out of order, or unknown. Pure.

A port is down while every connector of it is: faulted or out of service by its own word or the whole station's,
without a link (nobody can tell), or proven to give no power. Of several causes at once the first of `CAUSES` counts, so
an outage is counted once. An excuse only marks time that is an outage anyway, so what is excluded never exceeds it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

FLAP: Final = timedelta(seconds=60)  # a shorter gap of the link is a reconnect
FAULTED, UNAVAILABLE, NO_DELIVERY, OFFLINE = "faulted", "unavailable", "no_delivery", "offline"
CAUSES: Final = (FAULTED, UNAVAILABLE, NO_DELIVERY, OFFLINE)
BAD: Final = frozenset({FAULTED, UNAVAILABLE})  # what a connector or station says of itself
UP, DOWN, UNKNOWN = "up", "down", "unknown"


class Word(NamedTuple):
    """What a connector or a whole station said; `id` is its row."""

    at: datetime
    status: str
    id: int


class Link(NamedTuple):
    opened: datetime
    closed: datetime | None
    id: int


class Excuse(NamedTuple):
    """An exclusion; of kind NO_DELIVERY it is an outage instead."""

    begin: datetime
    end: datetime
    kind: str
    id: int


@dataclass(frozen=True)
class Heard:
    """All that decides about one port from some moment on; `words` by connector, the last one before that moment first.

    `links` are the station's, with the last one before that moment. `gone`: since then the port is not counted.
    """

    words: Sequence[Sequence[Word]] = ()
    station: Sequence[Word] = ()
    links: Sequence[Link] = ()
    excuses: Sequence[Excuse] = ()
    gone: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `since` up to `until` (None: it goes on). `change` and `link` are the proof: the row that began it."""

    since: datetime
    until: datetime | None
    state: str
    cause: str = ""
    change: int | None = None
    link: int | None = None
    excuses: str = ""  # kinds, sorted, with commas
    exclusions: tuple[int, ...] = ()
    outage_since: datetime | None = None
    outage_s: int | None = None
    fault: bool = False
    repair: bool = False

    @property
    def what(self) -> tuple[object, ...]:
        """Two neighbours with the same are one stretch."""
        return (self.state, self.cause, self.change, self.link, self.exclusions)


@dataclass
class _Now:
    """How everything stands while the clock runs through the events."""

    connectors: list[Word | None]
    station: Word | None = None
    dark: Link | None = None  # the link whose end began the gap
    excuses: dict[int, Excuse] = field(default_factory=dict)


_Event = tuple[datetime, Callable[[_Now], None]]


def stretches(heard: Heard, begin: datetime, now: datetime) -> list[Stretch]:
    """The tiling from `begin`, where no outage may be going on already; the last stretch is open unless the port is
    gone. What is to come, and a gap of the link that is still a flap, are left aside: `next_news` says until when.
    """
    standing = _Now([None] * len(heard.words))
    found: list[Stretch] = []
    past = sorted((event for event in _events(heard, now) if event[0] <= now), key=itemgetter(0))
    for at, news in groupby(past, key=lambda event: max(event[0], begin)):
        if at > begin and not found:
            found.append(_stretch(standing, begin))
        if heard.gone and at >= heard.gone:
            break
        for _at, happen in news:
            happen(standing)
        stretch = _stretch(standing, at)
        if not found or stretch.what != found[-1].what:
            found.append(stretch)
    if not found:
        found.append(_stretch(standing, begin))
    return [] if heard.gone and heard.gone <= begin else _told(found, heard.gone)


def next_news(heard: Heard, now: datetime) -> datetime | None:
    """When time alone changes the tiling: an open gap becomes an outage, an excuse begins or ends."""
    moments = [moment for each in heard.excuses for moment in (each.begin, each.end)]
    if heard.links and all(link.closed for link in heard.links):
        moments.append(max(link.closed for link in heard.links if link.closed) + FLAP)
    return min((moment for moment in moments if moment > now), default=None)


def gaps(links: Iterable[Link], now: datetime) -> list[tuple[datetime, datetime | None, Link]]:
    """Times without a link, from the first link on: (begin, end or None, the link whose end it was). No flaps."""
    found: list[tuple[datetime, datetime | None, Link]] = []
    last: Link | None = None  # the one that reaches furthest
    for link in sorted(links, key=lambda each: (each.opened, each.id)):
        if last and last.closed and link.opened - last.closed >= FLAP:
            found.append((last.closed, link.opened, last))
        if last is None or (last.closed and (link.closed is None or link.closed > last.closed)):
            last = link
    if last and last.closed and now - last.closed >= FLAP:
        found.append((last.closed, None, last))
    return found


def _events(heard: Heard, now: datetime) -> Iterator[_Event]:
    for number, words in enumerate(heard.words):
        yield from ((word.at, partial(_hear, number=number, word=word)) for word in words)
    yield from ((word.at, partial(_hear_station, word=word)) for word in heard.station)
    for begin, end, link in gaps(heard.links, now):
        yield begin, partial(_dark, link=link)
        if end:
            yield end, partial(_dark, link=None)
    for excuse in heard.excuses:
        yield excuse.begin, partial(_excuse, excuse=excuse)
        yield excuse.end, partial(_unexcuse, excuse=excuse)


def _hear(standing: _Now, number: int, word: Word) -> None:
    standing.connectors[number] = word


def _hear_station(standing: _Now, word: Word) -> None:
    standing.station = word


def _dark(standing: _Now, link: Link | None) -> None:
    standing.dark = link


def _excuse(standing: _Now, excuse: Excuse) -> None:
    standing.excuses[excuse.id] = excuse


def _unexcuse(standing: _Now, excuse: Excuse) -> None:
    standing.excuses.pop(excuse.id, None)


def _stretch(standing: _Now, at: datetime) -> Stretch:
    state, cause, word = _said(standing)
    claims = [each for each in standing.excuses.values() if each.kind == NO_DELIVERY]
    link = None
    if state != DOWN and claims:
        state, cause, word = DOWN, NO_DELIVERY, None
    elif state != DOWN and standing.dark:
        state, cause, word, link = DOWN, OFFLINE, None, standing.dark.id
    if state == UP:
        return Stretch(at, None, UP)
    kinds = sorted({each.kind for each in standing.excuses.values()} - {NO_DELIVERY})
    rows = tuple(sorted(standing.excuses))
    return Stretch(at, None, state, cause, word.id if word else None, link, ",".join(kinds), rows)


def _said(standing: _Now) -> tuple[str, str, Word | None]:
    """By the statuses alone: state, cause, and the word that is its proof."""
    if standing.station and standing.station.status in BAD:
        return DOWN, standing.station.status, standing.station
    words = standing.connectors
    if any(word is not None and word.status not in BAD and word.status != UNKNOWN for word in words):
        return UP, "", None
    bad = [word for word in words if word is not None and word.status in BAD]
    if not bad or len(bad) < len(words):
        return UNKNOWN, "", None
    worst = min(bad, key=lambda word: (CAUSES.index(word.status), word.at, word.id))
    return DOWN, worst.status, worst


def _told(found: list[Stretch], gone: datetime | None) -> list[Stretch]:
    """With ends, and each outage's own beginning, length and faults."""
    ends = [*(each.since for each in found[1:]), gone]
    whole = [replace(each, until=end) for each, end in zip(found, ends, strict=True)]
    told: list[Stretch] = []
    for up, group in groupby(whole, key=lambda each: each.state == UP):
        run = list(group)
        told += run if up else _outage(run)
    return told


def _outage(run: list[Stretch]) -> list[Stretch]:
    since, until = run[0].since, run[-1].until
    seconds = None if until is None else int((until - since).total_seconds())
    told: list[Stretch] = []
    repair = False
    for place, each in enumerate(run):
        fault = each.cause == FAULTED and (place == 0 or run[place - 1].cause != FAULTED)
        repair = repair or fault
        told.append(replace(each, outage_since=since, outage_s=seconds, fault=fault, repair=repair))
    return told
