"""Plug and go on the real door: a card on file is tapped, the car is seen and confirmed, then it charges by itself; and
a Plug & Charge contract bound to a card. Real sockets, the provider's double over HTTP.
"""

# ruff: noqa: F811 (fixtures)
import json
from datetime import timedelta

import pytest

from billing import services as billing
from billing.models import Bill, Debt, Enrolment, Payment, Tariff, TariffAssignment
from billing.services import autocharge
from billing.vocabulary import BillState, EnrolmentState, PaymentState
from evcms.core import clock, delivery
from evcms.ocpp.readings import format_time
from sessions import cars
from sessions.models import ChargingSession, IdToken
from tests.billing.conftest import double, provider  # noqa: F401
from tests.billing.saved import FAILS_LATER, a_driver, a_token, saves_card

from .wire import link, wired_station  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)
MAC = "001A2B3C4D5E"
RFID = "04A1B2C3D4"
PROTOCOLS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]


class Plug:
    """One connector in the words of its version."""

    number = 0

    def __init__(self, charger, protocol):
        self.charger, self.is_16, self.register, self.seq = charger, protocol == "ocpp1.6", 1000, 0

    def token(self, value, kind, car=""):
        said = {"idToken": value, "type": kind}
        if car:
            said["additionalInfo"] = [{"additionalIdToken": car, "type": "MacAddress"}]
        return said

    def asks(self, value, kind="ISO14443"):
        payload = {"idTag": value} if self.is_16 else {"idToken": self.token(value, kind)}
        answer = self.charger.call("Authorize", payload)
        return answer["idTagInfo" if self.is_16 else "idTokenInfo"]["status"]

    def starts(self, value, kind="ISO14443", car=""):
        now = format_time(clock.now())
        if self.is_16:
            payload = {"connectorId": 1, "idTag": value, "meterStart": self.register, "timestamp": now}
            answer = self.charger.call("StartTransaction", payload)
            self.transaction = answer["transactionId"]
            return answer["idTagInfo"]["status"]
        Plug.number += 1
        self.transaction, self.seq = f"tx-plug-{Plug.number}", 0
        return self.event("Started", "Authorized", idToken=self.token(value, kind, car))["idTokenInfo"]["status"]

    def event(self, kind, trigger, **more):
        payload = {
            "eventType": kind, "timestamp": format_time(clock.now()), "triggerReason": trigger, "seqNo": self.seq,
            "transactionInfo": {"transactionId": self.transaction, "chargingState": "Charging"},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [{"timestamp": format_time(clock.now()), "sampledValue": [
                {"value": self.register, "measurand": "Energy.Active.Import.Register",
                 "unitOfMeasure": {"unit": "Wh"}}]}],
        }  # fmt: skip
        self.seq += 1
        return self.charger.call("TransactionEvent", payload | more)

    def ends(self, watt_hours):
        self.register += watt_hours
        if self.is_16:
            now = format_time(clock.now())
            payload = {"transactionId": self.transaction, "meterStop": self.register, "timestamp": now}
            self.charger.call("StopTransaction", payload)
        else:
            self.event("Ended", "EVDeparted")

    def tells_car(self, value):
        content = json.dumps({"evccid": value, "connectorId": 1})
        payload = {"vendorId": "org.evcms.car", "messageId": "CarId", "data": content}
        return self.charger.call("DataTransfer", payload)["status"]


def goes_on():
    for _ in range(10):
        done = delivery.deliver_due() + billing.place_due() + billing.capture_due()
        if not done:
            return


def told(charger):
    """What the station is told, each accepted, one after the other."""
    while True:
        frame = charger.receive()
        charger.answer(frame[1], {"status": "Accepted"})
        yield frame[2]


@pytest.fixture
def priced(wired_station):
    owner = wired_station.organization
    tariff = Tariff.objects.create(organization=owner, name="Street", currency="EUR", hold="30", elements=ELEMENTS)
    TariffAssignment.objects.create(tariff=tariff, organization=owner, valid_from=clock.now() - timedelta(days=1))
    return tariff


ELEMENTS = [
    {
        "components": [
            {"kind": "ENERGY", "price": "0.50", "tax_percent": "21", "step": 1},
            {"kind": "FLAT", "price": "1.00", "tax_percent": "21", "step": 1},
        ],
        "restrictions": {},
    }
]


@pytest.fixture
def driver(wired_station, provider):
    made = a_driver(wired_station.organization)
    a_token(made, RFID)
    saves_card(provider, made)
    return made


