"""The budget guard: stops a paid session before its hold is used up, by energy, by time and by blocking."""

from datetime import timedelta

from django.db import transaction

from billing import budget
from billing.models import Bill, Payment
from billing.reckoning import periods_of, terms_of_snapshot
from billing.vocabulary import BillState, PaymentState, Step
from evcms.core import clock, events
from sessions import services as sessions
from sessions.models import ChargingSession, MeterSample

from . import growth, moves, offline, settlement

REASON = "budget"
USUAL_INTERVAL = 60  # seconds between readings when there are not yet two to tell
LONGEST_INTERVAL = 900
GONE = (PaymentState.RELEASING, PaymentState.RELEASED, PaymentState.FAILED, PaymentState.EXPIRED)


def session_started(*, session_id: int) -> None:
    """Ties payment and session together and leaves the first watch. A session whose hold has been freed meanwhile (the
    station started after we had given up) is stopped.
    """
    with transaction.atomic():
        session = ChargingSession.objects.get(pk=session_id)
        payment = settlement.payment_of(session)
        if payment is None:
            return
        Bill.objects.filter(session=session, state=BillState.OPEN).update(
            snapshot=payment.snapshot, source=payment.kind, currency=payment.currency
        )
        if payment.state in GONE:
            if not payment.events.filter(kind=Step.STOP_REQUESTED).exists():  # a refused saved card was quicker
                sessions.request_stop(session=session, origin="payment")
                moves.note(payment, Step.STOP_REQUESTED, text="the hold was no longer there when the station started")
            return
        moves.note(payment, Step.SESSION_STARTED)
        _guard(payment, session)
        groups = [f"payment.{payment.public_id}"]
        events.broadcast("payment.session", {"payment": payment.public_id, "session": session.public_id}, groups=groups)


def budget_reached(*, session_id: int) -> None:
    """A watch was crossed: stop, or look again later when there is still room."""
    with transaction.atomic():
        session = ChargingSession.objects.get(pk=session_id)
        payment = settlement.payment_of(session)
        if payment and payment.state == PaymentState.AUTHORIZED:
            _guard(payment, session)


def _guard(payment: Payment, session: ChargingSession) -> None:
    if session.ended_at is not None:
        return
    terms = terms_of_snapshot(payment.snapshot)
    if terms.free:
        return
    periods, draw = periods_of(session, terms), _draw(session)
    plan = watch = budget.plan(terms, periods, budget_minor=payment.hold_minor, draw=draw)
    if wanted := growth.next_hold(payment, terms):
        early = payment.hold_minor * growth.EARLY[0] // growth.EARLY[1]
        sooner = budget.plan(terms, periods, budget_minor=early, draw=draw)
        if sooner.stop:
            growth.ask_more(payment, wanted)
        else:
            watch = sooner
    if plan.stop:
        sessions.request_stop(session=session, origin="budget guard")
        moves.note(payment, Step.BUDGET_REACHED, text="stopped before the hold was used up")
        watch = budget.Plan(stop=True, at=clock.now() + timedelta(seconds=LONGEST_INTERVAL))  # ask again if it goes on
    if watch.at_mwh is not None or watch.at is not None:
        sessions.watch(session=session, reason=REASON, at_mwh=watch.at_mwh, at=watch.at)
        if not plan.stop:
            offline.renew(session, plan)


def _draw(session: ChargingSession) -> budget.Draw:
    """The highest power that this session showed (said or measured), else the plug's; the pace of its readings."""
    rows = MeterSample.objects.filter(session=session, energy_mwh__isnull=False, quarantined=False).order_by("-at")
    latest = [(at, register or 0) for at, register in rows.values_list("at", "energy_mwh")[:2]]
    gap, slope = USUAL_INTERVAL, 0
    if len(latest) == 2 and latest[0][0] > latest[1][0]:
        gap = max(1, int((latest[0][0] - latest[1][0]).total_seconds()))
        slope = max(0, latest[0][1] - latest[1][1]) * 36 // (gap * 10)  # W
    plug = session.connector.max_power_w if session.connector else 22_000
    return budget.Draw(
        power_w=max(session.max_power_w or 0, slope) or plug,
        interval=min(max(gap, USUAL_INTERVAL), LONGEST_INTERVAL),
        last_at=latest[0][0] if latest else session.started_at,
    )
