"""Cards on file: an amount is held, or taken, while the driver is not at any page of the provider's.

    SessionStarted, its bill paid by card → open_hold (Payment CREATED) ─ task ─→ place → AUTHORIZED → the usual way
    SessionEnded before the hold came     → settle  (due_minor is set)  ─ task ─→ place → AUTHORIZED → CAPTURING
    a driver's start on the web           → open_start ─→ place → AUTHORIZED → the station is asked to start
    the bank says no                      → refused: session stopped, the card set aside, the driver told, a debt

Killed anywhere: CREATED rows are due until they are answered; from the second try on the provider is read back first.
"""

from datetime import timedelta

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from billing import availability, lookup, reasons
from billing.errors import PaymentError
from billing.events import CardRefused, PaymentAuthorized
from billing.gateways import PaymentsOff, gateway
from billing.gateways.base import About, Charge, GatewayError, Hold, HoldStatus
from billing.models import Bill, Payment, PaymentMethod, PriceSnapshot
from billing.reckoning import terms_of_snapshot
from billing.vocabulary import BillState, FundingSource, MethodState, PaymentKind, PaymentState, Step
from evcms.core import clock, events
from sessions import services as sessions
from sessions.models import ChargingSession, Driver
from sessions.vocabulary import FailureCause
from stations.models import Connector

from . import bills, cards, funding, guard, moves, payments, tries
from .sources import nobody

log = structlog.get_logger(__name__)

START_WITHIN = timedelta(minutes=2)  # a start on the web that the provider has not answered by then is given up
CONFIRM = frozenset({"authentication_required", "authentication_not_handled"})
MOST = 100


def open_hold(*, session_id: int, method: PaymentMethod | None) -> Payment | None:
    """The payment of a running session that a card on file pays for; a second call changes nothing."""
    bill = bills.lock(session_id)
    if bill.state != BillState.OPEN or bill.session.ended_at is not None or not bill.session.authorized:
        return None
    return _open(bill, method)


def open_afterwards(bill: Bill) -> Payment | None:
    """The payment of a session that ended before anything was held (replayed by a station that was offline)."""
    session = bill.session
    if not session.authorized:
        return None
    driver = session.driver
    choice = funding.choose(
        token_id=session.id_token_id, driver_id=session.driver_id, group_id=driver.group_id if driver else None
    )
    return _open(bill, choice.method) if choice.source == FundingSource.CARD else None


def _open(bill: Bill, method: PaymentMethod | None) -> Payment | None:
    """None: nothing is to be held here (free, no price, no card that works, no provider), or somebody did it."""
    snapshot, connector = bill.snapshot, _plug(bill.session)
    if snapshot is None or connector is None or terms_of_snapshot(snapshot).free:
        return None
    if method is None or method.state != MethodState.ACTIVE or _exists(bill.session):
        return None
    return _create(method, snapshot, connector, bill)


def _plug(session: ChargingSession) -> Connector | None:
    if session.connector is not None:
        return session.connector
    plugs = Connector.objects.filter(station=session.station)
    plugs = plugs.filter(evse=session.evse) if session.evse_id else plugs
    return plugs.order_by("pk").first()


def _exists(session: ChargingSession) -> bool:
    if Payment.objects.filter(session=session).exists():
        return True
    return session.attempt_id is not None and Payment.objects.filter(attempt_id=session.attempt_id).exists()


def _create(method: PaymentMethod, snapshot: PriceSnapshot, connector: Connector, bill: Bill) -> Payment | None:
    if snapshot.tariff is None:
        return None
    try:
        hold_minor = payments.hold_of(snapshot.tariff)
    except PaymentsOff:
        return None
    driver = method.driver
    payment = Payment.objects.create(
        organization_id=bill.organization_id,
        kind=PaymentKind.CARD,
        connector=connector,
        session=bill.session,
        driver=driver,
        method=method,
        snapshot=snapshot,
        currency=bill.currency,
        hold_minor=hold_minor,
        email=driver.email,
        language=_language(driver),
        card=method.card,
        due_at=clock.now(),
    )
    moves.note(payment, PaymentState.CREATED, text=method.card, amount=hold_minor)
    events.nudge("billing.hold")
    return payment


