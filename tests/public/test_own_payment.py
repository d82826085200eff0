"""A driver who has paid is known again at the connector; everybody else sees that it is taken."""

import pytest
from django.test import Client

from alerts.models import Notification
from billing.models import Bill, Payment, Receipt
from billing.pricing.trace import Part
from billing.queries import prices
from evcms.core import clock
from sessions.models import ChargingSession
from sessions.vocabulary import SessionState
from stations.models import Connection, Connector
from tests.billing.conftest import KWH, later, work
from tests.tariffs import flat

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def driver(connector, tariff, provider):
    """A browser that has paid at the connector and came back."""
    visitor = Client()
    visitor.post(f"/c/{connector.code}/pay", {"email": "driver@example.org"})
    payment = Payment.objects.get()
    provider.pays(payment)
    visitor.get(f"/s/{payment.public_id}")
    visitor.payment = Payment.objects.get()
    return visitor


def seen(visitor, path):
    answer = visitor.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_driver_finds_the_way_back_and_others_see_that_it_is_taken(driver, connector, car):
    text = seen(driver, f"/c/{connector.code}")
    assert "Ready. Plug in now." in text
    assert f'href="/s/{driver.payment.public_id}"' in text
    car.starts(driver.payment.attempt)
    work()
    assert "You are charging here." in seen(driver, f"/c/{connector.code}?part=state")
    other = seen(Client(), f"/c/{connector.code}")
    assert "You are charging here." not in other
    assert driver.payment.public_id not in other
    car.ends(1 * KWH)
    assert "You are charging here." not in seen(driver, f"/c/{connector.code}")


def test_the_other_cable_of_a_charger_that_serves_one_at_a_time_says_that_it_is_this_one(driver, connector, car):
    other = Connector.objects.create(
        evse=connector.evse, station=connector.station, number=2, plug="CHADEMO", status="available"
    )
    assert "Somebody is just starting here." in seen(Client(), f"/c/{other.code}")
    car.starts(driver.payment.attempt)
    work()
    assert "The other cable of this charger is in use." in seen(Client(), f"/c/{other.code}")


def test_who_has_charged_is_asked_to_unplug_while_his_car_hangs_there(driver, connector, car):
    car.starts(driver.payment.attempt)
    work()
    car.ends(1 * KWH)
    work()
    path = f"/s/{driver.payment.public_id}"
    Connector.objects.filter(pk=connector.pk).update(status="finishing")
    assert "Please unplug" in seen(driver, path)
    stranger = seen(Client(), path)  # receipts that go through many hands name this page
    assert "d…@example.org" in stranger
    assert "driver@example.org" not in stranger
    Connector.objects.filter(pk=connector.pk).update(status="available")
    assert "Please unplug" not in seen(driver, path)


def test_the_key_is_signed_and_no_script_reads_it(driver, connector):
    cookie = driver.cookies[f"payment-{connector.code}"]
    assert cookie["httponly"]
    assert cookie["max-age"]
    forger = Client()
    forger.cookies[f"payment-{connector.code}"] = driver.payment.public_id
    assert "Ready. Plug in now." not in seen(forger, f"/c/{connector.code}")


def test_while_somebody_is_starting_the_connector_is_free_nowhere(driver, connector):
    text = seen(Client(), f"/c/{connector.code}")
    assert "Somebody is just starting here." in text
    assert "Free. Plug in" not in text
    assert "Somebody else is charging" not in text
    free = [feature["properties"]["free"] for feature in Client().get("/map/points.geojson").json()["features"]]
    assert sum(free) == 0
    assert "free now" in seen(Client(), "/map")


def test_a_driver_with_an_address_gets_the_link_by_mail_once(driver):
    work()
    work()
    mail = Notification.objects.get(template="started")
    assert mail.to == "driver@example.org"
    assert f"/s/{driver.payment.public_id}" in mail.text
    assert f"/s/{driver.payment.public_id}" in mail.html


