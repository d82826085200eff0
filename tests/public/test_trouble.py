"""When a charge goes wrong, or a car is left plugged in, the driver's pages say what it is and where to go on."""

from datetime import timedelta

import pytest
from django.test import Client

from alerts.models import Notification
from billing.models import Payment, Receipt
from evcms.core import clock
from evcms.templatetags.figures import clock_time
from stations import services as stations
from stations.models import Connection, Connector, Gateway
from stations.vocabulary import ConnectorStatus, StatusReport
from tests.billing.conftest import KWH, later, work
from tests.public.test_own_payment import driver, seen
from tests.stations.conftest import make_station

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["driver"]
BROKE_OFF = "Charging broke off before you ended it."


@pytest.fixture
def organization(organization):
    organization.support_phone, organization.support_email = "+31 20 555 0100", "help@example.org"
    organization.save()
    return organization


def says(connector, status, code=""):
    now = clock.now()
    report = StatusReport(connector.evse.number, connector.number, status, now, now, error_code=code)
    stations.status_reported(station_id=connector.station_id, report=report)


def wait(**span):
    """The station's link stands meanwhile."""
    later(**span)
    for gateway in Gateway.objects.all():
        stations.gateway_alive(gateway_id=gateway.pk)


def charged(driver, car, mwh=1 * KWH, reason="EVDisconnected"):
    car.starts(driver.payment.attempt)
    work()
    wait(minutes=10)
    car.ends(mwh, reason=reason)
    work()
    return f"/s/{driver.payment.public_id}"


def test_who_charges_sees_whom_to_call_and_how_to_report_a_problem(driver, connector, car):
    for begin in (lambda: None, lambda: car.starts(driver.payment.attempt)):
        begin()
        text = seen(driver, f"/s/{driver.payment.public_id}")
        assert 'href="tel:+31205550100"' in text
        assert f'href="/c/{connector.code}/report"' in text
        assert f'href="/c/{connector.code}"' in text


def test_a_charge_that_a_fault_ended_says_so_what_it_cost_and_where_to_go_on(driver, connector, car, site, gateway):
    Connector.objects.exclude(pk=connector.pk).update(status="available")
    other = make_station("NEXT-1", site)
    stations.connected(station_id=other.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address=None)
    Connector.objects.filter(station=other).update(status="available")
    page = charged(driver, car, reason="GroundFault")
    says(connector, ConnectorStatus.FAULTED, "GroundFailure")
    text = seen(driver, page)
    assert "Broken off" in text
    assert BROKE_OFF in text
    assert "The station found a fault to ground and switched off." in text
    assert "Session fee" in text
    assert "1.10 €" in text
    assert "money can be given back" in text
    assert site.name in text.split("Free nearby")[1]


def test_a_fault_that_only_the_connector_names_is_the_cause_of_a_stop_that_gives_no_reason(driver, connector, car):
    page = charged(driver, car, reason="Other")
    assert BROKE_OFF not in seen(driver, page)
    says(connector, ConnectorStatus.FAULTED, "HighTemperature")
    assert "The station became too hot and switched off." in seen(driver, page)


def test_receipt_and_its_mail_say_that_the_charge_broke_off(driver, connector, car):
    charged(driver, car, reason="EmergencyStop")
    text = seen(Client(), f"/r/{Receipt.objects.get().public_id}")
    assert BROKE_OFF in text
    assert "The emergency stop was pressed." in text
    assert f'href="/c/{connector.code}/report"' in text
    mail = Notification.objects.get(template="receipt")
    for body in (mail.text, mail.html):
        assert BROKE_OFF in body
        assert "thanks you" not in mail.html


def test_a_charge_that_ended_as_charges_end_speaks_of_no_trouble(driver, connector, car):
    text = seen(driver, charged(driver, car))
    assert BROKE_OFF not in text
    assert "Free nearby" not in text
    assert BROKE_OFF not in seen(Client(), f"/r/{Receipt.objects.get().public_id}")
    assert "thanks you for charging" in Notification.objects.get(template="receipt").html


def test_while_the_station_has_no_link_the_page_says_of_when_its_figures_are_and_how_to_stop_there(driver, car):
    car.starts(driver.payment.attempt)
    work()
    path = f"/s/{driver.payment.public_id}"
    assert "No connection to the station" not in seen(driver, path)
    Connection.objects.update(closed_at=clock.now())
    text = seen(driver, path)
    assert "No connection to the station: these figures are of " in text
    assert "Charging goes on" in text
    assert "unlock the car" in text
    assert 'href="tel:+31205550100"' in text