def _language(driver: Driver) -> str:
    return driver.language if driver.language in dict(settings.LANGUAGES) else "en"


# A start on the web ---------------------------------------------------------------------------------------------------


def open_start(*, connector: Connector, driver: Driver, method: PaymentMethod, language: str = "en") -> Payment:
    """A driver with a card on file starts here; he has seen the price. Call `place` next, outside any transaction.

    Raises PaymentRefused, ValidationError with a sentence.
    """
    with transaction.atomic():
        Driver.objects.select_for_update().get(pk=driver.pk)  # a double tap waits here and finds the first one
        same = Payment.objects.filter(
            kind=PaymentKind.CARD, driver=driver, connector=connector, session=None,
            state__in=(PaymentState.CREATED, PaymentState.AUTHORIZED), created_at__gt=clock.now() - START_WITHIN,
        ).first()  # fmt: skip
        return same or _open_start(connector, driver, method, language)


def _open_start(connector: Connector, driver: Driver, method: PaymentMethod, language: str) -> Payment:
    tariff = availability.price_to_start(connector, group_id=driver.group_id)
    usable = method.driver_id == driver.pk and method.state == MethodState.ACTIVE
    if not usable or driver.organization_id != tariff.organization_id:
        raise ValidationError(_("This card cannot be used: confirm it or save another one."))
    if funding.indebted(driver):
        raise ValidationError(_("Please pay what is open first."))
    payment = Payment.objects.create(
        organization_id=tariff.organization_id,
        kind=PaymentKind.CARD,
        connector=connector,
        driver=driver,
        method=method,
        snapshot=lookup.snapshot_of(tariff, lookup.setting_here(connector)),
        currency=tariff.currency,
        hold_minor=payments.hold_of(tariff),
        email=driver.email,
        language=language if language in dict(settings.LANGUAGES) else _language(driver),
        card=method.card,
        due_at=clock.now(),
    )
    moves.note(payment, PaymentState.CREATED, text=method.card, amount=payment.hold_minor)
    return payment


def start_now(*, payment: Payment) -> None:
    """Places the hold of a start on the web while the driver waits. Raises PaymentError with a sentence for him."""
    place(payment_id=payment.pk)
    payment.refresh_from_db()
    if payment.state == PaymentState.FAILED:
        with translation.override(payment.language):
            raise PaymentError(_("The bank did not accept the card. Confirm it or use another one."))


# The task -------------------------------------------------------------------------------------------------------------


def place_due() -> int:
    """Holds that are due; returns how many were looked at."""
    due = Payment.objects.filter(kind=PaymentKind.CARD, state=PaymentState.CREATED, due_at__lte=clock.now())
    ids = list(due.order_by("due_at").values_list("pk", flat=True)[:MOST])
    for payment_id in ids:
        try:
            place(payment_id=payment_id)
        except Exception:  # one broken row must not hide the others; it is due again
            log.exception("hold not placed", payment=payment_id)
    return len(ids)


def place(*, payment_id: int) -> None:
    """Asks the provider once. After a try whose outcome is unknown it is read back first."""
    payment = moves.claim(payment_id, PaymentState.CREATED)
    if payment is None or payment.kind != PaymentKind.CARD:
        return
    method = payment.method
    try:
        hold = _ask(payment, method) if method else None
    except GatewayError as error:
        _no_answer(payment, error)
        return
    if hold is None:
        _given_up(payment.pk)
    else:
        seen(payment_id=payment.pk, hold=hold)


def _ask(payment: Payment, method: PaymentMethod) -> Hold | None:
    provider = gateway()
    if payment.tries > 1:
        found = provider.find_charge(method.customer_id, About.PAYMENT, payment.public_id)
        if found is not None:
            return found
    if _too_late(payment):
        return None
    return provider.charge_saved(_charge(payment, method), f"{payment.public_id}-hold-{payment.hold_minor}")


def _too_late(payment: Payment) -> bool:
    """Nothing is due any more, or nobody waits for this start."""
    waited_long = payment.created_at < clock.now() - START_WITHIN
    return payment.due_minor == 0 or (payment.session_id is None and waited_long)


