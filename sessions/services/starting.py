"""A session begins: StartTransaction (1.6), TransactionEvent Started (2.x), or the first sign of a lost start."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from evcms.core.events import publish, publish_many
from evcms.core.inserts import Insert
from evcms.core.prepared import PreparedMany, any_of
from sessions import energy, store
from sessions.events import SessionCorrected, SessionStarted
from sessions.models import ChargingSession
from sessions.vocabulary import (
    DiscrepancyKind,
    ReadingKind,
    Sample,
    SessionStart,
    SessionState,
    Started,
    TokenDecision,
    TokenType,
)
from stations import clocks
from stations import services as stations
from stations.models import Connector, Station

from . import _accounts, attempts, ending, following, reservations, tokens
from ._notes import note, tell

PLACEHOLDER: Final = "new "  # until the row has its number
_SESSIONS: Final = Insert(ChargingSession)


@dataclass(frozen=True)
class _Scene:
    """Where and when a session begins."""

    station: Station
    connector: Connector | None
    at: datetime
    offset: timedelta  # station clock minus ours, when it was wrong
    live: bool


@dataclass(frozen=True)
class _Beginning:
    """A session that is about to be stored. `decision` None: no token was presented."""

    start: SessionStart
    scene: _Scene
    session: ChargingSession
    decision: TokenDecision | None


_STATIONS: Final = PreparedMany(
    lambda pks: (
        Station.objects.filter(pk__in=pks)
        .order_by("pk")
        .only("pk", "identity", "organization_id", "site_id", "clock_skew_ms")
        .select_for_update()
    ),
    int,
)
_BY_CONTENT: Final = PreparedMany(
    lambda keys: (
        ChargingSession.objects.filter(any_of(("station_id", "start_key"), keys))
        .order_by("station_id", "pk")
        .select_for_update()
    ),
    int,
    str,
)
Stations = dict[int, Station]


def start(*, start: SessionStart) -> Started:
    """Idempotent by (station, transaction id), or by the start's content when we give the id. Never refuses: energy
    that flows without an accepted token is recorded, `decision` says what the station is told.

    Raises Station.DoesNotExist, and ValueError for a station that belongs to no organization.
    """
    return start_many(starts=[start])[0]


def start_many(*, starts: Sequence[SessionStart]) -> list[Started]:
    """As `start`, for messages of different stations; one that raises leaves none of them."""
    with transaction.atomic():
        places = _stations(starts)
        known = _known(starts)
        begun = _begin([start for start in starts if start.station_id not in known], places)
        return [
            _again(known[start.station_id], start) if start.station_id in known else begun[start.station_id]
            for start in starts
        ]


def _stations(starts: Sequence[SessionStart]) -> Stations:
    found = {row.pk: row for row in _STATIONS.rows(sorted((start.station_id,) for start in starts))}
    for start in starts:
        if start.station_id not in found:
            raise Station.DoesNotExist(f"no station {start.station_id}")
    return found


def _key(start: SessionStart) -> str:
    content = (start.evse, tokens.fold(start.token_value), start.meter_start_mwh, start.at.isoformat())
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _known(starts: Sequence[SessionStart]) -> dict[int, ChargingSession]:
    """By station: the sessions that these starts have begun already."""
    named = [(start.station_id, start.transaction_id) for start in starts if start.transaction_id is not None]
    unnamed = [(start.station_id, _key(start)) for start in starts if start.transaction_id is None]
    rows = [*store.sessions_of(named), *_BY_CONTENT.rows(sorted(unnamed))]
    return {row.station_id: row for row in rows}


def _scenes(starts: Sequence[SessionStart], places: Stations) -> list[_Scene]:
    """Raises ValueError for a station that belongs to no organization."""
    names = {start.station_id: (start.station_id, start.evse, start.connector or 1) for start in starts if start.evse}
    connectors = stations.ensure_connectors(names=list(names.values()))
    return [
        _scene(places[start.station_id], connectors.get(names[start.station_id]) if start.evse else None, start)
        for start in starts
    ]


def _scene(station: Station, connector: Connector | None, start: SessionStart) -> _Scene:
    if station.organization_id is None:
        raise ValueError("a station without organization has no sessions")
    skew = None if station.clock_skew_ms is None else timedelta(milliseconds=station.clock_skew_ms)
    moment = clocks.judge(start.at, start.received_at, clocks.Clock(skew=skew))
    offset = start.at - moment.at
    live = moment.live and _accounts.is_live(moment.at, start.received_at, start.offline)
    return _Scene(station, connector, moment.at, offset if abs(offset) > clocks.RIGHT else timedelta(0), live)


def _begin(starts: Sequence[SessionStart], places: Stations) -> dict[int, Started]:
    """New sessions, by station: one statement of each kind for all of them, then what is rare."""
    beginnings = _decided(starts, _scenes(starts, places))
    attempts.of_starts([(one.session, one.start.remote_start_id, one.decision) for one in beginnings])
    ending.close_predecessors({c.evse_id: one.scene.at for one in beginnings if (c := one.scene.connector) is not None})
    _store(beginnings)
    publish_many([_fact(one) for one in beginnings])
    _tell(beginnings)
    return {
        one.start.station_id: Started(one.session.pk, one.session.transaction_id, one.decision, True)
        for one in beginnings
    }


def _decided(starts: Sequence[SessionStart], scenes: Sequence[_Scene]) -> list[_Beginning]:
    """The sessions with the tokens that were presented, judged."""
    reserved = reservations.standing([(start.station_id, start.at) for start in starts])
    presented = {
        start.station_id: tokens.Presented(
            scene.station.organization_id, start.token_value, start.token_type, scene.at, start.judge
        )
        for start, scene in zip(starts, scenes, strict=True)
        if start.token_value or start.token_type == TokenType.NO_AUTHORIZATION
    }
    verdicts = dict(zip(presented, tokens.decide_many(list(presented.values())), strict=True))
    beginnings = []
    for start, scene in zip(starts, scenes, strict=True):
        token, decision = verdicts.get(start.station_id, (None, None))
        if decision is not None and start.station_id in reserved:
            decision = reservations.used(start.station_id, scene.connector, start, token, decision)
        session = _row(scene, start, decision)
        session.id_token_id = token.pk if token else None
        session.driver_id = token.driver_id if token else None
        beginnings.append(_Beginning(start, scene, session, decision))
    return beginnings


def _store(beginnings: Sequence[_Beginning]) -> None:
    entries = [_first_readings(one.session, one.start) for one in beginnings]
    _SESSIONS.keyed([one.session for one in beginnings])
    unnamed = [one.session for one in beginnings if one.start.transaction_id is None]
    for session in unnamed:
        session.transaction_id = str(session.pk)
    store.save_names(unnamed)
    _accounts.write_first(entries)
    for one in beginnings:
        _lost(one.session, one.start)


def _row(scene: _Scene, start: SessionStart, decision: TokenDecision | None) -> ChargingSession:
    key = None if start.transaction_id is not None else _key(start)
    return _SESSIONS.row(
        organization_id=scene.station.organization_id or 0,
        site_id=scene.station.site_id,
        station_id=scene.station.pk,
        connector_id=scene.connector.pk if scene.connector else None,
        evse_id=scene.connector.evse_id if scene.connector else None,
        transaction_id=start.transaction_id or PLACEHOLDER + str(key)[:32],
        start_key=key,
        protocol=start.protocol,
        state=start.state or SessionState.PREPARING,
        token_value=start.token_value[:255],
        authorized=decision is not None and decision.accepted,
        started_at=scene.at,
        start_received_at=start.received_at,
        last_event_at=scene.at,
        last_seq_no=start.seq_no,
        missing_seq=list(range(min(start.seq_no, following.MOST_MISSING))) if start.start_lost and start.seq_no else [],
        incomplete=start.start_lost,
        replayed=not scene.live,
        power_limit_w=scene.connector.max_power_w if scene.connector else 0,
        clock_offset_ms=int(scene.offset / timedelta(milliseconds=1)),
    )


def _first_readings(session: ChargingSession, start: SessionStart) -> _accounts.Entry:
    samples = list(start.samples)
    if start.meter_start_mwh is not None:
        samples.append(Sample(start.at, ReadingKind.BEGIN, energy_mwh=start.meter_start_mwh))
    entry = _accounts.account(session, samples, start.received_at)
    opening = energy.Meter(session.started_at, session.power_limit_w)
    opening.begin()
    entry.usage = energy.together(opening.usage, entry.usage)
    return entry


def _lost(session: ChargingSession, start: SessionStart) -> None:
    if start.start_lost:
        note(
            station_id=session.station_id,
            kind=DiscrepancyKind.START_LOST,
            session=session,
            transaction_id=session.transaction_id,
        )
    if session.clock_offset_ms:
        note(
            station_id=session.station_id,
            kind=DiscrepancyKind.CLOCK,
            session=session,
            offset_ms=session.clock_offset_ms,
        )


def _fact(one: _Beginning) -> SessionStarted:
    return SessionStarted(session_id=one.session.pk, attempt_id=one.session.attempt_id, live=one.scene.live)


def _tell(beginnings: Sequence[_Beginning]) -> None:
    live = [one for one in beginnings if one.scene.live]
    for one in live:
        tell("session.started", one.session)
    following.show_states(one.session for one in live if one.start.state is not None)


def _again(session: ChargingSession, start: SessionStart) -> Started:
    """A repeat changes nothing. A start that comes after its own Updated completes what was begun without it."""
    decision = None
    if start.token_value:
        decision = tokens.decide(
            organization_id=session.organization_id,
            value=start.token_value,
            token_type=start.token_type,
            at=session.started_at,
        )[1]
    if not start.start_lost and session.incomplete:
        _complete(session, start, decision)
    return Started(session.pk, session.transaction_id, decision, False)


def _complete(session: ChargingSession, start: SessionStart, decision: TokenDecision | None) -> None:
    """The real start of a session that was first seen as Updated or Ended: its moment, token and first readings."""
    before = _accounts.counted(session, session.ended_at)[0]
    following.number(session, start.seq_no)
    session.incomplete = bool(session.missing_seq)
    session.started_at = min(session.started_at, _accounts.corrected(session, start.at, start.received_at))
    if decision is not None and not session.token_value:
        session.token_value, session.authorized = start.token_value[:255], decision.accepted
        session.id_token = tokens.find(session.organization_id, start.token_value)
        session.driver_id = session.id_token.driver_id if session.id_token else None
        attempts.identified(session)
    _accounts.keep(session, start.samples, start.received_at)
    entry = _accounts.Entry(session)
    _accounts.recount(entry, before)
    session.save()
    _accounts.write([entry], quietly=True)
    publish(SessionCorrected(session_id=session.pk))
