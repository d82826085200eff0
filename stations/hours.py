"""Opening hours: a line that people write and a machine reads, in the grammar of OpenStreetMap that most know.

    "" or "24/7"                          always open
    "Mo-Fr 06:00-22:00; Sa 08:00-18:00"   what is not named is closed
    "Mo,Th 20:00-02:00"                   over midnight

English names of days (Mon, Monday) and dashes of any length are understood. Pure: no Django.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

DAY: Final = 24 * 60  # minutes
DAYS: Final = ("mo", "tu", "we", "th", "fr", "sa", "su")
ALWAYS: Final = ("", "24/7")
_TIMES: Final = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_RULE: Final = re.compile(r"^([a-z][a-z,\- ]*?)?\s*((?:\d{1,2}:\d{2}\s*-\s*\d{1,2}:\d{2}[,\s]*)+)$")


class Span(NamedTuple):
    """Open from `begin` to `end`, minutes of that weekday (0: Monday); `end` is at most 1,440."""

    weekday: int
    begin: int
    end: int

    @property
    def times(self) -> tuple[str, str]:
        """ "06:00", "22:00" (or "24:00")."""
        return _clock(self.begin), _clock(self.end)


@dataclass(frozen=True)
class Hours:
    """A week. `always`: no span is needed."""

    spans: tuple[Span, ...]
    always: bool = False

    def open_at(self, wall: datetime) -> bool:
        """`wall`: the time on the place's own clock."""
        minute = wall.hour * 60 + wall.minute
        return self.always or any(
            each.weekday == wall.weekday() and each.begin <= minute < each.end for each in self.spans
        )

    def grouped(self) -> list[tuple[int, int, list[tuple[str, str]]]]:
        """(first weekday, last weekday, spans) of neighbouring days with the same hours; days without any left out."""
        days = [[each.times for each in self.spans if each.weekday == day] for day in range(7)]
        found: list[tuple[int, int, list[tuple[str, str]]]] = []
        for day, times in enumerate(days):
            if found and found[-1][1] == day - 1 and found[-1][2] == times:
                found[-1] = (found[-1][0], day, times)
            elif times:
                found.append((day, day, times))
        return found


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@lru_cache(maxsize=4096)
def parse(text: str) -> Hours:
    """Raises ValueError with the part that cannot be read."""
    plain = re.sub(r"[‐-―−]", "-", text).strip().lower()
    if plain in ALWAYS:
        return Hours((), always=True)
    spans: list[Span] = []
    for rule in filter(None, (part.strip() for part in re.split(r"[;\n]", plain))):
        spans += _rule(rule)
    if not spans:
        raise ValueError(text)
    return Hours(tuple(_joined(spans)))


def read(text: str) -> Hours | None:
    """None for words that no machine understands: whether it is open then, only people know."""
    try:
        return parse(text)
    except ValueError:
        return None


def _rule(rule: str) -> list[Span]:
    match = _RULE.match(rule)
    if match is None:
        raise ValueError(rule)
    days = _days(match[1]) if match[1] else range(7)
    return [span for times in _TIMES.finditer(match[2]) for day in days for span in _spans(day, times, rule)]


def _days(words: str) -> list[int]:
    found: list[int] = []
    for part in words.replace(" ", "").strip(",").split(","):
        first, _dash, last = part.partition("-")
        begin, end = _day(first), _day(last or first)
        found += [day % 7 for day in range(begin, end + 1 + (7 if end < begin else 0))]
    return found


def _day(word: str) -> int:
    if word[:2] not in DAYS or not _NAMES[DAYS.index(word[:2])].startswith(word):
        raise ValueError(word)
    return DAYS.index(word[:2])


_NAMES: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _spans(day: int, times: re.Match[str], rule: str) -> Iterable[Span]:
    begin, end = int(times[1]) * 60 + int(times[2]), int(times[3]) * 60 + int(times[4])
    if begin >= DAY or end > DAY or int(times[2]) > 59 or int(times[4]) > 59 or begin == end:
        raise ValueError(rule)
    if begin < end:
        return [Span(day, begin, end)]
    late = [Span(day, begin, DAY)]
    return [*late, Span((day + 1) % 7, 0, end)] if end else late


def _joined(spans: Iterable[Span]) -> list[Span]:
    """In order, without overlaps."""
    joined: list[Span] = []
    for each in sorted(set(spans)):
        if joined and joined[-1].weekday == each.weekday and each.begin <= joined[-1].end:
            joined[-1] = joined[-1]._replace(end=max(joined[-1].end, each.end))
        else:
            joined.append(each)
    return joined
