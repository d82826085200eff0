"""The statements of the hot path, written once: a reading costs one lookup, one insert, one update and one rollup.

Plain SQL because the ORM's compiler costs more than the statements (measured: 0.2 ms a row against 0.02 ms); column
names come from the models, so a renamed field fails at import. All of it runs in the caller's transaction.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from evcms.core import clock, sql
from evcms.core.inserts import Conversions, conversions
from evcms.core.prepared import PreparedMany, any_of
from evcms.core.sqltime import stored

from .energy import Usage, hour_of
from .models import Attempt, ChargingSession, LateHour, MeterSample, UsageHour
from .vocabulary import AttemptState, Sample

Value = Any  # Any: what a database column takes

_BY_TRANSACTION: Final = PreparedMany(
    lambda keys: (
        ChargingSession.objects.filter(any_of(("station_id", "transaction_id"), keys))
        .order_by("station_id", "pk")
        .select_for_update()
    ),
    int,
    str,
)

SAMPLE_FIELDS: Final = (
    "session",
    "station",
    "evse_number",
    "kind",
    "at",
    "received_at",
    "energy_mwh",
    "power_w",
    "offered_w",
    "current_ma",
    "voltage_mv",
    "soc_percent",
    "extra",
    "quarantined",
)
MEASURES: Final = SAMPLE_FIELDS[6:13]
PROGRESS_FIELDS: Final = (
    "state",
    "meter_start_mwh",
    "meter_last_mwh",
    "meter_last_at",
    "energy_mwh",
    "charging_seconds",
    "power_w",
    "max_power_w",
    "soc_percent",
    "last_sample_at",
    "last_event_at",
    "last_seq_no",
    "missing_seq",
    "incomplete",
    "watch_mwh",
)
READ_FIELDS: Final = (  # what a reading or an Updated looks at; the rest is loaded when somebody asks for it
    *PROGRESS_FIELDS,
    "public_id",
    "organization",
    "station",
    "evse",
    "connector",
    "attempt",
    "transaction_id",
    "token_value",
    "started_at",
    "ended_at",
    "power_limit_w",
    "clock_offset_ms",
    "replayed",
)
END_FIELDS: Final = (
    *PROGRESS_FIELDS,
    "ended_at",
    "end_received_at",
    "closed_by",
    "estimated",
    "stop_reason",
    "stop_token_value",
    "meter_stop_mwh",
)


_IN_PROGRESS: Final = PreparedMany(
    lambda keys: (
        ChargingSession.objects.filter(any_of(("station_id", "transaction_id"), keys))
        .only(*READ_FIELDS)
        .order_by("station_id", "pk")
        .select_for_update()
    ),
    int,
    str,
)


def in_progress(keys: Sequence[tuple[int, str]]) -> list[ChargingSession]:
    """As `sessions_of`, with the READ_FIELDS alone."""
    return _IN_PROGRESS.rows(sorted(keys))


def sessions_of(keys: Sequence[tuple[int, str]]) -> list[ChargingSession]:
    """The sessions of (station, transaction id), locked in the order of their stations."""
    return _BY_TRANSACTION.rows(sorted(keys))


def _columns(model: type[Any], names: Iterable[str]) -> list[str]:
    """Any: a model class of ours."""
    return [model._meta.get_field(name).column for name in names]


_SAMPLES = MeterSample._meta.db_table
_SAMPLE_COLUMNS = _columns(MeterSample, SAMPLE_FIELDS)
_MERGE = ", ".join(f"{name} = COALESCE({_SAMPLES}.{name}, excluded.{name})" for name in _columns(MeterSample, MEASURES))
_MARKS = ", ".join(["%s"] * len(_SAMPLE_COLUMNS))
# S608: every name below is a column or table of our own models, every value a parameter
_INSERT_SAMPLE = f"INSERT INTO {_SAMPLES} ({', '.join(_SAMPLE_COLUMNS)}) VALUES ({_MARKS}) ON CONFLICT "  # noqa: S608
# A second report of one moment adds what the first did not say and changes nothing of it.
OF_SESSION = f"{_INSERT_SAMPLE} (session_id, at, kind) WHERE session_id IS NOT NULL DO UPDATE SET {_MERGE}"
OF_STATION = f"{_INSERT_SAMPLE} (station_id, evse_number, at, kind) WHERE session_id IS NULL DO UPDATE SET {_MERGE}"

_PROGRESS: Final = conversions(ChargingSession, PROGRESS_FIELDS)
_END: Final = conversions(ChargingSession, END_FIELDS)
_SET_PROGRESS = ", ".join(f"{name} = %s" for name in _columns(ChargingSession, PROGRESS_FIELDS))
UPDATE_SESSION = f"UPDATE {ChargingSession._meta.db_table} SET {_SET_PROGRESS} WHERE id = %s"  # noqa: S608

SET_NAME = f"UPDATE {ChargingSession._meta.db_table} SET transaction_id = %s WHERE id = %s"  # noqa: S608

_SET_END = ", ".join(f"{name} = %s" for name in _columns(ChargingSession, END_FIELDS))
END_SESSION = f"UPDATE {ChargingSession._meta.db_table} SET {_SET_END} WHERE id = %s"  # noqa: S608
_END_TRY = "SET state = %s, cause = %s, ended_at = %s, judge_at = %s WHERE id = %s AND state = %s"
END_ATTEMPT = f"UPDATE {Attempt._meta.db_table} {_END_TRY}"

_HOURS = UsageHour._meta.db_table
_PEAK = f"{_HOURS}.max_power_w"
_HIGHER = f"CASE WHEN excluded.max_power_w > {_PEAK} THEN excluded.max_power_w ELSE {_PEAK} END"
_SUMS = ("energy_mwh", "sessions_started", "charging_seconds", "occupied_seconds")
_ADDED = ", ".join(f"{name} = {_HOURS}.{name} + excluded.{name}" for name in _SUMS)
_NEW_HOUR = f"INSERT INTO {_HOURS} (evse_id, hour, {', '.join(_SUMS)}, max_power_w) VALUES (%s, %s, %s, %s, %s, %s, %s)"  # noqa: S608
ADD_USAGE = f"{_NEW_HOUR} ON CONFLICT (evse_id, hour) DO UPDATE SET {_ADDED}, max_power_w = {_HIGHER}"
_CHANGED = ", ".join(f"{name} = {name} + %s" for name in _SUMS)
_RAISED = "max_power_w = CASE WHEN max_power_w < %s THEN %s ELSE max_power_w END"
TAKE_USAGE = f"UPDATE {_HOURS} SET {_CHANGED}, {_RAISED} WHERE evse_id = %s AND hour = %s"  # noqa: S608
NOTE_LATE = f"INSERT INTO {LateHour._meta.db_table} (evse_id, hour) VALUES (%s, %s)"  # noqa: S608
SETTLED_S: Final = 11 * 3600  # after which an hour's day may be final (services.rollups)


def sample_row(
    sample: Sample,
    at: datetime,
    received_at: datetime,
    station_id: int,
    session_id: int | None,
    evse: int,
    counted: bool,
) -> list[Value]:
    return [
        session_id,
        station_id,
        evse,
        int(sample.kind),
        stored(at),
        stored(received_at),
        sample.energy_mwh,
        sample.power_w,
        sample.offered_w,
        sample.current_ma,
        sample.voltage_mv,
        sample.soc_percent,
        extra_of(sample),
        not counted,
    ]


def extra_of(sample: Sample) -> str | None:
    """The rest of a reading as JSON text: phases, other measurands, signed values, refused ones."""
    extra: dict[str, Value] = {}
    if sample.phases:
        extra["phases"] = sample.phases
    if sample.interval_mwh is not None:
        extra["interval_mwh"] = sample.interval_mwh
    for name in ("other", "signed", "refused"):
        if values := getattr(sample, name):
            extra[name] = values
    return json.dumps(extra, separators=(",", ":")) if extra else None


def insert_samples(rows: Sequence[list[Value]]) -> None:
    """Rows of `sample_row`; a moment that is there already keeps what it has and takes what it lacks."""
    for statement, chosen in (
        (OF_SESSION, [row for row in rows if row[0] is not None]),
        (OF_STATION, [row for row in rows if row[0] is None]),
    ):
        sql.execute(statement, chosen)


def save_progress(sessions: Iterable[ChargingSession]) -> None:
    """What a reading or an Updated may have changed, in the order of the sessions given."""
    sql.execute(UPDATE_SESSION, [[*_values(session, _PROGRESS), session.pk] for session in sessions])


def save_names(sessions: Iterable[ChargingSession]) -> None:
    """1.6: the transaction id that we give is the row's own number."""
    sql.execute(SET_NAME, [[session.transaction_id, session.pk] for session in sessions])