def _charge(payment: Payment, method: PaymentMethod) -> Charge:
    """The same for each try with one key: everything comes from the row."""
    with translation.override(payment.language):
        title = _("Charging at %(place)s") % {"place": str(payment.connector)}
    return Charge(
        reference=payment.public_id,
        about=About.PAYMENT,
        amount_minor=payment.hold_minor,
        currency=payment.currency,
        customer_id=method.customer_id,
        method_id=method.method_id,
        title=title,
        hold=True,
    )


def _no_answer(payment: Payment, error: GatewayError) -> None:
    log.warning("hold not placed", payment=payment.public_id, code=error.code, text=error.text, tries=payment.tries)
    if error.permanent or payment.tries >= moves.MOST_TRIES:
        refused(payment_id=payment.pk, code=error.code or "no_answer", text=error.text, by_bank=error.permanent)
    else:
        moves.try_later(payment, error.text)


def seen(*, payment_id: int, hold: Hold) -> None:
    """What the provider says of a card payment's hold."""
    if hold.status == HoldStatus.HELD:
        held(payment_id=payment_id, hold=hold)
    elif hold.status == HoldStatus.OPEN and hold.error_code:
        refused(payment_id=payment_id, code=hold.error_code, text=hold.error_text)
    elif hold.status == HoldStatus.RELEASED:
        refused(payment_id=payment_id, code="hold_lost", text="cancelled at the provider", by_bank=False)


def held(*, payment_id: int, hold: Hold) -> None:
    """The amount is held: capture what is due, guard the session that runs, or start the one that is waited for."""
    with transaction.atomic():
        payment = moves.lock(payment_id)
        if payment.state != PaymentState.CREATED:
            return
        now = clock.now()
        moves.move(
            payment,
            PaymentState.AUTHORIZED,
            amount=hold.amount_minor,
            text=hold.card,
            intent_id=hold.intent_id,
            charge_id=hold.charge_id,
            card=hold.card or payment.card,
            incremental=hold.incremental,
            capture_before=hold.capture_before,
            authorized_at=now,
            due_at=now + payments.LOOK_FOR_START,
            error_code="",
            error_text="",
        )
        cards.worked(payment.method)
        if payment.due_minor is not None:
            _take(payment)
        elif payment.session_id is not None:
            events.publish(PaymentAuthorized(payment_id=payment.pk))
            guard.budget_reached(session_id=payment.session_id)
        else:
            events.publish(PaymentAuthorized(payment_id=payment.pk))
            payments.start_or_free(payment, hold)


def _take(payment: Payment) -> None:
    """The session had ended before the hold came."""
    due, now = payment.due_minor or 0, clock.now()
    if due:
        moves.move(payment, PaymentState.CAPTURING, amount=due, due_at=now)
        events.nudge("billing.capture")
    else:
        payments.release(payment=payment, code="nothing_due", text="")


def _given_up(payment_id: int) -> None:
    with transaction.atomic():
        payment = moves.lock(payment_id)
        if payment.state == PaymentState.CREATED:
            moves.move(payment, PaymentState.EXPIRED, due_at=None, settled_at=clock.now())


def refused(*, payment_id: int, code: str, text: str, by_bank: bool = True) -> None:
    """No hold: the session is stopped politely, the driver hears how to mend it, what was used becomes a debt."""
    with transaction.atomic():
        payment = moves.lock(payment_id)
        if payment.state != PaymentState.CREATED:
            return
        moves.move(
            payment, PaymentState.FAILED, text=text, error_code=code[:80], error_text=text[:255], due_at=None,
            settled_at=clock.now(),
        )  # fmt: skip
        moves.note(payment, Step.CONFIRMATION if code in CONFIRM else Step.DECLINED, text=text)
        if by_bank:
            cards.refused(payment.method_id, code)
        events.publish(CardRefused(payment_id=payment.pk, code=code[:80]))
        tries.came_to_nothing(payment, FailureCause.PAYMENT)
        _stop_or_owe(payment, code)


def _stop_or_owe(payment: Payment, code: str) -> None:
    session = payment.session
    if session is None:
        return
    if session.ended_at is None:
        sessions.request_stop(session=session, origin="payment")
        moves.note(payment, Step.STOP_REQUESTED, text="the card was refused")
        return
    bill = bills.lock(session.pk)
    if bill.state == BillState.DUE:
        nobody.unpaid(bill, f"card on file refused: {reasons.in_words(code)}", payment)
