"""Stations where nobody charges although people usually do."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from alerts import silence
from alerts.vocabulary import IncidentKind
from sessions import signs
from stations.fleet import Standing

from .finding import Finding, View

WEEKS: Final = 8
WEEK: Final = timedelta(weeks=1)
DAY: Final = timedelta(days=1)
WORTH_A_LOOK: Final = timedelta(hours=3)  # since the last start


def silent(view: View) -> Iterator[Finding]:
    """Only stations that look well: online, without a fault, nobody charging. Others have incidents that say why."""
    busy = signs.busy_stations()
    well = [
        one
        for one in view.stations.values()
        if one.online and not one.faulted and not one.in_maintenance and one.id not in busy
    ]
    last = signs.last_starts(one.id for one in well)
    waiting = [one for one in well if one.id in last and view.now - last[one.id] >= WORTH_A_LOOK]
    starts = signs.starts_by_hour([one.id for one in waiting], since=view.now - WEEKS * WEEK)
    moods = {pk: _mood(pk, view.now) for pk in {one.organization_id for one in waiting}}
    for station in waiting:
        found = _judge(view, station, last[station.id], starts.get(station.id, ()), moods[station.organization_id])
        if found:
            yield found


def _mood(organization_id: int, now: datetime) -> float:
    came = signs.starts_of(organization_id, since=now - DAY, until=now)
    before = [
        signs.starts_of(organization_id, since=now - DAY - back * WEEK, until=now - back * WEEK)
        for back in range(1, WEEKS + 1)
    ]
    known = [count for count in before if count]
    return silence.mood(came, sum(known) / len(known)) if known else 0.0


def _judge(
    view: View, station: Standing, last: datetime, starts: Iterable[tuple[datetime, int]], mood: float
) -> Finding | None:
    rows = [(hour, count) for hour, count in starts if hour < last]
    weeks = (view.now - rows[0][0]) // WEEK if rows else 0
    usual = silence.usual(rows, zone=station.zone, weeks=min(WEEKS, weeks))
    if usual is None:
        return None
    expected = usual.expected(last, view.now) * mood
    kind = IncidentKind.SILENT_STATION
    if silence.chance_of_none(expected) * 1000 >= view.setting(kind, station).threshold:
        return None
    title = _("Nobody charges at %(station)s") % {"station": station.label}
    return view.at_station(
        kind, f"silent:{station.id}", station, title, view.now, why=_why(usual, last, view.now, station.zone)
    )


def _why(usual: silence.Usual, last: datetime, now: datetime, zone: str) -> str:
    tz = ZoneInfo(zone)
    said = {
        "count": round(usual.expected(last, now)),
        "day": date_format(now.astimezone(tz), "l"),
        "last": date_format(last.astimezone(tz), "l H:i"),
    }
    return _("Usually %(count)s sessions by now on a %(day)s; none since %(last)s.") % said
