"""What a running session is told beside its readings: numbers, states, a token that comes after the plug, its EVSE."""

from collections.abc import Iterable
from typing import Final

from evcms.core.events import publish
from evcms.core.prepared import PreparedMany
from sessions import store
from sessions.events import SessionIdentified
from sessions.models import ChargingSession
from sessions.vocabulary import DiscrepancyKind, SessionState, SessionUpdate, TokenDecision
from stations import services as stations
from stations.models import Connector
from stations.vocabulary import ConnectorStatus

from . import _accounts, attempts, tokens
from ._notes import note

SHOWN: Final = {
    SessionState.PREPARING: ConnectorStatus.PREPARING,
    SessionState.CHARGING: ConnectorStatus.CHARGING,
    SessionState.SUSPENDED_EV: ConnectorStatus.SUSPENDED_EV,
    SessionState.SUSPENDED_EVSE: ConnectorStatus.SUSPENDED_EVSE,
    SessionState.FINISHING: ConnectorStatus.FINISHING,
    SessionState.ENDED: ConnectorStatus.FINISHING,
}
_CONNECTORS: Final = PreparedMany(
    lambda pks: Connector.objects.filter(pk__in=pks).order_by().values_list("pk", "evse__number", "number", "status"),
    int,
)
MOST_MISSING: Final = 100  # numbers remembered; more is a station that counts otherwise


def follow(session: ChargingSession, update: SessionUpdate) -> TokenDecision | None:
    """Changes the session object; the caller writes it with its readings. The verdict when a token was presented."""
    at = _accounts.corrected(session, update.at, update.received_at)
    is_newest = session.last_event_at is None or at >= session.last_event_at
    number(session, update.seq_no)
    if is_newest:
        session.last_event_at = at
        if update.state is not None and session.state not in (SessionState.ENDED, update.state):
            session.state = update.state
            if _accounts.is_live(at, update.received_at, update.offline):
                show_state(session)
    if update.evse and session.evse_id is None:
        _place(session, update.evse, update.connector)
    if update.remote_start_id is not None:
        attempts.rejoin(session, update.remote_start_id, "")
    return _identify(session, update) if update.token_value else None


def number(session: ChargingSession, seq_no: int | None) -> None:
    """2.0.1 part 2, 1.3.3: numbers rise by one. A gap is remembered until it is filled.

    One that is not higher is late, or the counting begins anew (after a reboot), or the station never counts at all:
    nothing is concluded from it.
    """
    if seq_no is None:
        return
    if seq_no in session.missing_seq:
        session.missing_seq = [number for number in session.missing_seq if number != seq_no]
        session.incomplete = bool(session.missing_seq)
        return
    last = session.last_seq_no
    if last is not None and seq_no > last + 1:
        missing = list(range(last + 1, min(seq_no, last + 1 + MOST_MISSING)))
        session.missing_seq = [*session.missing_seq, *missing][:MOST_MISSING]
        session.incomplete = True
        note(
            station_id=session.station_id,
            kind=DiscrepancyKind.SEQUENCE_GAP,
            session=session,
            after=last,
            before=seq_no,
        )
    session.last_seq_no = seq_no if last is None else max(seq_no, last) if seq_no else 0


def show_state(session: ChargingSession) -> None:
    show_states([session])


def show_states(sessions: Iterable[ChargingSession]) -> None:
    """What sessions know about their connectors, which 2.x calls Occupied."""
    there = {session.connector_id: session for session in sessions if session.connector_id and not session.replayed}
    words = []
    for pk, evse, number, status in _CONNECTORS.tuples([(pk,) for pk in there]):
        session, shown = there[pk], SHOWN[SessionState(there[pk].state)]
        if status != shown and session.last_event_at is not None:
            words.append(stations.SessionWord(session.station_id, evse, shown, session.last_event_at, number))
    if words:
        stations.session_statuses(words=words)


def _place(session: ChargingSession, evse: int, connector: int | None) -> None:
    """The station says where it is only now: the hours so far go to that EVSE."""
    row = stations.ensure_connector(station_id=session.station_id, evse=evse, connector=connector or 1)
    if row is None:
        return
    before = _accounts.counted(session, session.ended_at)[0]
    session.connector, session.evse_id, session.power_limit_w = row, row.evse_id, row.max_power_w
    session.save(update_fields=["connector", "evse", "power_limit_w"])
    store.add_usage([(row.evse_id, before.usage)])


def _identify(session: ChargingSession, update: SessionUpdate) -> TokenDecision:
    """Started without a token, now there is one (2.0.1 E03: plug first); later ones belong to the stop."""
    token, decision = tokens.decide(
        organization_id=session.organization_id,
        value=update.token_value,
        token_type=update.token_type,
        at=update.at,
        judge=update.judge,
    )
    if not session.token_value:
        session.token_value, session.id_token, session.authorized = update.token_value, token, decision.accepted
        session.driver_id = token.driver_id if token else None
        session.save(update_fields=["token_value", "id_token", "authorized", "driver"])
        attempts.identified(session)
        publish(SessionIdentified(session_id=session.pk))
    return decision
