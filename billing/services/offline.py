"""The budget guard that holds without us: the station itself is told when the money is used up.

OCPP 2.1 and a price per kWh alone: `transactionLimit` with the energy that the hold pays (E16). Else a TxProfile that
falls to 0 when the remaining energy would have flowed at full power, renewed while the car draws less. A station that
refuses is marked: "no offline guard".
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import transaction

from billing import budget
from billing.models import BudgetGuard, GuardState, Payment
from billing.pricing import Activity, Period
from billing.reckoning import terms_of_snapshot
from billing.vocabulary import PaymentState
from evcms.core import clock
from sessions import services as sessions
from sessions.models import ChargingSession
from stations import services as stations
from stations.commands import ClearChargingProfile, Limit, ProfilePurpose, RateUnit, SetChargingProfile, Trigger
from stations.models import Command, PowerType, Variable
from stations.vocabulary import CommandState

REASON: Final = "offline guard"
ORIGIN: Final = "budget guard"
PROFILE_IDS_FROM: Final = 1_500_000_000  # of our own profiles: one a session, clear of those that people number
SHORTEST: Final = 30  # seconds between two looks
WAIT_FOR_LIMIT: Final = timedelta(seconds=90)  # for a 2.1 station to say that it took the limit
TRY_AGAIN: Final = timedelta(seconds=60)
WORTH_TELLING: Final = 1_000_000  # mWh
VOLTS: Final = 230
LEVELS: Final = (("", "ChargeProfileMaxStackLevel"), ("SmartChargingCtrlr", "ProfileStackLevel"))
UNITS: Final = (("", "ChargingScheduleAllowedChargingRateUnit"), ("SmartChargingCtrlr", "RateUnit"))
MARKED: Final = (GuardState.REFUSED, GuardState.UNSUPPORTED)
UNKNOWN_THERE: Final = ("NotSupported", "NotImplemented")
WITH_LIMITS: Final = "ocpp2.1"


@dataclass(frozen=True)
class SessionLimit:
    energy_mwh: int | None = None
    seconds: int | None = None


def limit_for(*, station_id: int, transaction_id: str) -> SessionLimit | None:
    """What a 2.1 station is answered when a paid session begins; None without a hold, or when the price needs time."""
    rows = ChargingSession.objects.select_related("attempt__payment__snapshot", "payment__snapshot", "connector")
    session = rows.filter(station_id=station_id, transaction_id=transaction_id, ended_at=None).first()
    payment = _payment(session) if session else None
    if session is None or payment is None or payment.state != PaymentState.AUTHORIZED:
        return None
    terms = terms_of_snapshot(payment.snapshot)
    if terms.free or terms.needs_time:
        return None
    start = [Period(session.started_at, session.started_at, Activity.CHARGING, 0)]
    draw = budget.Draw(plug_power(session), 0, session.started_at)
    plan = budget.plan(terms, start, budget_minor=payment.hold_minor, draw=draw)
    if plan.stop or plan.at_mwh is None:
        return None
    limit = plan.at_mwh // 1_000_000 * 1_000_000 or plan.at_mwh  # whole kWh read better on a display
    fresh = {"limit_mwh": limit, "by_transaction_limit": True, "told_at": clock.now()}
    BudgetGuard.objects.update_or_create(session=session, defaults=fresh)
    return SessionLimit(energy_mwh=limit)


def _payment(session: ChargingSession) -> Payment | None:
    payment: Payment | None = getattr(session, "payment", None)
    return payment or (getattr(session.attempt, "payment", None) if session.attempt else None)


def limit_set(*, station_id: int, transaction_id: str) -> None:
    """A 2.1 station says that a limit holds for the session (trigger LimitSet)."""
    rows = BudgetGuard.objects.filter(session__station_id=station_id, session__transaction_id=transaction_id)
    rows.filter(by_transaction_limit=True).update(state=GuardState.ACCEPTED)


def renew(session: ChargingSession, plan: budget.Plan) -> None:
    """Tells the station how far the money reaches from now, in the transaction of the guard's look."""
    row = BudgetGuard.objects.filter(session=session).first()
    if row is not None and row.state in MARKED:
        return
    if row is not None and row.by_transaction_limit:
        if row.state == GuardState.ACCEPTED:
            _raise_limit(session, row, plan)
            return
        if clock.now() < row.told_at + WAIT_FOR_LIMIT:
            sessions.watch(session=session, reason=REASON, at=row.told_at + WAIT_FOR_LIMIT)
            return
    seconds = _seconds(session, plan)
    if seconds is not None:
        _tell(session, row, seconds, plan.at_mwh)


def _raise_limit(session: ChargingSession, row: BudgetGuard, plan: budget.Plan) -> None:
    """The hold has grown: the next TransactionEvent is answered with the new limit, so the station is asked for one."""
    if plan.at_mwh is None or row.limit_mwh is None or plan.at_mwh < row.limit_mwh + WORTH_TELLING:
        return
    BudgetGuard.objects.filter(pk=row.pk).update(told_at=clock.now())
    place = session.evse.number if session.evse else None
    stations.send(station=session.station, command=Trigger("TransactionEvent", place), origin=ORIGIN)