# A car that was left -------------------------------------------------------------------------------------------------


@pytest.fixture
def left_car(driver, connector, car):
    """The driver's charge is over, his car hangs there."""
    says(connector, ConnectorStatus.PREPARING)
    charged(driver, car)
    says(connector, ConnectorStatus.FINISHING)
    return driver


def test_a_stranger_cannot_pay_for_a_car_that_was_left_before_he_says_that_it_is_his(left_car, connector):
    path = f"/c/{connector.code}"
    text = seen(Client(), path)
    assert "A car that has finished is still plugged in." in text
    assert "Is it yours?" in text
    assert "Pay and start" not in text
    assert "Pay and it starts" not in text
    answer = Client().post(f"{path}/pay", follow=True)
    assert answer.redirect_chain == [(path, 302)]
    assert "Nothing was started" in answer.content.decode()
    assert Payment.objects.count() == 1
    claimed = seen(Client(), f"{path}?mine")
    assert "Pay only if the car that is plugged in is yours." in claimed
    assert 'name="mine"' in claimed
    assert Client().post(f"{path}/pay", {"mine": "1"}).url.startswith("http")
    assert Payment.objects.count() == 2


def test_who_waits_on_the_page_gets_the_button_when_the_car_has_left(left_car, connector):
    path = f"/c/{connector.code}"
    page = seen(Client(), path)
    assert f'data-live-refresh="{path}?part=action"' in page
    assert "<button" not in seen(Client(), f"{path}?part=action")
    wait(minutes=1)
    says(connector, ConnectorStatus.AVAILABLE)
    part = seen(Client(), f"{path}?part=action")
    assert "Pay and start" in part
    assert "<html" not in part
    assert 'name="csrfmiddlewaretoken"' in part


def test_whose_car_it_is_pays_again_at_once(left_car, connector):
    path = f"/c/{connector.code}"
    text = seen(left_car, path)
    assert "Your charge is over, your car is still plugged in." in text
    assert "Is it yours?" not in text
    assert "Pay and start" in text
    assert left_car.post(f"{path}/pay").url.startswith("http")


def test_the_next_car_is_nobodys_left_one(left_car, connector):
    wait(minutes=1)
    says(connector, ConnectorStatus.AVAILABLE)
    wait(seconds=20)
    says(connector, ConnectorStatus.PREPARING)
    text = seen(Client(), f"/c/{connector.code}")
    assert "Plugged in? Pay and it starts." in text
    assert "Pay and start" in text


def test_a_voucher_starts_nothing_for_a_car_that_was_left(left_car, connector):
    text = Client().post(f"/c/{connector.code}/voucher", {"voucher": "ABCD"}, follow=True).content.decode()
    assert "Nothing was started" in text


def test_a_plug_that_was_free_when_the_last_car_left_just_before_its_stop_was_told_asks_nobody(driver, connector, car):
    car.starts(driver.payment.attempt)
    work()
    wait(minutes=10)
    says(connector, ConnectorStatus.AVAILABLE)
    wait(seconds=5)
    car.ends(1 * KWH)
    work()
    wait(minutes=5)
    says(connector, ConnectorStatus.PREPARING)
    assert "Is it yours?" not in seen(Client(), f"/c/{connector.code}")


def test_a_start_that_came_to_nothing_shows_what_is_free_beside_it(driver, connector, car, site):
    Connector.objects.exclude(pk=connector.pk).update(status="available")
    car.answers_start(driver.payment.attempt, accepted=False)
    says(connector, ConnectorStatus.FAULTED, "OtherError")
    clock.advance(timedelta(seconds=5))
    work()
    text = seen(driver, f"/s/{driver.payment.public_id}")
    assert "Nothing was charged." in text
    assert site.name in text.split("Free nearby")[1]


def test_who_has_started_reads_by_when_to_plug_in_and_that_nothing_need_be_done_otherwise(driver, connector):
    text = seen(driver, f"/s/{driver.payment.public_id}")
    until = driver.payment.attempt.expires_at - timedelta(minutes=1)
    assert f"Plug in by {clock_time(until, connector.station.site.time_zone)}." in text
    assert "the start is given up by itself" in text


def test_the_steps_of_a_charge_name_the_money_that_it_costs(driver, car):
    assert "every … EUR" in seen(driver, f"/s/{driver.payment.public_id}")
