"""What no message brings: sessions whose stop was lost, and events that never came."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest

from evcms.core import clock
from evcms.core.events import publish
from sessions.events import SessionCorrected
from sessions.models import ChargingSession
from sessions.vocabulary import SessionState
from stations import commands, queries
from stations import services as stations
from stations.models import Command
from stations.vocabulary import CommandState, ConnectorStatus

from . import ending

FREE_FOR: Final = timedelta(minutes=1)  # a queued StopTransaction may still come
ASK_AFTER: Final = timedelta(hours=6)  # of silence about a session, while its station is online
GIVE_UP_AFTER: Final = timedelta(hours=12)
WAIT_FOR_EVENTS: Final = timedelta(hours=24)
MOST: Final = 200  # sessions in one sweep


def close_lost_sessions() -> int:
    """Ends sessions whose stop was lost: their connector is free again, or nothing was heard of them for hours although
    the station is online. Sessions of stations that are offline wait: the station will speak. Returns how many.
    """
    closed = sum(_close(session, "its connector is free again") for session in _at_free_connectors())
    for session in _silent(ASK_AFTER):
        if not queries.online(session.station):
            continue
        if _last_heard(session) <= clock.now() - GIVE_UP_AFTER:
            closed += _close(session, "nothing was heard of it for hours")
        else:
            _ask(session)
    _stop_waiting()
    return closed


def _running() -> QuerySet[ChargingSession]:
    return ChargingSession.objects.filter(ended_at=None).select_related("station", "connector__evse")


def _at_free_connectors() -> list[ChargingSession]:
    free = Q(connector__status=ConnectorStatus.AVAILABLE, connector__status_at__lte=clock.now() - FREE_FOR)
    return list(_running().filter(free, connector__status_at__gt=F("started_at")).order_by("pk")[:MOST])


def _silent(how_long: timedelta) -> QuerySet[ChargingSession]:
    heard = Greatest(
        Coalesce("last_sample_at", "started_at"), Coalesce("last_event_at", "started_at"), "start_received_at"
    )
    return _running().annotate(heard=heard).filter(heard__lte=clock.now() - how_long).order_by("pk")[:MOST]


def _last_heard(session: ChargingSession) -> datetime:
    return max(filter(None, (session.last_sample_at, session.last_event_at, session.start_received_at)))


def _close(session: ChargingSession, why: str) -> bool:
    with transaction.atomic():
        locked = ChargingSession.objects.select_for_update().filter(pk=session.pk, ended_at=None).first()
        if locked is None:
            return False
        ending.close(session=locked, why=why)
    return True


def _ask(session: ChargingSession) -> None:
    """Once: 2.x stations tell whether it still runs; others answer with readings, or not."""
    asked = Command.objects.filter(
        station_id=session.station_id,
        kind__in=[commands.GetTransactionStatus.__name__, commands.Trigger.__name__],
        origin=f"silent session {session.pk}",
    )
    if asked.exists():
        return
    evse = session.connector.evse.number if session.connector else None
    for command in (
        commands.GetTransactionStatus(session.transaction_id),
        commands.Trigger("MeterValues", evse=evse),
    ):
        stations.send(station=session.station, command=command, origin=f"silent session {session.pk}", expires_in=300)


def transaction_status_answered(*, command_id: str) -> None:
    """GetTransactionStatus: not running any more and nothing queued closes a session that we hold for running; nothing
    queued means that missing events never come, and that its bill need not wait for them.
    """
    command = Command.objects.get(pk=command_id)
    if command.state != CommandState.ACCEPTED or not isinstance(command.answer, dict):
        return
    if command.answer.get("messagesInQueue") is not False:
        return
    with transaction.atomic():
        session = (
            ChargingSession.objects.select_for_update()
            .filter(station_id=command.station_id, transaction_id=command.fields["transaction_id"])
            .first()
        )
        if session is None:
            return
        if session.ended_at is None and command.answer.get("ongoingIndicator") is False:
            ending.close(session=session, why="the station says that it is over")
        if session.ended_at is not None and session.incomplete:
            _complete(session)


def _stop_waiting() -> None:
    """Missing events of ended sessions that did not come within a day will not come."""
    old = ChargingSession.objects.filter(
        state=SessionState.ENDED, incomplete=True, end_received_at__lte=clock.now() - WAIT_FOR_EVENTS
    )
    for session in old.order_by("pk")[:MOST]:
        with transaction.atomic():
            _complete(session)


def _complete(session: ChargingSession) -> None:
    ChargingSession.objects.filter(pk=session.pk).update(incomplete=False)
    publish(SessionCorrected(session_id=session.pk))
