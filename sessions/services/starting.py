"""A session begins: StartTransaction (1.6), TransactionEvent Started (2.x), or the first sign of a lost start."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from evcms.core.events import publish
from evcms.core.inserts import Insert
from evcms.core.prepared import Prepared
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


_STATION = Prepared(
    lambda pk: (
        Station.objects.filter(pk=pk)
        .only("pk", "identity", "organization_id", "site_id", "clock_skew_ms")
        .select_for_update()
    ),
    int,
)
_BY_CONTENT = Prepared(
    lambda station_id, key: (
        ChargingSession.objects.filter(station_id=station_id, start_key=key).select_for_update().order_by("pk")[:1]
    ),
    int,
    str,
)


def start(*, start: SessionStart) -> Started:
    """Idempotent by (station, transaction id), or by the start's content when we give the id. Never refuses: energy
    that flows without an accepted token is recorded, `decision` says what the station is told.

    Raises Station.DoesNotExist, and ValueError for a station that belongs to no organization.
    """
    with transaction.atomic():
        station = _STATION.get(start.station_id)
        found = _known(start)
        if found is not None:
            return _again(found, start)
        if station.organization_id is None:
            raise ValueError("a station without organization has no sessions")
        scene = _scene(station, start)
        return _begin(scene, start)


def _key(start: SessionStart) -> str:
    content = (start.evse, tokens.fold(start.token_value), start.meter_start_mwh, start.at.isoformat())
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _known(start: SessionStart) -> ChargingSession | None:
    if start.transaction_id is not None:
        return store.BY_TRANSACTION.first(start.station_id, start.transaction_id)
    return _BY_CONTENT.first(start.station_id, _key(start))


def _scene(station: Station, start: SessionStart) -> _Scene:
    connector = None
    if start.evse:
        connector = stations.ensure_connector(station_id=station.pk, evse=start.evse, connector=start.connector or 1)
    skew = None if station.clock_skew_ms is None else timedelta(milliseconds=station.clock_skew_ms)
    moment = clocks.judge(start.at, start.received_at, clocks.Clock(skew=skew))
    offset = start.at - moment.at
    live = moment.live and _accounts.is_live(moment.at, start.received_at, start.offline)
    return _Scene(station, connector, moment.at, offset if abs(offset) > clocks.RIGHT else timedelta(0), live)


def _begin(scene: _Scene, start: SessionStart) -> Started:
    token, decision = None, None
    if start.token_value or start.token_type == TokenType.NO_AUTHORIZATION:
        token, decision = tokens.decide(
            organization_id=scene.station.organization_id,
            value=start.token_value,
            token_type=start.token_type,
            at=scene.at,
            judge=start.judge,
        )
        decision = reservations.used(scene.station.pk, scene.connector, start, token, decision)
    session = _row(scene, start, decision)
    session.id_token = token
    session.driver_id = token.driver_id if token else None
    attempts.of_start(session, start.remote_start_id, decision)
    if scene.connector is not None:
        ending.close_predecessors(scene.connector.evse_id, before=scene.at)
    _SESSIONS.one(session)
    if start.transaction_id is None:
        session.transaction_id = str(session.pk)
        store.name_after_key(session)
    _first_readings(session, start)
    _lost(session, start)
    _told(session, start, scene)
    return Started(session.pk, session.transaction_id, decision, True)


def _row(scene: _Scene, start: SessionStart, decision: TokenDecision | None) -> ChargingSession:
    key = None if start.transaction_id is not None else _key(start)
    return ChargingSession(
        organization_id=scene.station.organization_id or 0,
        site_id=scene.station.site_id,
        station=scene.station,
        connector=scene.connector,
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


def _first_readings(session: ChargingSession, start: SessionStart) -> None:
    samples = list(start.samples)
    if start.meter_start_mwh is not None:
        samples.append(Sample(start.at, ReadingKind.BEGIN, energy_mwh=start.meter_start_mwh))
    entry = _accounts.account(session, samples, start.received_at)
    opening = energy.Meter(session.started_at, session.power_limit_w)
    opening.begin()
    entry.usage = energy.together(opening.usage, entry.usage)
    _accounts.write([entry], quietly=True)


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


def _told(session: ChargingSession, start: SessionStart, scene: _Scene) -> None:
    publish(SessionStarted(session_id=session.pk, attempt_id=session.attempt_id, live=scene.live))
    if scene.live:
        tell("session.started", session)
        if start.state is not None:
            following.show_state(session)


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
