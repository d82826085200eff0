"""A station's own terminal holds and takes the money; we follow what it says (OCPP 2.1 C20-C23, DataTransfer in 1.6).

    station_authorized (1.6, before the start) or station_paid (2.1, with the token) → Payment(STATION, AUTHORIZED)
      → `terminalreports.station_settled`: what the terminal took

Here: how such a payment begins and finds its session. It is known by the terminal's reference (`intent_id`); no
provider of ours is ever asked about it.
"""

from datetime import timedelta
from typing import Final

from django.db import transaction

from billing import lookup
from billing.models import Bill, Payment
from billing.vocabulary import BillState, FundingSource, PaymentKind, PaymentState, StationAuthorization
from evcms.core import clock
from evcms.core.money import to_minor
from sessions import services as sessions
from sessions.models import ChargingSession
from sessions.vocabulary import TokenType
from stations.models import Connector, Station

from . import guard, moves

TOKEN_LIVES: Final = timedelta(minutes=30)  # from the tap to the start


def station_authorized(*, station_id: int, authorization: StationAuthorization) -> bool:
    """1.6: the terminal holds money; the token that the station will start with is good for one start.

    False when no price is in force there: a paid start without a price is none.
    """
    with transaction.atomic():
        station = Station.objects.get(pk=station_id)
        plug = _plug(station, authorization.evse)
        if station.organization_id is None or plug is None:
            return False
        payment = make(plug, authorization.psp_ref, authorization)
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
        payment = make(session.connector, psp_ref, None)
        if payment is not None and payment.session_id is None:
            join(payment, session)
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
            join(payment, session)


def by_reference(station_id: int, psp_ref: str) -> Payment | None:
    mine = Payment.objects.filter(kind=PaymentKind.STATION, connector__station_id=station_id, intent_id=psp_ref[:80])
    return mine.order_by("-pk").first() if psp_ref else None


def make(plug: Connector, psp_ref: str, held: StationAuthorization | None) -> Payment | None:
    """The terminal's payment, made once for each reference; None where no price is in force.

    2.1 does not say how much the terminal holds: it is taken to be what the tariff asks to hold.
    """
    known = by_reference(plug.station_id, psp_ref)
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
        snapshot=lookup.snapshot_of(tariff, lookup.setting_here(plug)), currency=tariff.currency,
        intent_id=psp_ref[:80],
        hold_minor=to_minor(amount, tariff.currency), state=PaymentState.AUTHORIZED, authorized_at=clock.now(),
        language=station.organization.language or "en" if station.organization else "en",
    )  # fmt: skip
    moves.note(payment, PaymentState.AUTHORIZED, text="held by the station's terminal", amount=payment.hold_minor)
    return payment


def join(payment: Payment, session: ChargingSession) -> bool:
    """Payment and session belong together; the bill is the terminal's. False when either has another partner."""
    if payment.session_id is not None or Payment.objects.filter(session=session).exclude(pk=payment.pk).exists():
        return payment.session_id == session.pk
    Payment.objects.filter(pk=payment.pk).update(session=session)
    payment.session = session
    Bill.objects.filter(session=session, state=BillState.OPEN).update(
        source=FundingSource.STATION, snapshot=payment.snapshot, currency=payment.currency
    )
    return True


def _plug(station: Station, evse: int | None) -> Connector | None:
    plugs = Connector.objects.filter(station=station, archived_at=None).order_by("evse__number", "number")
    return plugs.filter(evse__number=evse).first() if evse else plugs.first()


def _joint(token_value: str) -> str:
    """What joins a payment with its session until that is there: the token; 1.6 stations change case and cut to 20."""
    return token_value.upper()[:20]


def _announced(session: ChargingSession) -> Payment | None:
    waiting = Payment.objects.filter(
        kind=PaymentKind.STATION, state=PaymentState.AUTHORIZED, session=None,
        checkout_id=_joint(session.token_value), connector__station_id=session.station_id,
    )  # fmt: skip
    return waiting.order_by("-pk").first()
