"""Attempts followed by the worker: signs of one try joined, stages filled in, one cause named. Never in the gateway.

Everything is concluded anew from rows that are there already, so a look may come twice, late, or after a correction;
`Attempt.judge_at` says when the next one is due. One worker at a time: the watermark's lock.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from evcms.core import clock
from sessions import energy, verdicts
from sessions.models import AcceptedTap, Attempt, ChargingSession, MeterSample, Watermark
from sessions.vocabulary import AttemptKind, AttemptState, FailureCause
from stations.models import Connector, StatusChange
from stations.vocabulary import OCCUPIED_STATUSES, ConnectorStatus

from . import _clues, attempt_days, tokens

TOGETHER: Final = timedelta(minutes=5)  # signs this close at one connector are one try
PATIENCE: Final = timedelta(minutes=3)  # for a start to follow a card or a cable: ConnectionTimeOut and a margin
LOOK_AGAIN: Final = timedelta(minutes=2)  # at an attempt that is under way
UNDER_WAY: Final = timedelta(hours=48)  # then its end brings it back
PLUGGED_FOR: Final = timedelta(hours=12)  # how long before its start a car may have stood there
LONGEST: Final = timedelta(hours=1)  # from the first sign to the failure of an attempt that another one continues
STATUSES_AT_ONCE: Final = 500
AT_ONCE: Final = 25  # of one transaction: SQLite lets nobody else write meanwhile
ROUNDS: Final = 20
WITHOUT_ENERGY: Final = (verdicts.Stage.SIGN, verdicts.Stage.AUTHORIZED, verdicts.Stage.PLUGGED, verdicts.Stage.STARTED)


def judge_attempts() -> int:
    """The sweep: new plugs and cards, then the attempts that are due. Returns how many were looked at."""
    with transaction.atomic():
        _follow_plugs(attempt_days.lock())
    with transaction.atomic():
        attempt_days.lock()
        _follow_taps()
    done = 0
    for _round in range(ROUNDS):
        with transaction.atomic():
            attempt_days.lock()
            found = _due()
            attempt_days.recount([_look_at(pk) for pk in found])
        if not found:
            break
        done += len(found)
    attempt_days.count_from_the_beginning()
    return done


def _look_at(pk: int) -> Attempt:
    """Read one by one: a look changes its neighbours."""
    attempt = Attempt.objects.select_related("session", "station").get(pk=pk)
    _judge(attempt)
    return attempt


def judge_again(*, session_id: int) -> None:
    """Late facts changed a session: its attempt is looked at anew."""
    Attempt.objects.filter(session=session_id).update(judge_at=clock.now())


def _due() -> list[int]:
    rows = Attempt.objects.filter(judge_at__lte=clock.now()).order_by("judge_at", "pk")
    return list(rows.values_list("pk", flat=True)[:AT_ONCE])


# Signs that no door turns into an attempt ---------------------------------------------------------------------------


def _follow_plugs(mark: Watermark) -> None:
    """Cars that were plugged in and for which nothing started."""
    rows = StatusChange.objects.filter(pk__gt=mark.position, received_at__lte=clock.now() - PATIENCE).order_by("pk")
    changes = list(rows.select_related("connector__station")[:STATUSES_AT_ONCE])
    for change in changes:
        connector = change.connector
        if change.status == ConnectorStatus.PREPARING and connector is not None and _is_new_plug(change):
            _plugged(connector, change.happened_at)
    if changes:
        mark.position = changes[-1].pk
        mark.save(update_fields=["position"])


def _is_new_plug(change: StatusChange) -> bool:
    before = StatusChange.objects.filter(connector=change.connector_id, happened_at__lt=change.happened_at)
    last = before.order_by("-happened_at", "-pk").values_list("status", flat=True).first()
    return last not in OCCUPIED_STATUSES


def _plugged(connector: Connector, at: datetime) -> None:
    station = connector.station
    if station.organization_id is None or ChargingSession.objects.filter(_near_session(at), connector=connector):
        return
    near = Attempt.objects.filter(station=station, part_of=None, at__gte=at - TOGETHER, at__lte=at + PATIENCE)
    placeless = near.filter(connector=None, authorized_at__isnull=False)
    if near.filter(connector=connector).update(judge_at=clock.now()):
        return
    if placeless.update(connector=connector, judge_at=clock.now()):
        return
    Attempt.objects.create(
        organization_id=station.organization_id,
        station=station,
        connector=connector,
        kind=AttemptKind.PLUG,
        state=AttemptState.FAILED,
        cause=FailureCause.NOTHING,
        at=at,
        ended_at=at + PATIENCE,
    )


def _near_session(at: datetime) -> Q:
    begun = Q(started_at__gte=at - TOGETHER, started_at__lte=at + PATIENCE)
    return begun | Q(started_at__lte=at, ended_at=None) | Q(started_at__lte=at, ended_at__gte=at)


def _follow_taps() -> None:
    """Cards that were accepted: each belongs to a start, ended a session, or is an attempt that came to nothing."""
    for tap in AcceptedTap.objects.filter(at__lte=clock.now() - PATIENCE).order_by("at", "pk")[:STATUSES_AT_ONCE]:
        _tapped(tap)
        tap.delete()


def _tapped(tap: AcceptedTap) -> None:
    same = Q(token_value__iexact=tap.token_value)
    sessions = ChargingSession.objects.filter(station=tap.station_id)
    stopped = same | Q(stop_token_value__iexact=tap.token_value)
    running = Q(ended_at=None) | Q(ended_at__gte=tap.at - TOGETHER)
    if sessions.filter(stopped, running, started_at__lt=tap.at - TOGETHER).exists():
        return  # held up to end what it had begun
    begun = Attempt.objects.filter(same, station=tap.station_id, session__isnull=False)
    if begun.filter(at__gte=tap.at - TOGETHER, at__lte=tap.at + TOGETHER).update(
        first_at=tap.at, authorized_at=tap.at, judge_at=clock.now()
    ):
        return
    token = tokens.find(tap.organization_id, tap.token_value)
    who = {"token_value": tap.token_value, "driver": token.driver if token else None, "authorized_at": tap.at}
    plugs = Attempt.objects.filter(station=tap.station_id, kind=AttemptKind.PLUG, cause=FailureCause.NOTHING)
    plugs = plugs.filter(token_value="", at__gte=tap.at - PLUGGED_FOR, at__lte=tap.at + PATIENCE)
    plug = plugs.filter(part_of=None, connector__status__in=OCCUPIED_STATUSES).order_by("-at").first()
    if plug is not None:
        Attempt.objects.filter(pk=plug.pk).update(**who, judge_at=clock.now())
        return
    Attempt.objects.create(
        organization_id=tap.organization_id,
        station_id=tap.station_id,
        kind=AttemptKind.TAP,
        state=AttemptState.FAILED,
        cause=FailureCause.NOTHING,
        at=tap.at,
        ended_at=tap.at + PATIENCE,
        **who,
    )


# One attempt --------------------------------------------------------------------------------------------------------


def _judge(attempt: Attempt) -> None:
    now, session = clock.now(), _session_of(attempt)
    _snapshot(attempt)
    _find_stages(attempt, session)
    attempt.judge_at = _next_look(attempt, session, now)
    over = attempt.state in (AttemptState.FAILED, AttemptState.ENDED)
    if over:
        _conclude(attempt, session)
    if attempt.judged_at is None and attempt.part_of_id is None:
        _wake_neighbours(attempt)
    if attempt.state == AttemptState.FAILED and attempt.energy_at is None:
        _join(attempt)
    else:
        attempt.part_of = None
    attempt.judged_at = now
    attempt.save()


def _session_of(attempt: Attempt) -> ChargingSession | None:
    try:
        return attempt.session
    except ChargingSession.DoesNotExist:
        return None


def _snapshot(attempt: Attempt) -> None:
    """Where it was and by what, as it is now: later changes of the station do not move what was."""
    if attempt.judged_at is None:
        attempt.site_id = attempt.station.site_id
        attempt.model, attempt.firmware = attempt.station.model, attempt.station.firmware_version


def _next_look(attempt: Attempt, session: ChargingSession | None, now: datetime) -> datetime | None:
    """None: nothing more comes by itself; an end or a correction sets it anew."""
    running = session is not None and session.ended_at is None
    if running and attempt.energy_at is None and now - attempt.at < UNDER_WAY:
        return now + LOOK_AGAIN
    if session is None and attempt.state == AttemptState.REQUESTED and now - attempt.at < UNDER_WAY:
        return now + LOOK_AGAIN
    return None


def _find_stages(attempt: Attempt, session: ChargingSession | None) -> None:
    if session is not None:
        attempt.connector_id = session.connector_id or attempt.connector_id
        attempt.started_at = session.started_at
        attempt.energy_at = _energy_at(session)
    attempt.plugged_at = _plugged_at(attempt, session)
    if attempt.authorized_at is None:
        attempt.authorized_at = _authorized_at(attempt, session)
    moments = (attempt.first_at, attempt.at, attempt.authorized_at, attempt.plugged_at)
    attempt.first_at = min(moment for moment in moments if moment is not None)
    attempt.stage = verdicts.stage(
        authorized=attempt.authorized_at is not None,
        plugged=attempt.plugged_at is not None,
        started=attempt.started_at is not None,
        energy=attempt.energy_at is not None,
        well=False,
    )


def _authorized_at(attempt: Attempt, session: ChargingSession | None) -> datetime | None:
    """A start that we asked for was paid or allowed before; a station's own start tells by its token."""
    if attempt.command_id is not None:
        return attempt.at
    return session.started_at if session is not None and session.authorized else None