def save_ends(sessions: Iterable[ChargingSession]) -> None:
    """As `save_progress`, and what the end of a session changes beside."""
    sql.execute(END_SESSION, [[*_values(session, _END), session.pk] for session in sessions])


def end_attempts(ends: Iterable[tuple[int, str, str, datetime]]) -> None:
    """(id, state, cause, moment). Only an attempt that has started ends; then it is judged."""
    started = AttemptState.STARTED.value
    sql.execute(END_ATTEMPT, [[state, cause, stored(at), stored(at), pk, started] for pk, state, cause, at in ends])


def _values(session: ChargingSession, fields: Conversions) -> list[Value]:
    known = session.__dict__  # whoever writes these fields has read them; a descriptor for each costs as much again
    return [known[name] if convert is None else convert(known[name]) for name, convert in fields]


def add_usage(changes: Iterable[tuple[int, dict[int, Usage]]]) -> None:
    """Adds to the hours of EVSEs. Rows go in order of EVSE and hour, so that two writers never wait in a circle."""
    more, less, late = [], [], []
    settled = clock.now().timestamp() - SETTLED_S
    for evse_id, hours in sorted(changes, key=lambda change: change[0]):
        for second, usage in sorted(hours.items()):
            sums = [usage.energy_mwh, usage.started, usage.charging_s, usage.occupied_s]
            hour = stored(hour_of(second))
            if second < settled:
                late.append([evse_id, hour])
            if min(sums) < 0:  # a correction; the row is there
                less.append([*sums, usage.max_power_w, usage.max_power_w, evse_id, hour])
            else:
                more.append([evse_id, hour, *sums, usage.max_power_w])
    sql.execute(ADD_USAGE, more)
    sql.execute(TAKE_USAGE, less)
    sql.execute(NOTE_LATE, late)


def note_late(evse_id: int, at: datetime) -> None:
    """What was counted of the EVSE's day at that moment has changed; nothing to do where the day is still counted."""
    if at.timestamp() < clock.now().timestamp() - SETTLED_S:
        sql.execute(NOTE_LATE, [[evse_id, stored(hour_of(int(at.timestamp()) // 3600 * 3600))]])
