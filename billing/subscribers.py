"""What billing hears from charging. Each runs in one transaction with its delivery's mark "done"; none calls out."""

import uuid

from billing.events import PaymentSettled
from evcms.core.events import subscribe
from sessions.events import (
    DriverErased,
    SessionCorrected,
    SessionEnded,
    SessionFailed,
    SessionIdentified,
    SessionJoined,
    SessionReached,
    SessionStarted,
)
from stations.events import CommandAnswered

from . import services
from .events import DebtOpened
from .services import autocharge, guard, offline


@subscribe(SessionStarted, "billing.guard_session")
def guard_session(event: SessionStarted) -> None:
    services.join_station_payment(session_id=event.session_id)
    services.session_started(session_id=event.session_id)


@subscribe(SessionJoined, "billing.guard_joined")
def guard_joined(event: SessionJoined) -> None:
    services.session_started(session_id=event.session_id)


@subscribe(SessionIdentified, "billing.fund_session")
def fund_session(event: SessionIdentified) -> None:
    services.fund_session(session_id=event.session_id)


@subscribe(SessionStarted, "billing.look_for_car")
def look_for_car(event: SessionStarted) -> None:
    autocharge.look_for_car(session_id=event.session_id)


@subscribe(SessionIdentified, "billing.look_for_car_joined")
def look_for_car_joined(event: SessionIdentified) -> None:
    autocharge.look_for_car(session_id=event.session_id)


@subscribe(SessionEnded, "billing.look_for_car_ended")
def look_for_car_ended(event: SessionEnded) -> None:
    autocharge.look_for_car(session_id=event.session_id)


@subscribe(DriverErased, "billing.forget_driver")
def forget_driver(event: DriverErased) -> None:
    services.forget_driver(driver_id=event.driver_id)


@subscribe(SessionReached, "billing.guard_budget")
def guard_budget(event: SessionReached) -> None:
    if event.reason in (guard.REASON, offline.REASON):
        services.budget_reached(session_id=event.session_id)


@subscribe(SessionEnded, "billing.settle_session")
def settle_session(event: SessionEnded) -> None:
    services.settle_session(session_id=event.session_id)


@subscribe(DebtOpened, "billing.collect_rest")
def collect_rest(event: DebtOpened) -> None:
    services.collect_rest(debt_id=event.debt_id)


@subscribe(SessionCorrected, "billing.correct_session")
def correct_session(event: SessionCorrected) -> None:
    services.correct_session(session_id=event.session_id)


@subscribe(SessionFailed, "billing.release_hold")
def release_hold(event: SessionFailed) -> None:
    services.start_failed(attempt_id=event.attempt_id, cause=event.cause)


@subscribe(PaymentSettled, "billing.show_receipt")
def show_receipt(event: PaymentSettled) -> None:
    services.reader_settled(payment_id=event.payment_id)


@subscribe(CommandAnswered, "billing.profile_answered", when=lambda event: event.kind == "SetChargingProfile")
def profile_answered(event: CommandAnswered) -> None:
    services.profile_answered(command_id=uuid.UUID(event.command_id))