def _energy_at(session: ChargingSession) -> datetime | None:
    if session.energy_mwh < energy.NO_ENERGY_MWH:
        return None
    flows = Q(power_w__gt=0)
    if session.meter_start_mwh is not None:
        flows |= Q(energy_mwh__gt=session.meter_start_mwh)
    rows = MeterSample.objects.filter(flows, session=session, quarantined=False)
    return rows.order_by("at").values_list("at", flat=True).first() or session.last_sample_at or session.started_at


def _plugged_at(attempt: Attempt, session: ChargingSession | None) -> datetime | None:
    """Since when the car stood there: the newest run of occupied statuses before the start, or in the waiting time."""
    if attempt.connector_id is None:
        return session.started_at if session else None
    until = session.started_at + timedelta(seconds=5) if session else _waited_until(attempt)
    rows = StatusChange.objects.filter(connector=attempt.connector_id, happened_at__lte=until)
    said = rows.filter(happened_at__gt=until - PLUGGED_FOR).order_by("-happened_at", "-pk")
    since = None
    for status, at in said.values_list("status", "happened_at")[:20]:
        if status in OCCUPIED_STATUSES:
            since = at
        elif since is not None or session is not None or at <= attempt.at:
            break
    if session is not None:
        return min(since or session.started_at, session.started_at)
    return since


