"""Scenarios of who hears what by which way: those on duty, partners' systems, and drivers who asked."""

from datetime import timedelta

import pytest

from alerts.services import duty
from evcms.core import clock
from stations import services as stations

pytestmark = pytest.mark.django_db
DRIVER = "anna@driver.example"


@pytest.fixture(autouse=True)
def no_help(world):
    duty.save_settings(
        access=world.access, automatic_recovery=False, announce_days=3, status_page=False, status_intro=""
    )


def heard_by(world, who):
    return [line for line in world.told() if who in line]


def test_each_contact_hears_by_his_first_way_and_from_his_severity_on(world, settings):
    settings.SMS_ACCOUNT, settings.SMS_TOKEN, settings.SMS_SENDER = "account", "token", "+3197010000000"
    names = world.site("Kade", 4)
    world.site("Haven", 9)
    world.also_told("Night", ("sms", "+31612345678"), ("email", "night@example.org"))
    world.also_told("Boss", ("email", "boss@example.org"), least=4)
    world.fault("HAVEN-1")
    world.wait(minutes=1)
    assert sorted(world.told()) == [
        "opened connector_faulted",
        "opened connector_faulted → +31612345678 sms",
    ]
    world.dark(*names)
    world.wait(minutes=3)
    assert sorted(world.told())[2:] == [
        "opened site_dark",
        "opened site_dark → +31612345678 sms",
        "opened site_dark → boss@example.org email",
    ]


def test_a_driver_hears_that_it_broke_and_that_it_is_repaired_and_nothing_of_the_incident(world):
    world.site("Kade", 2)
    world.fine("KADE-1", "KADE-2")
    world.driver(DRIVER, "KADE-1", "broken", "repaired")
    world.fault("KADE-1", "KADE-2")
    world.wait(minutes=2)
    world.fine("KADE-1", "KADE-2")
    world.wait(minutes=12, every=60)
    assert heard_by(world, DRIVER) == [f"broken a wish → {DRIVER} email", f"repaired a wish → {DRIVER} email"]
    assert world.told().count("opened connector_faulted") == 2


def test_a_dark_station_is_broken_to_its_drivers_once_it_is_trouble_to_us(world):
    world.site("Kade", 2)
    world.driver(DRIVER, "KADE-1", "broken", reach="station")
    world.dark("KADE-1")
    world.wait(minutes=1)
    assert world.told() == []
    world.wait(minutes=2)
    assert sorted(world.told()) == [f"broken a wish → {DRIVER} email", "opened station_offline"]


def test_planned_work_is_told_to_drivers_ahead_and_its_faults_to_nobody(world):
    world.site("Kade", 2)
    world.driver(DRIVER, "KADE-1", "maintenance", "broken", reach="site")
    begin = clock.now() + timedelta(hours=2)
    stations.plan_maintenance(
        access=world.access, title="Cables", site=world.sites["Kade"], starts_at=begin,
        ends_at=begin + timedelta(hours=1),
    )  # fmt: skip
    world.wait(minutes=2)
    assert world.told() == [f"maintenance a wish → {DRIVER} email"]
    world.wait(minutes=125, every=300)
    world.fault("KADE-1")
    world.wait(minutes=10, every=60)
    assert world.told() == [f"maintenance a wish → {DRIVER} email"]
    assert world.board() == []


def test_a_freed_connector_is_offered_to_the_one_who_waits(world):
    world.site("Kade", 1)
    world.starts("KADE-1")
    world.says("KADE-1", "charging")
    world.driver(DRIVER, "KADE-1", "free")
    world.reads("KADE-1", kwh=1, power=7_000)
    world.wait(minutes=1)
    assert heard_by(world, DRIVER) == []
    world.reads("KADE-1", kwh=2, power=7_000)
    world.ends("KADE-1", kwh=2)
    world.fine("KADE-1")
    world.wait(minutes=3)
    assert heard_by(world, DRIVER) == [f"free a wish → {DRIVER} email"]