def charges(plug, value, watt_hours=20_000, **how):
    status = plug.starts(value, **how)
    goes_on()
    clock.advance(timedelta(hours=2))
    plug.ends(watt_hours)
    goes_on()
    return status


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_tapped_card_on_file_pays_for_the_charge(link, priced, driver, protocol):
    plug = Plug(link(protocol), protocol)
    assert plug.asks(RFID) == "Accepted"
    assert charges(plug, RFID) == "Accepted"
    payment, bill = Payment.objects.get(), Bill.objects.get()
    assert (payment.state, payment.captured_minor, bill.state) == (PaymentState.CAPTURED, 1100, BillState.PAID)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_car_that_was_seen_and_confirmed_charges_by_plugging_in(link, priced, driver, protocol):
    said, kind = (f"VID:{MAC}", "ISO14443") if protocol == "ocpp1.6" else ("00:1A:2B:3C:4D:5E", "MacAddress")
    plug = Plug(link(protocol), protocol)
    wish = autocharge.ask(driver=driver, label="Blue one")
    assert plug.asks(said, kind) == "Invalid"
    charges(plug, RFID)
    wish.refresh_from_db()
    assert (wish.state, wish.vehicle_id) == (EnrolmentState.OFFERED, MAC)
    assert plug.asks(said, kind) == "Invalid"  # until he has confirmed it
    autocharge.confirm(driver=driver, enrolment=wish)
    assert plug.asks(said, kind) == "Accepted"
    assert charges(plug, said, kind=kind) == "Accepted"
    payment = Payment.objects.order_by("-pk").first()
    assert (payment.state, payment.captured_minor, payment.driver) == (PaymentState.CAPTURED, 1100, driver)
    assert str(ChargingSession.objects.order_by("-pk").first().id_token) == "Blue one"


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
def test_a_car_that_is_told_beside_the_card_is_offered(link, priced, driver, protocol):
    wish = autocharge.ask(driver=driver)
    plug = Plug(link(protocol), protocol)
    plug.starts(RFID, car=MAC)
    wish.refresh_from_db()
    assert (wish.state, wish.vehicle_id) == (EnrolmentState.OFFERED, MAC)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_car_that_a_vendor_s_message_tells_is_offered(link, priced, driver, protocol):
    wish = autocharge.ask(driver=driver)
    plug = Plug(link(protocol), protocol)
    plug.starts(RFID)
    assert plug.tells_car(MAC) == "Accepted"
    wish.refresh_from_db()
    assert (wish.state, wish.vehicle_id) == (EnrolmentState.OFFERED, MAC)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_contract_of_plug_and_charge_charges_on_the_card_that_it_is_bound_to(link, priced, driver, protocol):
    token = autocharge.add_contract(driver=driver, value="NL-ABC-C1234567A")
    plug = Plug(link(protocol), protocol)
    kind = "ISO14443" if protocol == "ocpp1.6" else "eMAID"
    said = token.value if protocol == "ocpp1.6" else "NL-ABC-C1234567A-" + token.value[-1]
    assert plug.asks(said, kind) == "Accepted"
    assert charges(plug, said, kind=kind) == "Accepted"
    assert Payment.objects.get().captured_minor == 1100


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_refused_card_stops_the_station_and_blocks_the_next_start(link, priced, driver, provider, protocol):
    driver.payment_methods.all().delete()
    saves_card(provider, driver, FAILS_LATER)
    charger = link(protocol)
    plug = Plug(charger, protocol)
    assert plug.starts(RFID) == "Accepted"
    goes_on()
    assert ("RemoteStopTransaction" if plug.is_16 else "RequestStopTransaction") in told(charger)
    clock.advance(timedelta(minutes=5))
    plug.ends(500)
    goes_on()
    assert Debt.objects.get().amount_minor == 125
    assert plug.asks(RFID) == ("Blocked" if protocol == "ocpp1.6" else "NoCredit")


# Who may not be enrolled ----------------------------------------------------------------------------------------------


@pytest.fixture
def plug(link, priced):
    return Plug(link("ocpp1.6"), "ocpp1.6")


def test_nobody_who_did_not_ask_is_offered_a_car(plug, driver):
    plug.asks(f"VID:{MAC}")
    charges(plug, RFID)
    assert not Enrolment.objects.exists()


def test_of_two_cars_at_one_station_none_is_offered(plug, driver):
    wish = autocharge.ask(driver=driver)
    plug.asks(f"VID:{MAC}")
    plug.asks("VID:FFFFFFFFFFFF")
    charges(plug, RFID)
    wish.refresh_from_db()
    assert wish.state == EnrolmentState.ASKED


def test_a_car_that_is_somebody_s_already_is_not_offered(plug, driver, wired_station):
    other = a_driver(wired_station.organization, email="otto@example.org")
    a_token(other, cars.token_value(MAC), "MacAddress")
    wish = autocharge.ask(driver=driver)
    plug.tells_car(MAC)
    charges(plug, RFID)
    wish.refresh_from_db()
    assert wish.state == EnrolmentState.ASKED


def test_a_car_of_long_before_is_not_offered(plug, driver):
    wish = autocharge.ask(driver=driver)
    plug.asks(f"VID:{MAC}")
    clock.advance(timedelta(minutes=11))
    charges(plug, RFID)
    wish.refresh_from_db()
    assert wish.state == EnrolmentState.ASKED


def test_an_ended_enrolment_starts_nothing_any_more(plug, driver):
    wish = autocharge.ask(driver=driver)
    plug.asks(f"VID:{MAC}")
    charges(plug, RFID)
    autocharge.confirm(driver=driver, enrolment=Enrolment.objects.get(pk=wish.pk))
    autocharge.end(driver=driver, enrolment=Enrolment.objects.get(pk=wish.pk))
    assert plug.asks(f"VID:{MAC}") == "Invalid"
    assert not IdToken.objects.filter(type="MacAddress").exists()
