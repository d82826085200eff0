"""A station's own terminal holds and takes the money; we follow what it says (OCPP 2.1 C20-C23, DataTransfer in 1.6).

    station_authorized (1.6, before the start) or station_paid (2.1, with the token) → Payment(STATION, AUTHORIZED)
      → station_settled: CAPTURING, with what was taken → CAPTURED with its receipt as soon as the bill is priced

Every message may come twice and in any order; the payment is found by the terminal's reference (`intent_id`).
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction

from billing import lookup, vat
from billing.gateways.base import Hold, HoldStatus
from billing.models import Bill, Payment
from billing.vocabulary import (
    BillState,
    FundingSource,
    PaymentKind,
    PaymentState,
    SettlementStatus,
    StationAuthorization,
    StationReceipt,
    StationSettlement,
)
from evcms.core import clock
from evcms.core.money import to_minor
from sessions import services as sessions
from sessions.models import ChargingSession
from sessions.vocabulary import TokenType
from stations.models import Connector, Station

from . import guard, moves
from . import settlement as settling

log = structlog.get_logger(__name__)

TOKEN_LIVES: Final = timedelta(minutes=30)  # from the tap to the start
MOST: Final = 200


def station_authorized(*, station_id: int, authorization: StationAuthorization) -> bool:
    """1.6: the terminal holds money; the token that the station will start with is good for one start.

    False when no price is in force there: a paid start without a price is none.
    """
    with transaction.atomic():
        station = Station.objects.get(pk=station_id)
        plug = _plug(station, authorization.evse)
        if station.organization_id is None or plug is None:
            return False
        payment = _made(plug, authorization.psp_ref, authorization)
        if payment is None:
            return False
        sessions.paid_token(
            organization_id=station.organization_id,
            value=authorization.id_token,
            expires_at=clock.now() + TOKEN_LIVES,
        )
        Payment.objects.filter(pk=payment.pk, session=None).update(checkout_id=_joint(authorization.id_token))
    return True


def station_paid(*, station_id: int, transaction_id: str, psp_ref: str, late: bool = False) -> None:
    """2.1: a session's token is the terminal's reference (type DirectPayment). `late`: it came after the plug."""
    with transaction.atomic():
        session = ChargingSession.objects.filter(station_id=station_id, transaction_id=transaction_id).first()
        if session is None or session.connector is None:
            return
        payment = _made(session.connector, psp_ref, None)
        if payment is not None and payment.session_id is None:
            _joined(payment, session)
            if late:
                guard.session_started(session_id=session.pk)


def join_station_payment(*, session_id: int) -> None:
    """1.6: a session that has started with the token which a terminal had paid for."""
    with transaction.atomic():
        session = ChargingSession.objects.select_related("id_token").get(pk=session_id)
        if session.id_token is None or session.id_token.type != TokenType.DIRECT_PAYMENT:
            return
        payment = _announced(session)
        if payment is not None:
            _joined(payment, session)


def station_settled(*, station_id: int, settlement: StationSettlement) -> StationReceipt:
    """The terminal's last word on a payment. A repeat changes nothing and gets the same answer."""
    with transaction.atomic():
        if settlement.vat_number and not vat.is_valid(settlement.vat_number):
            settlement = replace(settlement, vat_number="")
        payment = _settled(station_id, settlement)
    return _receipt(payment) if payment else StationReceipt()


def _settled(station_id: int, told: StationSettlement) -> Payment | None:
    payment = _by_reference(station_id, told.psp_ref)
    session = _session_of(station_id, told)
    if payment is None and session is not None and session.connector is not None:
        payment = _made(session.connector, told.psp_ref, None)
    if payment is None:
        log.warning("settlement of nothing we know", station=station_id, reference=told.psp_ref)
        return None
    payment = moves.lock(payment.pk)
    if session is not None and payment.session_id is None:
        _joined(payment, session)
    if payment.state == PaymentState.AUTHORIZED:
        _concluded(payment, told)
    return payment


def _concluded(payment: Payment, told: StationSettlement) -> None:
    if told.status != SettlementStatus.SETTLED:
        text = told.status_text or f"the terminal says: {told.status}"
        moves.move(
            payment, PaymentState.FAILED, text=text, error_code=str(told.status), error_text=text[:255],
            settled_at=clock.now(), due_at=None,
        )  # fmt: skip
        return
    taken = to_minor(told.amount, told.currency or payment.currency)
    moves.move(
        payment, PaymentState.CAPTURING, amount=taken, due_minor=taken, hold_minor=max(taken, payment.hold_minor),
        charge_id=told.receipt_id[:80] or payment.charge_id, due_at=None,
    )  # fmt: skip
    _complete(payment)