def _seconds(session: ChargingSession, plan: budget.Plan) -> int | None:
    """How long the money lasts for sure: the energy left at full power, or the time that is left; None: for ever."""
    bounds = []
    if plan.at_mwh is not None:
        left = max(0, plan.at_mwh - session.energy_mwh)
        bounds.append(left * 3600 // (plug_power(session) * 1000))
    if plan.at is not None:
        bounds.append(max(0, int((plan.at - clock.now()).total_seconds())))
    return min(bounds, default=None)


def plug_power(session: ChargingSession) -> int:
    """W; no more can flow, whatever the car is."""
    plug = session.connector.max_power_w if session.connector else 0
    return max(plug, session.max_power_w or 0) or 22_000


def _tell(session: ChargingSession, row: BudgetGuard | None, seconds: int, limit_mwh: int | None) -> None:
    now = clock.now()
    command = stations.send(station=session.station, command=_profile(session, seconds, now), origin=ORIGIN)
    told = {
        "until": now + timedelta(seconds=seconds), "limit_mwh": limit_mwh, "command_id": command.pk, "told_at": now,
        "by_transaction_limit": False,
    }  # fmt: skip
    if row is None:
        BudgetGuard.objects.create(session=session, **told)
    else:
        BudgetGuard.objects.filter(pk=row.pk).update(**told)
    look = max(SHORTEST, seconds * 2 // 3)
    sessions.watch(session=session, reason=REASON, at=now + timedelta(seconds=look))


def _profile(session: ChargingSession, seconds: int, now: datetime) -> SetChargingProfile:
    """By the station's own clock, which may be wrong."""
    unit, limit = _full(session)
    skew = timedelta(milliseconds=session.station.clock_skew_ms or 0)
    periods = (Limit(0, limit), Limit(seconds, Decimal(0))) if seconds else (Limit(0, Decimal(0)),)
    return SetChargingProfile(
        profile_id=PROFILE_IDS_FROM + session.pk % 500_000_000,
        evse=session.evse.number if session.evse else 1,
        purpose=ProfilePurpose.TX,
        periods=periods,
        stack_level=_level(session),
        unit=unit,
        transaction_id=session.transaction_id,
        starts_at=now + skew,
    )


def _full(session: ChargingSession) -> tuple[RateUnit, Decimal]:
    """What the plug gives at most, in the unit that the station takes: watts unless it knows amperes alone."""
    power = plug_power(session)
    units = _reported(session, UNITS)
    if not units or any(unit in units for unit in ("W", "Power")):
        return RateUnit.WATT, Decimal(power)
    phases = 1 if session.connector and session.connector.power_type == PowerType.AC_1_PHASE else 3
    return RateUnit.AMPERE, Decimal(-(-power // (VOLTS * phases)))


def _level(session: ChargingSession) -> int:
    """The highest that the station has, so that no other profile of the session lifts ours."""
    said = _reported(session, LEVELS)
    return int(said[0]) if said and said[0].isdecimal() else 0


def _reported(session: ChargingSession, names: tuple[tuple[str, str], ...]) -> list[str]:
    """The members of a reported variable; none when the station has not said."""
    for component, variable in names:
        known = Variable.objects.filter(station_id=session.station_id, component=component, variable=variable)
        value = known.values_list("value", flat=True).first()
        if value:
            return [member.strip() for member in value.split(",")]
    return []


def profile_answered(*, command_id: uuid.UUID) -> None:
    """What became of a profile that we sent. No answer changes nothing: what the station took before still holds."""
    with transaction.atomic():
        row = BudgetGuard.objects.select_for_update(of=("self",)).filter(command_id=command_id).first()
        if row is None or row.by_transaction_limit:
            return
        command = Command.objects.get(pk=command_id)
        state = _state(command)
        if state is None:
            sessions.watch(session=row.session, reason=REASON, at=clock.now() + TRY_AGAIN)
            return
        held = row.state == GuardState.ACCEPTED
        BudgetGuard.objects.filter(pk=row.pk).update(state=state)
        if held and state in MARKED:  # the profile from before would stop the car too early
            stations.send(
                station=row.session.station,
                command=ClearChargingProfile(profile_id=PROFILE_IDS_FROM + row.session_id % 500_000_000),
                origin=ORIGIN,
            )


def _state(command: Command) -> GuardState | None:
    match CommandState(command.state):
        case CommandState.ACCEPTED:
            return GuardState.ACCEPTED
        case CommandState.UNSUPPORTED:
            return GuardState.UNSUPPORTED
        case CommandState.CALLERROR if command.answer_status in UNKNOWN_THERE:
            return GuardState.UNSUPPORTED
        case CommandState.REJECTED | CommandState.CALLERROR:
            return GuardState.REFUSED
        case _:
            return None
