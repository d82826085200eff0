"""A driver hears of his own charge what he chose: each once, in time, nothing after its end."""

from datetime import timedelta

import pytest

from alerts.models import Following, Notification, Recipient
from alerts.services import following, people
from alerts.vocabulary import Step
from billing.models import Tariff, TariffAssignment
from evcms.core import clock
from sessions import services as sessions
from sessions.models import ChargingSession, Driver, IdToken
from sessions.vocabulary import SessionState, SessionUpdate
from stations import services as stations
from stations.vocabulary import ConnectorStatus, StatusReport
from tests.alerts.conftest import later
from tests.billing.conftest import KWH, Car
from tests.tariffs import flat

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tariff(organization):
    made = Tariff.objects.create(
        organization=organization, name="Day", currency="EUR",
        **flat(per_kwh="0.50", idle_per_minute="0.10", idle_grace_minutes=30),
    )  # fmt: skip
    TariffAssignment.objects.create(tariff=made, organization=organization)
    return made


@pytest.fixture
def car(linked, tariff):
    return Car(linked)


@pytest.fixture
def driver(organization):
    made = Driver.objects.create(organization=organization, email="d@example.org")
    IdToken.objects.create(organization=organization, value="CARD1", folded="CARD1", driver=made)
    return made


def wants(driver, *steps, kwh=0, money=0):
    who = {"organization_id": driver.organization_id, "email": driver.email, "name": "", "language": "en"}
    recipient = people.signed_in(driver_id=driver.pk, **who)
    people.set_charge(recipient=recipient, topics=list(steps), kwh=kwh, euros=money)
    return recipient


def told():
    rows = Notification.objects.filter(template__startswith="charge_").order_by("pk")
    return [row.template.removeprefix("charge_") for row in rows]


def rests(car, status=ConnectorStatus.SUSPENDED_EV):
    """The station says that the car takes no more."""
    now = clock.now()
    sessions.update(update=_update(car, status, now))
    report = StatusReport(car.evse, 1, status, now, now)
    stations.status_reported(station_id=car.station.pk, report=report)


def _update(car, status, now):
    car.seq += 1
    return SessionUpdate(
        station_id=car.station.pk, transaction_id=car.transaction, at=now, received_at=now, evse=car.evse, connector=1,
        state=SessionState(str(status)), seq_no=car.seq,
    )  # fmt: skip


def test_started_milestones_and_finished_each_once(driver, car, deliver):
    wants(driver, "started", "milestone", "finished", kwh=10)
    car.starts(token="CARD1")
    deliver()
    assert told() == ["started"]
    for _ in range(5):
        later(minutes=5)
        car.draws(4 * KWH)
        deliver()
        deliver()
    assert told() == ["started", "milestone", "milestone"]
    mail = Notification.objects.filter(template="charge_milestone").first()
    assert "12" in mail.text
    assert "6.00" in mail.text
    car.ends(1 * KWH)
    deliver()
    deliver()
    assert told() == ["started", "milestone", "milestone", "finished"]
    assert "10.50" in Notification.objects.get(template="charge_finished").text


def test_steps_of_money_are_told_as_they_are_crossed(driver, car, deliver):
    wants(driver, "milestone", money=2)
    car.starts(token="CARD1")
    deliver()
    for _ in range(10):
        later(minutes=2)
        car.draws(1 * KWH)
        sessions.reach_times()
        deliver()
    assert told() == ["milestone", "milestone"]


def test_a_leap_over_several_steps_is_one_message(driver, car, deliver):
    wants(driver, "milestone", kwh=5)
    car.starts(token="CARD1")
    deliver()
    later(hours=3)
    car.draws(27 * KWH)
    deliver()
    assert told() == ["milestone"]


def test_what_is_not_chosen_is_not_told(driver, car, deliver):
    wants(driver, "finished")
    car.starts(token="CARD1")
    car.draws(20 * KWH)
    deliver()
    assert told() == []
    people.set_charge(recipient=Recipient.objects.get(), topics=[], kwh=0, euros=0)
    assert Recipient.objects.get().charge == {}


@pytest.mark.parametrize(
    ("reason", "heard", "word"),
    [
        ("EVDisconnected", "finished", ""),
        ("Local", "finished", ""),
        ("EmergencyStop", "stopped", "emergency stop"),
        ("PowerLoss", "stopped", "lost its power"),
        ("GroundFault", "stopped", "ground"),
    ],
)
def test_an_unexpected_stop_is_told_with_its_cause(driver, car, deliver, reason, heard, word):
    wants(driver, "finished", "stopped")
    car.starts(token="CARD1")
    later(minutes=5)
    car.ends(3 * KWH, reason=reason)
    deliver()
    assert told() == [heard]
    assert word in Notification.objects.get(template__startswith="charge_").text


def test_a_session_replayed_from_an_offline_buffer_tells_nothing(driver, car, deliver):
    wants(driver, *Step.values, kwh=1)
    then = clock.now() - timedelta(hours=26)
    car.starts(token="CARD1", at=then)
    car.draws(5 * KWH, at=then + timedelta(minutes=30))
    ChargingSession.objects.update(replayed=True)
    car.ends(5 * KWH)
    deliver()
    assert told() == []


def test_the_blocking_fee_is_announced_ten_minutes_ahead(driver, car, deliver):
    wants(driver, "idle")
    car.starts(token="CARD1")
    later(minutes=10)
    car.draws(5 * KWH)
    rests(car)
    deliver()
    later(minutes=19)
    sessions.reach_times()
    deliver()
    assert told() == []
    later(minutes=2)
    sessions.reach_times()
    deliver()
    sessions.reach_times()
    deliver()
    assert told() == ["idle"]
    assert "0.10" in Notification.objects.get(template="charge_idle").text


def test_a_car_that_charges_again_or_left_is_not_warned(driver, car, deliver):
    wants(driver, "idle")
    car.starts(token="CARD1")
    later(minutes=10)
    car.draws(5 * KWH)
    rests(car)
    deliver()
    later(minutes=5)
    rests(car, ConnectorStatus.CHARGING)
    deliver()
    later(minutes=20)
    sessions.reach_times()
    deliver()
    assert told() == []


def test_facts_in_the_wrong_order_tell_no_progress_after_the_end(driver, car, deliver):
    """The end is known before the worker comes to the threshold."""
    wants(driver, "milestone", "finished", kwh=1)
    car.starts(token="CARD1")
    deliver()
    car.draws(3 * KWH)
    car.ends(1 * KWH)
    deliver()
    assert told() == ["finished"]


def test_what_is_still_queued_does_not_leave_after_the_end(driver, car, deliver):
    wants(driver, "milestone", kwh=1)
    car.starts(token="CARD1")
    deliver()
    car.draws(3 * KWH)
    deliver()
    assert Notification.objects.get(template="charge_milestone").state == "queued"
    car.ends(1 * KWH)
    deliver()
    assert Notification.objects.get(template="charge_milestone").state == "expired"


def test_two_workers_at_one_threshold_tell_once(driver, car, deliver):
    wants(driver, "milestone", kwh=1)
    car.starts(token="CARD1")
    deliver()
    car.draws(3 * KWH)
    row = Following.objects.get()
    stale = Following.objects.get()
    assert following._crossed(row, 3 * KWH, 0, "EUR")
    assert not following._crossed(stale, 3 * KWH, 0, "EUR")
    assert car.session.pk == row.session_id