def test_a_charge_below_the_smallest_payment_is_on_us_and_says_so(driver, connector, car, tariff):
    snapshot = driver.payment.snapshot
    snapshot.terms |= {"elements": flat(per_kwh="0.49")["elements"]}
    snapshot.save()
    car.starts(driver.payment.attempt)
    work()
    later(minutes=1)
    car.ends(KWH // 2)
    work()
    text = seen(driver, f"/s/{driver.payment.public_id}")
    assert "Below the smallest card payment (0.50 €): this one is on us." in text
    assert ">Try again<" not in text
    mail = Notification.objects.get(template="released")
    assert "You charged 0.50 kWh at" in mail.text
    assert "this one is on us" in mail.text


def test_the_stop_is_said_while_it_is_under_way_and_not_after_it(driver, car):
    car.starts(driver.payment.attempt)
    work()
    path = f"/s/{driver.payment.public_id}"
    assert "asked to stop" not in seen(driver, path)
    driver.post(f"{path}/stop")
    assert "asked to stop" in seen(driver, path)
    car.ends(5 * KWH)
    work()
    assert "asked to stop" not in seen(driver, path)


def test_a_station_that_cannot_be_reached_is_not_said_to_stop(driver, car):
    car.starts(driver.payment.attempt)
    work()
    Connection.objects.update(closed_at=clock.now())
    text = driver.post(f"/s/{driver.payment.public_id}/stop", follow=True).content.decode()
    assert "cannot be reached" in text
    assert "asked to stop" not in text


def test_the_receipt_page_writes_its_moments_with_their_zone(driver, car):
    car.starts(driver.payment.attempt)
    work()
    later(minutes=40)
    car.ends(5 * KWH)
    work()
    text = seen(Client(), f"/r/{Receipt.objects.get().public_id}")
    bill = text[text.index("How the price came about") :]
    assert bill.index("Session fee") < bill.index("Total") < bill.index("Net") < bill.index("VAT")
    assert "Save this card for next time" in text
    assert text.count(" CET") + text.count(" CEST") == 3
    assert text.count(f" {clock.now():%Y}, ") == 3  # a document that is kept names its year


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (SessionState.SUSPENDED_EV, "Waiting for your car."),
        (SessionState.FINISHING, "Waiting for your car."),
        (SessionState.SUSPENDED_EVSE, "The station gives no power yet."),
    ],
)
def test_before_the_first_energy_nobody_reads_that_the_car_has_had_enough(driver, car, state, words):
    car.starts(driver.payment.attempt)
    work()
    path = f"/s/{driver.payment.public_id}"
    ChargingSession.objects.update(state=state)
    text = seen(driver, path)
    assert words in text
    assert "Starting" in text
    assert "had enough" not in text
    assert "Finishing" not in text
    car.draws(KWH)
    ChargingSession.objects.update(state=state)
    text = seen(driver, path)
    assert words not in text
    assert ("The station pauses." if state == SessionState.SUSPENDED_EVSE else "Your car has had enough.") in text


def test_the_address_that_a_station_showed_before_there_was_a_receipt_leads_to_it(driver, car):
    path = f"/s/{driver.payment.public_id}?receipt=1"
    assert "Ready. Plug in now." in seen(driver, path)
    car.starts(driver.payment.attempt)
    work()
    later(minutes=110)
    car.ends(20 * KWH)
    work()
    assert driver.get(path).url == f"/r/{Receipt.objects.get().public_id}"
    assert driver.get(path.removesuffix("?receipt=1")).status_code == 200


def test_a_part_of_the_price_that_did_not_come_to_bear_is_no_line_of_the_receipt(driver, car):
    snapshot = driver.payment.snapshot
    snapshot.terms |= flat(per_kwh="0.49", idle_per_minute="0.04")
    snapshot.save()
    car.starts(driver.payment.attempt)
    work()
    later(minutes=110)
    car.ends(20 * KWH)
    work()
    receipt = Receipt.objects.get()
    idle = [line for line in receipt.document["lines"] if line["part"] == Part.IDLE]
    assert [(line["quantity"], line["amount"]) for line in idle] == [(0, 0)]  # the trace keeps it
    text = seen(driver, f"/r/{receipt.public_id}")
    assert "20.00 kWh" in text
    assert "0 min ×" not in text
    assert "Blocking fee" not in text
    assert [line.label for line in prices.cost_of(Bill.objects.get()).lines] == ["Energy"]
