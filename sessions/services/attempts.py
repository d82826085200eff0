"""Tries to charge, from the first sign to a session or a cause of failure. `Attempt.id` is the remoteStartId."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Final

from django.db import transaction
from django.db.models import Q

from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from evcms.core.events import publish
from evcms.core.inserts import Insert
from evcms.core.models import User
from evcms.core.prepared import PreparedMany
from sessions import energy, store
from sessions.events import SessionFailed, SessionJoined
from sessions.models import Attempt, ChargingSession, Driver
from sessions.success import OVER
from sessions.vocabulary import ATTEMPT_MOVES, AttemptKind, AttemptState, FailureCause, TokenDecision, TokenType
from stations import commands
from stations import services as stations
from stations.models import Command, Connector, Variable
from stations.vocabulary import CommandState

from . import attempt_days, tokens

CONNECTION_TIME_OUT: Final = 120  # seconds to plug in, when the station does not say (1.6 ConnectionTimeOut)
MARGIN: Final = timedelta(seconds=60)  # for the station's message to arrive
STILL_JOINED: Final = timedelta(hours=1)  # a start this late after we gave up still belongs to the attempt
GUEST_DAYS: Final = timedelta(days=2)  # a guest's token outlives the longest stay that anybody pays for at once
TIME_OUT_KEYS: Final = (("", "ConnectionTimeOut"), ("TxCtrlr", "EVConnectionTimeOut"))
CAUSES: Final = {
    CommandState.REJECTED: FailureCause.REFUSED,
    CommandState.CALLERROR: FailureCause.REFUSED,
    CommandState.UNSUPPORTED: FailureCause.REFUSED,
    CommandState.OFFLINE: FailureCause.OFFLINE,
    CommandState.TIMEOUT: FailureCause.TIMEOUT,
}
_ATTEMPTS: Final = Insert(Attempt)


def request_start(
    *,
    connector: Connector,
    kind: AttemptKind,
    origin: str,
    token_value: str | None = None,
    driver: Driver | None = None,
    access: Access | None = None,
    first_at: datetime | None = None,
) -> Attempt:
    """Asks the station to start. Without a token one is made for the guest. The answer, a start, or the expiry ends it.
    `first_at`: when the driver began, if that was before (he opened a payment).

    Raises PermissionDenied when a person may not, ValueError when the station belongs to nobody.
    """
    if access is not None:
        access.demand(Permission.COMMAND)
    station = connector.station
    if station.organization_id is None:
        raise ValueError("a station without organization starts nothing")
    now = clock.now()
    with transaction.atomic():
        token_type: str = TokenType.ISO14443
        if token_value is None:
            guest = tokens.guest_token(
                organization_id=station.organization_id, driver=driver, expires_at=now + GUEST_DAYS
            )
            token_value, token_type = guest.value, guest.type
        elif (known := tokens.find(station.organization_id, token_value)) is not None:
            token_type, driver = known.type, driver or known.driver
        attempt = Attempt.objects.create(
            organization_id=station.organization_id,
            station=station,
            connector=connector,
            kind=kind,
            token_value=token_value,
            driver=driver,
            at=now,
            first_at=first_at,
            expires_at=now + timedelta(seconds=_time_out(station.pk)) + MARGIN,
        )
        command = commands.StartCharging(token_value, attempt.pk, connector.evse.number, token_type)
        row = stations.send(station=station, command=command, origin=origin, user=access.user if access else None)
        attempt.command_id = row.pk
        attempt.save(update_fields=["command_id"])
        if access is not None:
            audit.record(access, "session.start_requested", connector, attempt=attempt.pk, token=token_value)
    return attempt


def plug_in_by(attempt: Attempt) -> datetime | None:
    """Until when the station waits for the car; we wait a little longer for its word."""
    return attempt.expires_at - MARGIN if attempt.expires_at else None


def _time_out(station_id: int) -> int:
    """Seconds that the station waits for a cable, as it reported them; else the usual ones."""
    keys = Q()
    for component, variable in TIME_OUT_KEYS:
        keys |= Q(component=component, variable=variable)
    said = Variable.objects.filter(keys, station_id=station_id, attribute="Actual").values_list("value", flat=True)
    seconds = [int(value) for value in said if value and value.isascii() and value.isdigit() and len(value) < 6]
    return min(max(seconds, default=CONNECTION_TIME_OUT), 3600)


def request_stop(
    *, session: ChargingSession, origin: str, user: User | None = None, access: Access | None = None
) -> Command:
    """Asks the station to stop. The session ends when the station says so. Raises PermissionDenied."""
    if access is not None:
        access.demand(Permission.COMMAND)
        user = access.user
    with transaction.atomic():
        command = commands.StopCharging(session.transaction_id)
        row = stations.send(station=session.station, command=command, origin=origin, user=user)
        if access is not None:
            audit.record(access, "session.stop_requested", session)
    return row


# What becomes of them -------------------------------------------------------------------------------------------------


Beginning = tuple[ChargingSession, int | None, TokenDecision | None]  # with the remoteStartId that it named


def of_starts(beginnings: Sequence[Beginning]) -> None:
    """The attempts behind new sessions: the remote one that each answers, else the tap or the plug itself."""
    remote = _stations_with_remote_starts(session.station_id for session, _, _ in beginnings)
    own: list[tuple[ChargingSession, Attempt]] = []
    for session, remote_start_id, decision in beginnings:
        asked = remote_start_id is not None or session.station_id in remote
        if not (asked and join(session, remote_start_id, session.token_value)):
            own.append((session, _own(session, decision)))
    _ATTEMPTS.keyed([attempt for _, attempt in own])
    for session, attempt in own:
        session.attempt = attempt


def _own(session: ChargingSession, decision: TokenDecision | None) -> Attempt:
    kind = AttemptKind.TAP if session.token_value else AttemptKind.PLUG
    refused = decision is not None and not decision.accepted
    return _ATTEMPTS.row(
        organization_id=session.organization_id,
        station_id=session.station_id,
        connector_id=session.connector_id,
        kind=kind,
        state=AttemptState.FAILED if refused else AttemptState.STARTED,
        cause=FailureCause.TOKEN if refused else "",
        detail=decision.verdict if refused and decision else "",
        token_value=session.token_value,
        driver_id=session.driver_id,
        at=session.started_at,
    )


def join(session: ChargingSession, remote_start_id: int | None, token_value: str) -> bool:
    """Finds the remote start that this session answers, by its id or by its token, and takes it.

    Stations change the token: case, and cut to 20 characters.
    """
    attempt = _sought(session.station_id, remote_start_id, token_value)
    if attempt is None:
        return False
    move(attempt, AttemptState.STARTED)
    session.attempt = attempt
    session.driver_id = attempt.driver_id or session.driver_id
    if session.pk:
        session.save(update_fields=["attempt", "driver"])
    return True


def _open(since: datetime) -> Q:
    """Asked for by a command, and not too long ago; with every station of a list, so that its index is seen."""
    return Q(Q(state=AttemptState.REQUESTED) | Q(state=AttemptState.FAILED, at__gte=since), command_id__isnull=False)


_JOINABLE: Final = PreparedMany(
    lambda keys: (
        Attempt.objects.filter(
            reduce(or_, (Q(_open(since), station_id=station_id) for station_id, since in keys)), session=None
        )
        .order_by()
        .values_list("station_id")
    ),
    int,
    datetime,
)


def _stations_with_remote_starts(station_ids: Iterable[int]) -> set[int]:
    since = clock.now() - STILL_JOINED
    return {pk for (pk,) in _JOINABLE.tuples([(pk, since) for pk in station_ids])}


def _sought(station_id: int, remote_start_id: int | None, token_value: str) -> Attempt | None:
    if remote_start_id is None and not _stations_with_remote_starts([station_id]):
        return None
    rows = Attempt.objects.filter(
        _open(clock.now() - STILL_JOINED), station_id=station_id, session=None
    ).select_for_update(of=("self",))
    if remote_start_id is not None and (row := rows.filter(pk=remote_start_id).first()):
        return row
    if not token_value:
        return None
    same = Q(token_value__iexact=token_value)
    if len(token_value) == tokens.SHORTENED:
        same |= Q(token_value__istartswith=token_value)
    return rows.filter(same).order_by("-at").first()


def rejoin(session: ChargingSession, remote_start_id: int | None, token_value: str) -> bool:
    """A remote start, or its token, came after the plug: the plug's own attempt ends in it."""
    own = session.attempt
    if own is not None and own.command_id is not None:
        return False
    if not join(session, remote_start_id, token_value):
        return False
    if own is not None:
        if own.state in OVER or own.parts.exists():
            attempt_days.forget(organization_id=own.organization_id, at=own.at)
        own.delete()
    if session.attempt_id is not None:
        publish(SessionJoined(session_id=session.pk, attempt_id=session.attempt_id))
    return True


