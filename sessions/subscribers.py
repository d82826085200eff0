"""What charging hears from the street."""

from datetime import datetime

from django.db import transaction

from evcms.core.events import subscribe
from stations import commands
from stations.events import CommandAnswered, ConnectorStatusChanged
from stations.vocabulary import ConnectorStatus

from .events import SessionCorrected
from .models import ChargingSession
from .services import attempts, judging, reservations, sweeps
from .vocabulary import SessionState

STATES = {
    ConnectorStatus.CHARGING: SessionState.CHARGING,
    ConnectorStatus.SUSPENDED_EV: SessionState.SUSPENDED_EV,
    ConnectorStatus.SUSPENDED_EVSE: SessionState.SUSPENDED_EVSE,
    ConnectorStatus.FINISHING: SessionState.FINISHING,
}


@subscribe(CommandAnswered, "charging.take_answer")
def take_answer(event: CommandAnswered) -> None:
    match event.kind:
        case commands.StartCharging.__name__:
            attempts.command_answered(command_id=event.command_id)
        case commands.ReserveNow.__name__ | commands.CancelReservation.__name__:
            reservations.command_answered(command_id=event.command_id)
        case commands.GetTransactionStatus.__name__:
            sweeps.transaction_status_answered(command_id=event.command_id)


@subscribe(SessionCorrected, "charging.judge_again")
def judge_again(event: SessionCorrected) -> None:
    judging.judge_again(session_id=event.session_id)


def tells_of_a_session(event: ConnectorStatusChanged) -> bool:
    return event.connector_id is not None and event.status in STATES


@subscribe(ConnectorStatusChanged, "charging.follow_connector", when=tells_of_a_session)
def follow_connector(event: ConnectorStatusChanged) -> None:
    """1.6 says how a session goes on through its connector's status; 2.x says it in the session itself."""
    assert event.connector_id is not None  # tells_of_a_session
    state = STATES[ConnectorStatus(event.status)]
    at = datetime.fromisoformat(event.at)
    with transaction.atomic():
        running = ChargingSession.objects.filter(connector_id=event.connector_id, ended_at=None, last_event_at__lte=at)
        running.exclude(state=state).update(state=state, last_event_at=at)