def complete_settled() -> int:
    """The sweep: what terminals took for sessions whose price stands now. Returns how many receipts were made."""
    taken = Payment.objects.filter(kind=PaymentKind.STATION, state=PaymentState.CAPTURING)
    ready = taken.filter(session__bill__state=BillState.DUE).order_by("pk")[:MOST]
    return sum(_complete(payment) for payment in ready)


def _complete(payment: Payment) -> bool:
    """Takes the settled amount for the bill once that is priced."""
    bill = Bill.objects.filter(session_id=payment.session_id, state=BillState.DUE).first()
    if bill is None:
        return False
    taken = payment.due_minor or 0
    hold = Hold(
        payment.intent_id,
        payment.public_id,
        HoldStatus.CAPTURED,
        payment.hold_minor,
        taken,
        charge_id=payment.charge_id,
    )
    settling.captured(payment_id=payment.pk, hold=hold)
    return True


# Rows -----------------------------------------------------------------------------------------------------


def _plug(station: Station, evse: int | None) -> Connector | None:
    plugs = Connector.objects.filter(station=station, archived_at=None).order_by("evse__number", "number")
    return plugs.filter(evse__number=evse).first() if evse else plugs.first()


def _by_reference(station_id: int, psp_ref: str) -> Payment | None:
    mine = Payment.objects.filter(kind=PaymentKind.STATION, connector__station_id=station_id, intent_id=psp_ref[:80])
    return mine.first() if psp_ref else None


def _joint(token_value: str) -> str:
    """What joins a payment with its session until that is there: the token; 1.6 stations change case and cut to 20."""
    return token_value.upper()[:20]


def _announced(session: ChargingSession) -> Payment | None:
    waiting = Payment.objects.filter(
        kind=PaymentKind.STATION, state=PaymentState.AUTHORIZED, session=None,
        checkout_id=_joint(session.token_value), connector__station_id=session.station_id,
    )  # fmt: skip
    return waiting.order_by("-pk").first()


def _session_of(station_id: int, told: StationSettlement) -> ChargingSession | None:
    rows = ChargingSession.objects.filter(station_id=station_id)
    if told.transaction_id:
        return rows.filter(transaction_id=told.transaction_id).first()
    return rows.filter(token_value=told.psp_ref).order_by("-started_at").first()


def _made(plug: Connector, psp_ref: str, held: StationAuthorization | None) -> Payment | None:
    """The terminal's payment, made once for each reference; None where no price is in force."""
    known = _by_reference(plug.station_id, psp_ref)
    if known is not None:
        return known
    station = plug.station
    if station.organization_id is None:
        return None
    tariff = lookup.tariff_in_force(
        organization_id=station.organization_id, site_id=station.site_id, station_id=station.pk,
        connector_id=plug.pk, at=clock.now(),
    )  # fmt: skip
    if tariff is None or (held is not None and held.currency.upper() != tariff.currency):
        return None
    amount = held.amount if held is not None else lookup.decimal(tariff.hold)
    payment = Payment.objects.create(
        organization_id=station.organization_id, kind=PaymentKind.STATION, connector=plug,
        snapshot=lookup.snapshot_of(tariff, lookup.setting_here(plug)), currency=tariff.currency, intent_id=psp_ref[:80],
        hold_minor=to_minor(amount, tariff.currency), state=PaymentState.AUTHORIZED, authorized_at=clock.now(),
    )  # fmt: skip
    moves.note(payment, PaymentState.AUTHORIZED, text="held by the station's terminal", amount=payment.hold_minor)
    return payment


def _joined(payment: Payment, session: ChargingSession) -> None:
    """Payment and session belong together; the bill is the terminal's."""
    if Payment.objects.filter(session=session).exclude(pk=payment.pk).exists():
        return
    Payment.objects.filter(pk=payment.pk).update(session=session)
    payment.session = session
    Bill.objects.filter(session=session, state=BillState.OPEN).update(
        source=FundingSource.STATION, snapshot=payment.snapshot, currency=payment.currency
    )


def _receipt(payment: Payment) -> StationReceipt:
    """The page of this payment: the running session first, the receipt as soon as there is one."""
    document = payment.receipt
    number = document.number if document else ""
    return StationReceipt(f"{settings.PUBLIC_URL}/s/{payment.public_id}", number)