def identified(session: ChargingSession) -> None:
    """A token came after the plug; it may be the one of a remote start."""
    if not rejoin(session, None, session.token_value) and session.attempt_id is not None:
        own = Attempt.objects.filter(pk=session.attempt_id, command_id=None)
        own.update(token_value=session.token_value, driver_id=session.driver_id)


def ended(sessions: Iterable[ChargingSession]) -> None:
    """A session without energy is a failed try, whatever was paid for it."""
    now = clock.now()
    store.end_attempts([(session.attempt_id, *_outcome(session), now) for session in sessions if session.attempt_id])


def _outcome(session: ChargingSession) -> tuple[str, str]:
    if session.energy_mwh < energy.NO_ENERGY_MWH:
        return AttemptState.FAILED.value, FailureCause.NO_ENERGY.value
    return AttemptState.ENDED.value, ""


def move(attempt: Attempt, state: AttemptState) -> None:
    """Raises ValueError for a move that ATTEMPT_MOVES does not know."""
    if state not in ATTEMPT_MOVES[AttemptState(attempt.state)]:
        raise ValueError(f"an attempt does not go from {attempt.state} to {state}")
    attempt.state = state
    if state == AttemptState.STARTED:
        attempt.cause = ""
    attempt.ended_at = clock.now() if state in (AttemptState.ENDED, AttemptState.FAILED) else None
    attempt.judge_at = clock.now()
    attempt.save(update_fields=["state", "cause", "ended_at", "detail", "judge_at"])