def _waited_until(attempt: Attempt) -> datetime:
    """A station that was asked waits as long as it says; a page that was left stays open long after its driver."""
    end = attempt.ended_at or clock.now()
    return end if attempt.command_id is not None else min(end, attempt.at + PATIENCE)


def _conclude(attempt: Attempt, session: ChargingSession | None) -> None:
    """State, cause and the one party; a person's word on the party stays."""
    clues = _clues.of(attempt, session)
    flowed = attempt.energy_at is not None
    if flowed and not clues:
        attempt.state, attempt.cause, attempt.stage = AttemptState.ENDED, "", verdicts.Stage.ENDED_WELL
        attempt.party, attempt.rule, attempt.clues = "", "", ""
        attempt.counted, attempt.conflicting = True, False
        return
    attempt.state = AttemptState.FAILED
    if flowed:
        attempt.cause = FailureCause.INTERRUPTED
    elif session is not None and not attempt.cause:
        attempt.cause = FailureCause.NO_ENERGY
    told = clues or frozenset({verdicts.Clue.UNEXPLAINED})
    attempt.clues = ",".join(rule.clue for rule in verdicts.RULES if rule.clue in told)
    attempt.conflicting = verdicts.contradictory(told)
    if attempt.decided_at is None:
        rule = verdicts.judge(told)
        attempt.party, attempt.rule, attempt.counted = rule.cause.value, rule.clue.value, rule.counted


# Joining ------------------------------------------------------------------------------------------------------------


def _neighbours(attempt: Attempt) -> QuerySet[Attempt]:
    return Attempt.objects.filter(station=attempt.station_id).exclude(pk=attempt.pk)


def _wake_neighbours(attempt: Attempt) -> None:
    """Failed ones shortly before may turn out to be the beginning of this one."""
    since = min(attempt.at - TOGETHER - LONGEST, attempt.plugged_at or attempt.at)
    rows = _neighbours(attempt).filter(state=AttemptState.FAILED, stage__in=WITHOUT_ENERGY, judged_at__isnull=False)
    rows.filter(at__gte=since, at__lte=attempt.at + TOGETHER).update(judge_at=clock.now())


def _join(attempt: Attempt) -> None:
    """Into the attempt that went on from here: the next one at the connector, by the card, or of the car still plugged
    in. Its own parts go along.
    """
    lead = next((each for each in _later(attempt) if _continues(attempt, each)), None)
    attempt.part_of = lead
    if lead is not None:
        Attempt.objects.filter(part_of=attempt).update(part_of=lead)
        later = Q(first_at=None) | Q(first_at__gt=attempt.first_at)
        Attempt.objects.filter(later, pk=lead.pk).update(first_at=attempt.first_at)


def _later(attempt: Attempt) -> list[Attempt]:
    until = max(attempt.ended_at or attempt.at, attempt.at) + TOGETHER
    near = Q(at__lte=until)
    if attempt.plugged_at is not None:
        near |= Q(plugged_at=attempt.plugged_at, connector=attempt.connector_id)
    later = Q(at__gt=attempt.at) | Q(at=attempt.at, pk__gt=attempt.pk)
    return list(_neighbours(attempt).filter(near & later, part_of=None).order_by("at", "pk")[:10])


def _continues(attempt: Attempt, later: Attempt) -> bool:
    if attempt.connector_id is not None and attempt.connector_id == later.connector_id:
        return True
    token = tokens.fold(attempt.token_value)
    if token and token == tokens.fold(later.token_value):
        return True
    placeless = attempt.connector_id is None or later.connector_id is None
    return placeless and Connector.objects.filter(station=attempt.station_id, archived_at=None).count() == 1
