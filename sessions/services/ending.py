"""A session ends: by the station's word, by ours when the word never comes, and corrected when it comes late."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from evcms.core import clock
from evcms.core.events import publish_many
from evcms.core.prepared import PreparedMany, any_of
from sessions import energy, store
from sessions.events import SessionCorrected, SessionEnded
from sessions.models import ChargingSession
from sessions.vocabulary import (
    ClosedBy,
    DiscrepancyKind,
    Ended,
    ReadingKind,
    Sample,
    SessionEnd,
    SessionState,
    TokenDecision,
)
from stations import commands
from stations import services as stations

from . import _accounts, attempts, following, tokens
from ._notes import note, tell

NO_ID: Final = frozenset({"0", "-1"})  # what 1.6 stations say that started offline and never learnt the id
SAME_MESSAGE: Final = timedelta(seconds=60)
MOST_KEPT: Final = 50  # registers of an orphan's readings; all of them are in the message log
Finish = tuple[ChargingSession, SessionEnd]


def end(*, end: SessionEnd) -> Ended:
    """Ends in any case, whoever asks; `decision` is the validity of the token that stopped it.

    A repeat changes nothing; other values than before are kept beside; what the system had closed is corrected.
    Nobody's stop is kept as a discrepancy and never applied to another session – unless the station makes the ids
    (`id_by_station`): then nothing is written and the caller starts the session that this ends.
    """
    return end_many(ends=[end])[0]


def end_many(*, ends: Sequence[SessionEnd]) -> list[Ended]:
    """As `end`, for messages of different stations."""
    with transaction.atomic():
        sessions = _found(ends)
        results: list[Ended] = []
        finished: list[Finish] = []
        for end, session, decision in zip(ends, sessions, _decisions(ends), strict=True):
            if session is None:
                results.append(_nobodys(end, decision))
            elif session.ended_at is not None and not session.estimated:
                results.append(_again(session, end, decision))
            else:
                finished.append((session, end))
                results.append(Ended(session.pk, decision, True))
        _finish(finished)
    return results


def _decisions(ends: Sequence[SessionEnd]) -> list[TokenDecision | None]:
    """None where no token was presented."""
    owners = dict(tokens.ORGANIZATIONS.tuples([(end.station_id,) for end in ends if end.token_value]))
    presented = {
        end.station_id: tokens.Presented(owners[end.station_id], end.token_value, end.token_type, end.at)
        for end in ends
        if end.token_value
    }
    decided = dict(zip(presented, tokens.decide_many(list(presented.values())), strict=True))
    return [decided[end.station_id][1] if end.token_value else None for end in ends]


def _found(ends: Sequence[SessionEnd]) -> list[ChargingSession | None]:
    keys = [(end.station_id, end.transaction_id) for end in ends if not _is_nameless(end)]
    named = {(row.station_id, row.transaction_id): row for row in store.sessions_of(keys)}
    return [_nameless(end) if _is_nameless(end) else named.get((end.station_id, end.transaction_id)) for end in ends]


def _is_nameless(end: SessionEnd) -> bool:
    return end.transaction_id in NO_ID and not end.id_by_station


def _nameless(end: SessionEnd) -> ChargingSession | None:
    """Matched by token, meter and open order; two connectors that both fit leave it an orphan.

    A repeat of such a stop finds the session that it ended.
    """
    rows = ChargingSession.objects.filter(station_id=end.station_id).select_for_update()
    ended = rows.filter(ended_at=end.at, meter_stop_mwh=end.meter_stop_mwh).first()
    if ended is not None:
        return ended
    running = rows.filter(ended_at=None, started_at__lte=end.at).order_by("started_at")
    fits = [row for row in running if _may_be(row, end)]
    token = tokens.fold(end.token_value)
    chosen = [row for row in fits if token and tokens.fold(row.token_value) == token] or fits
    return chosen[0] if len({row.connector_id for row in chosen}) == 1 else None


def _may_be(session: ChargingSession, end: SessionEnd) -> bool:
    known = session.meter_last_mwh
    return known is None or end.meter_stop_mwh is None or end.meter_stop_mwh >= known - energy.ROUNDING_MWH


def _nobodys(end: SessionEnd, decision: TokenDecision | None) -> Ended:
    if not end.id_by_station:
        registers = [[sample.at.isoformat(), sample.energy_mwh] for sample in end.samples[:MOST_KEPT]]
        note(
            station_id=end.station_id,
            kind=DiscrepancyKind.UNKNOWN_STOP,
            **_said(end, **({"readings": registers} if registers else {})),
        )
    return Ended(None, decision, False)


def _said(end: SessionEnd, **more: Any) -> dict[str, Any]:
    """Any: JSON values."""
    return {
        "transaction_id": end.transaction_id,
        "at": end.at.isoformat(),
        "meter_stop_mwh": _stop_register(end),
        "reason": end.reason,
        "token": end.token_value,
        **more,
    }


def _again(session: ChargingSession, end: SessionEnd, decision: TokenDecision | None) -> Ended:
    at = max(_accounts.corrected(session, end.at, end.received_at), session.started_at)
    if at != session.ended_at or _stop_register(end) != session.meter_stop_mwh:
        note(station_id=session.station_id, kind=DiscrepancyKind.CONFLICTING_STOP, session=session, **_said(end))
    return Ended(session.pk, decision, False)


def _stop_register(end: SessionEnd) -> int | None:
    if end.meter_stop_mwh is not None:
        return end.meter_stop_mwh
    registers = [sample.energy_mwh for sample in _accounts.arranged(end.samples) if sample.energy_mwh is not None]
    return registers[-1] if registers else None


def _finish(finished: Sequence[Finish]) -> None:
    """One statement of each kind for all of them, then what is rare."""
    facts = [_fact(session, end) for session, end in finished]  # before the rows say that they have ended
    _note_late(session for session, _ in finished)  # those that had ended before, as an estimate
    _accounts.write([_close(session, end) for session, end in finished], quietly=True, save=store.save_ends)
    _forget_watches(session for session, _ in finished)
    attempts.ended(session for session, _ in finished)
    publish_many(facts)
    # 1.6 connectors speak for themselves
    following.show_states(session for session, end in finished if end.id_by_station and _is_live(session, end))
    _note_late(session for session, _ in finished)
    for session, end in finished:
        tell("session.ended", session)
        if session.incomplete and end.closed_by == ClosedBy.STATION:
            ask_what_is_missing(session)


def _note_late(sessions: Iterable[ChargingSession]) -> None:
    """A stay is counted on the day of its end."""
    for session in sessions:
        if session.evse_id is not None and session.ended_at is not None:
            store.note_late(session.evse_id, session.ended_at)


def _fact(session: ChargingSession, end: SessionEnd) -> SessionEnded | SessionCorrected:
    if session.ended_at is not None:
        return SessionCorrected(session_id=session.pk)
    return SessionEnded(session_id=session.pk, attempt_id=session.attempt_id, live=_is_live(session, end))


def _moment(session: ChargingSession, end: SessionEnd) -> datetime:
    return max(_accounts.corrected(session, end.at, end.received_at), session.started_at)


def _is_live(session: ChargingSession, end: SessionEnd) -> bool:
    at = _moment(session, end)
    return not end.estimated and _accounts.is_live(at, end.received_at, end.offline or session.replayed)


def _close(session: ChargingSession, end: SessionEnd) -> _accounts.Entry:
    """Changes the session object; the caller writes it with its last readings."""
    at = _moment(session, end)
    following.number(session, end.seq_no)
    session.closed_by, session.estimated = end.closed_by, end.estimated
    session.stop_reason, session.stop_token_value = end.reason[:64], end.token_value[:255]
    session.meter_stop_mwh = _stop_register(end)
    session.end_received_at = end.received_at
    entry = _settle_meter(session, _last_samples(end), at, end.received_at)
    session.state, session.power_w = SessionState.ENDED, 0
    session.last_event_at = max(at, session.last_event_at or at)
    return entry


def _forget_watches(sessions: Iterable[ChargingSession]) -> None:
    """After the last readings were held against them."""
    watched = [session.pk for session in sessions if session.watch_mwh is not None]
    if watched:
        ChargingSession.objects.filter(pk__in=watched).update(watch_mwh=None)


def _last_samples(end: SessionEnd) -> list[Sample]:
    """Readings of the stop itself never lie after it: clocks of meter and station differ by moments."""
    samples = [
        replace(sample, at=end.at) if end.at < sample.at <= end.at + SAME_MESSAGE else sample for sample in end.samples
    ]
    if end.meter_stop_mwh is not None:
        samples.append(Sample(end.at, ReadingKind.END, energy_mwh=end.meter_stop_mwh))
    return samples


def _settle_meter(
    session: ChargingSession, samples: list[Sample], at: datetime, received_at: datetime
) -> _accounts.Entry:
    """Counts up to the end. In order: from where the meter stands; else all anew."""
    in_order = session.ended_at is None and (session.last_sample_at is None or session.last_sample_at <= at)
    before = None if in_order else _accounts.counted(session, session.ended_at)[0]
    if in_order:
        entry = _accounts.account(session, samples, received_at)
        meter = _accounts.meter_of(session)
        meter.close(at)
        entry.usage = energy.together(entry.usage, meter.usage)
        session.ended_at = at
        return entry
    assert before is not None
    session.ended_at = at
    entry = _accounts.Entry(session)
    _accounts.keep(session, samples, received_at)
    _accounts.recount(entry, before)
    return entry


# Without the station's word ------------------------------------------------------------------------------------------


_RUNNING_BEFORE: Final = PreparedMany(
    lambda keys: (
        ChargingSession.objects.filter(any_of(("evse_id", "started_at__lt"), keys), ended_at=None)
        .order_by("station_id", "pk")
        .select_for_update()
    ),
    int,
    datetime,
)


def close_predecessors(begins: Mapping[int, datetime]) -> None:
    """A new session at an EVSE proves that the older one there is over, though its stop was never reported.

    `begins`: when the new session of each EVSE (by its id) begins.
    """
    for session in _RUNNING_BEFORE.rows(list(begins.items())):
        close(session=session, until=begins[session.evse_id or 0], why="a new session began there")


def close(*, session: ChargingSession, why: str, until: datetime | None = None) -> None:
    """Ends a session at its last sign of life, with its last meter, as an estimate. A late stop corrects it."""
    now = clock.now()
    with transaction.atomic():
        last = max(filter(None, (session.last_sample_at, session.last_event_at, session.started_at)))
        last = min(last, until or now)
        end = SessionEnd(
            station_id=session.station_id,
            transaction_id=session.transaction_id,
            at=last + timedelta(milliseconds=session.clock_offset_ms),
            received_at=now,
            closed_by=ClosedBy.SYSTEM,
            estimated=True,
        )
        _finish([(session, end)])
        note(station_id=session.station_id, kind=DiscrepancyKind.STOP_LOST, session=session, why=why)


def ask_what_is_missing(session: ChargingSession) -> None:
    """2.x E14: the station says whether messages of this transaction still wait in its queue."""
    stations.send(
        station=session.station,
        command=commands.GetTransactionStatus(session.transaction_id),
        origin="missing events",
        expires_in=300,
    )