def fail(*, attempt_id: int, cause: FailureCause, detail: str = "") -> bool:
    """A request that comes to nothing; publishes SessionFailed. False when it has started or ended meanwhile."""
    with transaction.atomic():
        mine = Attempt.objects.filter(pk=attempt_id, state=AttemptState.REQUESTED)
        now = clock.now()
        failed = mine.update(state=AttemptState.FAILED, cause=cause, detail=detail[:255], ended_at=now, judge_at=now)
        if failed:
            publish(SessionFailed(attempt_id=attempt_id, cause=str(cause)))
    return bool(failed)


def in_vain(
    *, connector: Connector, kind: AttemptKind, cause: FailureCause, at: datetime, driver: Driver | None, detail: str
) -> Attempt:
    """A try that ended before the station was asked: the card was declined, the payment page left. `at`: its begin.

    Raises ValueError when the station belongs to nobody.
    """
    if connector.station.organization_id is None:
        raise ValueError("nobody charges at a station without organization")
    return Attempt.objects.create(
        organization_id=connector.station.organization_id,
        station=connector.station,
        connector=connector,
        kind=kind,
        state=AttemptState.FAILED,
        cause=cause,
        detail=detail[:255],
        driver=driver,
        at=at,
        ended_at=clock.now(),
    )


def command_answered(*, command_id: str) -> None:
    """The station's answer to a start: refused or unheard means that the attempt has failed, for that cause."""
    command = Command.objects.get(pk=command_id)
    cause = CAUSES.get(CommandState(command.state))
    if command.remote_start_id is None or cause is None:
        return
    attempt = Attempt.objects.filter(pk=command.remote_start_id, command_id=command.pk).first()
    if attempt is not None:
        fail(attempt_id=attempt.pk, cause=cause, detail=command.answer_status or command.error)


def expire_attempts() -> int:
    """The sweep: accepted, but no cable came in time (ConnectionTimeOut and a margin)."""
    due = Attempt.objects.filter(state=AttemptState.REQUESTED, expires_at__lte=clock.now())
    ids = list(due.order_by("expires_at").values_list("pk", flat=True)[:500])
    return sum(fail(attempt_id=pk, cause=FailureCause.NOT_PLUGGED) for pk in ids)
