"""When a rule holds: spans of weekdays and hours on the wall clock of the place. Pure: no Django."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Entry = Mapping[str, Any]  # Any: {"weekdays": [0..6], "from": "HH:MM", "until": "HH:MM"}, Monday is 0


def holds(schedule: Sequence[Entry], at: datetime, zone: str) -> bool:
    """An empty schedule always holds. `until` is not in the span; one that ends before it begins goes over midnight and
    belongs to the day on which it begins; the same hour twice is a whole day. The wall clock counts: in the hole of a
    spring night a span is an hour shorter, in autumn one longer.
    """
    local = at.astimezone(ZoneInfo(zone))
    return not schedule or any(_within(entry, local) for entry in schedule)


def _within(entry: Entry, local: datetime) -> bool:
    begin, end = time.fromisoformat(entry["from"]), time.fromisoformat(entry["until"])
    now, days = local.time().replace(tzinfo=None), entry["weekdays"]
    today, yesterday = local.weekday(), (local - timedelta(days=1)).weekday()
    if begin < end:
        return today in days and begin <= now < end
    return (today in days and now >= begin) or (yesterday in days and now < end)


def problems(schedule: Any) -> list[str]:
    """What makes it none, as words for a log or a form; empty when it is one. Any: what somebody sent."""
    if not isinstance(schedule, list):
        return ["no list"]
    return [f"no span: {entry!r}"[:120] for entry in schedule if not _is_entry(entry)]


def _is_entry(entry: Any) -> bool:
    """Any: what somebody sent."""
    if not isinstance(entry, dict) or set(entry) != {"weekdays", "from", "until"}:
        return False
    days = entry["weekdays"]
    if not isinstance(days, list) or not days or not all(type(day) is int and 0 <= day <= 6 for day in days):
        return False
    try:
        return all(time.fromisoformat(str(entry[edge])).tzinfo is None for edge in ("from", "until"))
    except ValueError:
        return False


# As people write it: "Mo-Fr 08:00-18:00", one span a line ----------------------------------------------------

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
LINE = re.compile(r"(?:(?P<days>[A-Za-z, \-]+?)\s+)?(?P<from>\d{1,2}:\d\d)\s*-\s*(?P<until>\d{1,2}:\d\d)")
MOST_SPANS = 20


def parse(text: str) -> list[dict[str, Any]]:
    """Raises ValueError with the line that is none. Without days every day is meant. Any: entries of a schedule."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_SPANS:
        raise ValueError(lines[MOST_SPANS])
    return [_parsed(line) for line in lines]


def _parsed(line: str) -> dict[str, Any]:
    """Any: an entry of a schedule."""
    match = LINE.fullmatch(line)
    if match is None:
        raise ValueError(line)
    try:
        edges = {edge: f"{time.fromisoformat(match[edge].zfill(5)):%H:%M}" for edge in ("from", "until")}
        days = _days(match["days"] or "Mo-Su")
    except ValueError:
        raise ValueError(line) from None
    return {"weekdays": days, **edges}


def _days(text: str) -> list[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = (word.strip()[:2].capitalize() for word in part.partition("-"))
        begin, end = DAYS.index(first), DAYS.index(last if dash else first)
        found |= {day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)}
    return sorted(found)


def written(schedule: Sequence[Entry]) -> str:
    return "\n".join(f"{_days_written(entry['weekdays'])} {entry['from']}-{entry['until']}" for entry in schedule)


def _days_written(days: Sequence[int]) -> str:
    ordered = sorted(days)
    if len(ordered) > 2 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{DAYS[ordered[0]]}-{DAYS[ordered[-1]]}"
    return ",".join(DAYS[day] for day in ordered)
