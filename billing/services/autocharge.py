"""Autocharge: a driver asks for it, his car is seen in a paid session of his, he confirms, from then on: plug and go.

    ask (ASKED) → the station reports the car's id (an Authorize that was refused around the session's start, or with
    the session itself) → OFFERED → the driver confirms → a token of type MacAddress, paid by his card (CONFIRMED)

A car's id is no secret and has no proof: so only one car may have been at the station around that time, the driver
confirms in his account, and a car that is somebody's already is never offered.

Contracts of Plug & Charge (eMAID) are bound to a card here, too; their certificates are not our part.
"""

from datetime import datetime, timedelta
from typing import Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from billing import sightings
from billing.events import CarSeen
from billing.models import Enrolment, FundingRule, PaymentMethod
from billing.vocabulary import EnrolmentState, FundingSource, MethodState
from evcms.core import audit, clock, events
from sessions import cars
from sessions import services as sessions
from sessions.models import ChargingSession, Driver, IdToken
from sessions.vocabulary import TokenType

ASKED_FOR: Final = timedelta(days=60)


def ask(*, driver: Driver, label: str = "") -> Enrolment:
    """The driver wants plug and go for a car; one wish at a time. Raises ValidationError without a card that works."""
    _demand_card(driver)
    with transaction.atomic():
        Driver.objects.select_for_update().get(pk=driver.pk)
        wish = Enrolment.objects.filter(driver=driver, state__in=(EnrolmentState.ASKED, EnrolmentState.OFFERED)).first()
        if wish is not None and wish.state == EnrolmentState.OFFERED:
            return wish
        wish = wish or Enrolment(organization_id=driver.organization_id, driver=driver)
        wish.label, wish.expires_at = label.strip()[:80] or wish.label, clock.now() + ASKED_FOR
        wish.save()
    return wish


def _demand_card(driver: Driver) -> None:
    if not PaymentMethod.objects.filter(driver=driver, is_default=True, state=MethodState.ACTIVE).exists():
        raise ValidationError(_("Save a card first: it pays for what your car charges."))


def look_for_car(*, session_id: int) -> None:
    """A session of a driver who asked: was exactly one unknown car refused there around its start?"""
    session = ChargingSession.objects.filter(pk=session_id).first()
    wish = _wish_of(session)
    if session is None or wish is None:
        return
    found = sightings.refused_cars(session)
    if len(found) == 1 and not sightings.others_there(session):
        _offer(wish, session, found.pop())


def car_reported(*, station_id: int, vehicle: str, evse: int | None = None, at: datetime | None = None) -> None:
    """The station says which car is plugged in (2.x additionalInfo, a vendor's DataTransfer): rows only."""
    vehicle = cars.vehicle_id(vehicle, mac=True)
    rows = ChargingSession.objects.filter(station_id=station_id, ended_at=None, authorized=True)
    if evse is not None:
        rows = rows.filter(Q(evse__number=evse) | Q(evse=None))
    running = list(rows.order_by("-started_at")[:2])
    if vehicle and len(running) == 1 and (wish := _wish_of(running[0])):
        _offer(wish, running[0], vehicle)


def _wish_of(session: ChargingSession | None) -> Enrolment | None:
    if session is None or session.driver_id is None or not session.authorized:
        return None
    asked = Enrolment.objects.filter(driver=session.driver, state=EnrolmentState.ASKED)
    return asked.filter(Q(expires_at=None) | Q(expires_at__gt=clock.now())).first()


def _offer(wish: Enrolment, session: ChargingSession, vehicle: str) -> None:
    if sightings.enrolled(wish.organization_id, vehicle):
        return
    with transaction.atomic():
        mine = Enrolment.objects.filter(pk=wish.pk, state=EnrolmentState.ASKED)
        if mine.update(state=EnrolmentState.OFFERED, vehicle_id=vehicle, session=session):
            events.publish(CarSeen(enrolment_id=wish.pk))


def confirm(*, driver: Driver, enrolment: Enrolment, label: str = "") -> Enrolment:
    """From now on this car charges on the driver's card. Raises ValidationError with a sentence."""
    _demand_card(driver)
    with transaction.atomic():
        row = _own(driver, enrolment)
        if row.state == EnrolmentState.CONFIRMED:
            return row
        if row.state != EnrolmentState.OFFERED:
            raise ValidationError(_("Your car was not seen yet: plug it in and charge once."))
        row.label = label.strip()[:80] or row.label or _("My car")
        row.token = _token(driver, cars.token_value(row.vehicle_id), TokenType.MAC_ADDRESS, row.label)
        row.state, row.confirmed_at = EnrolmentState.CONFIRMED, clock.now()
        row.save()
        audit.record_driver(driver.user, driver.organization, "autocharge.confirmed", row, car=row.vehicle_id)
    return row


def _token(driver: Driver, value: str, token_type: str, label: str) -> IdToken:
    try:
        token: IdToken = sessions.add_own_token(driver=driver, value=value, token_type=token_type, label=label)
    except IntegrityError as error:  # two drivers in the same moment
        raise ValidationError(_("Somebody else uses this already.")) from error
    FundingRule.objects.create(organization_id=driver.organization_id, token=token, source=FundingSource.CARD)
    return token


def end(*, driver: Driver, enrolment: Enrolment) -> None:
    """No more plug and go; what was charged stays. Raises ValidationError."""
    with transaction.atomic():
        row = _own(driver, enrolment)
        token, row.token = row.token, None
        row.state, row.ended_at = EnrolmentState.ENDED, clock.now()
        row.save()
        if token is not None:
            token.delete()
        audit.record_driver(driver.user, driver.organization, "autocharge.ended", row, car=row.vehicle_id)


def add_contract(*, driver: Driver, value: str, label: str = "") -> IdToken:
    """A Plug & Charge contract (eMAID) that charges on the driver's card. Raises ValidationError with a sentence."""
    _demand_card(driver)
    with transaction.atomic():
        return _token(driver, value, TokenType.EMAID, label)


def _own(driver: Driver, enrolment: Enrolment) -> Enrolment:
    row = Enrolment.objects.select_for_update(of=("self",)).filter(pk=enrolment.pk, driver=driver).first()
    if row is None or row.state == EnrolmentState.ENDED:
        raise ValidationError(_("This is not there any more."))
    return row
