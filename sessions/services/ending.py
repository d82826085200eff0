"""A session ends: by the station's word, by ours when the word never comes, and corrected when it comes late."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from evcms.core import clock
from evcms.core.events import publish
from evcms.core.prepared import Prepared
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


def end(*, end: SessionEnd) -> Ended:
    """Ends in any case, whoever asks; `decision` is the validity of the token that stopped it.

    A repeat changes nothing; other values than before are kept beside; what the system had closed is corrected.
    Nobody's stop is kept as a discrepancy and never applied to another session – unless the station makes the ids
    (`id_by_station`): then nothing is written and the caller starts the session that this ends.
    """
    with transaction.atomic():
        session = _found(end)
        decision = _decision(end)
        if session is None:
            return _nobodys(end, decision)
        if session.ended_at is not None and not session.estimated:
            return _again(session, end, decision)
        _finish(session, end)
        return Ended(session.pk, decision, True)


def _decision(end: SessionEnd) -> TokenDecision | None:
    if not end.token_value:
        return None
    station = tokens.STATION_OF.get(end.station_id)
    return tokens.decide(
        organization_id=station.organization_id, value=end.token_value, token_type=end.token_type, at=end.at
    )[1]


def _found(end: SessionEnd) -> ChargingSession | None:
    if end.transaction_id in NO_ID and not end.id_by_station:
        return _nameless(ChargingSession.objects.filter(station_id=end.station_id).select_for_update(), end)
    return store.BY_TRANSACTION.first(end.station_id, end.transaction_id)


def _nameless(rows: QuerySet[ChargingSession], end: SessionEnd) -> ChargingSession | None:
    """Matched by token, meter and open order; two connectors that both fit leave it an orphan.

    A repeat of such a stop finds the session that it ended.
    """
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


def _finish(session: ChargingSession, end: SessionEnd) -> None:
    correction = session.ended_at is not None
    following.number(session, end.seq_no)
    at = max(_accounts.corrected(session, end.at, end.received_at), session.started_at)
    session.closed_by, session.estimated = end.closed_by, end.estimated
    session.stop_reason, session.stop_token_value = end.reason[:64], end.token_value[:255]
    session.meter_stop_mwh = _stop_register(end)
    session.end_received_at = end.received_at
    _settle_meter(session, _last_samples(end), at, end.received_at)
    live = not end.estimated and _accounts.is_live(at, end.received_at, end.offline or session.replayed)
    _close_row(session, at)
    attempts.ended(session, no_energy=session.energy_mwh < energy.NO_ENERGY_MWH)
    if correction:
        publish(SessionCorrected(session_id=session.pk))
    else:
        publish(SessionEnded(session_id=session.pk, attempt_id=session.attempt_id, live=live))
    if live and end.id_by_station:  # 1.6 connectors speak for themselves
        following.show_state(session)
    tell("session.ended", session)
    if session.incomplete and end.closed_by == ClosedBy.STATION:
        ask_what_is_missing(session)


def _last_samples(end: SessionEnd) -> list[Sample]:
    """Readings of the stop itself never lie after it: clocks of meter and station differ by moments."""
    samples = [
        replace(sample, at=end.at) if end.at < sample.at <= end.at + SAME_MESSAGE else sample for sample in end.samples
    ]
    if end.meter_stop_mwh is not None:
        samples.append(Sample(end.at, ReadingKind.END, energy_mwh=end.meter_stop_mwh))
    return samples


def _settle_meter(session: ChargingSession, samples: list[Sample], at: datetime, received_at: datetime) -> None:
    """Counts up to the end. In order: from where the meter stands; else all anew."""
    in_order = session.ended_at is None and (session.last_sample_at is None or session.last_sample_at <= at)
    before = None if in_order else _accounts.counted(session, session.ended_at)[0]
    if in_order:
        entry = _accounts.account(session, samples, received_at)
        meter = _accounts.meter_of(session)
        meter.close(at)
        entry.usage = energy.together(entry.usage, meter.usage)
        session.ended_at = at
        _accounts.write([entry], quietly=True)
        return
    assert before is not None
    session.ended_at = at
    entry = _accounts.Entry(session)
    _accounts.keep(session, samples, received_at)
    _accounts.recount(entry, before)
    _accounts.write([entry], quietly=True)


def _close_row(session: ChargingSession, at: datetime) -> None:
    session.ended_at, session.state, session.power_w = at, SessionState.ENDED, 0
    session.last_event_at = max(at, session.last_event_at or at)
    session.watch_mwh = None
    store.save_end(session)


# Without the station's word ------------------------------------------------------------------------------------------


_RUNNING_BEFORE = Prepared(
    lambda evse_id, before: (
        ChargingSession.objects.filter(evse_id=evse_id, ended_at=None, started_at__lt=before)
        .order_by("pk")
        .select_for_update()
    ),
    int,
    datetime,
)


def close_predecessors(evse_id: int, *, before: datetime) -> None:
    """A new session at an EVSE proves that the older one there is over, though its stop was never reported."""
    for session in _RUNNING_BEFORE.rows(evse_id, before):
        close(session=session, until=before, why="a new session began there")


def close(*, session: ChargingSession, why: str, until: datetime | None = None) -> None:
    """Ends a session at its last sign of life, with its last meter, as an estimate. A late stop corrects it."""
    now = clock.now()
    with transaction.atomic():
        last = max(filter(None, (session.last_sample_at, session.last_event_at, session.started_at)))
        last = min(last, until or now)
        _finish(
            session,
            SessionEnd(
                station_id=session.station_id,
                transaction_id=session.transaction_id,
                at=last + timedelta(milliseconds=session.clock_offset_ms),
                received_at=now,
                closed_by=ClosedBy.SYSTEM,
                estimated=True,
            ),
        )
        note(station_id=session.station_id, kind=DiscrepancyKind.STOP_LOST, session=session, why=why)


def ask_what_is_missing(session: ChargingSession) -> None:
    """2.x E14: the station says whether messages of this transaction still wait in its queue."""
    stations.send(
        station=session.station,
        command=commands.GetTransactionStatus(session.transaction_id),
        origin="missing events",
        expires_in=300,
    )
