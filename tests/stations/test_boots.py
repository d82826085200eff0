"""BootNotification: the card, the decision, the interval."""

from datetime import timedelta

import pytest

from stations import services
from stations.models import Station
from stations.services.boots import spread
from stations.vocabulary import Approval, Boot

from .conftest import make_station

CARD = Boot(
    vendor="Acme", model="One", serial_number="S1", firmware_version="1.0", reason="PowerUp", iccid="89", imsi="20"
)


def boot(station, card, now):
    return services.booted(station_id=station.pk, boot=card, received_at=now)


def test_an_accepted_station_may_work_and_its_card_is_kept(station, now, facts):
    decision = boot(station, CARD, now)
    station.refresh_from_db()
    assert decision.approval == Approval.ACCEPTED
    assert (station.vendor, station.model, station.serial_number) == ("Acme", "One", "S1")
    assert (station.firmware_version, station.iccid, station.last_boot_at) == ("1.0", "89", now)
    assert facts("StationBooted") == [{"station_id": station.pk, "reason": "PowerUp"}]


def test_what_a_later_boot_leaves_out_is_not_forgotten(station, now):
    boot(station, CARD, now)
    boot(station, Boot(vendor="Acme", model="One", firmware_version="1.1"), now)
    station.refresh_from_db()
    assert (station.serial_number, station.firmware_version) == ("S1", "1.1")


def test_since_when_a_firmware_runs_is_known_once_another_ran_before(station, now):
    boot(station, CARD, now)
    station.refresh_from_db()
    assert station.firmware_since is None
    later = now + timedelta(hours=1)
    boot(station, Boot(vendor="Acme", model="One", firmware_version="1.1"), later)
    boot(station, Boot(vendor="Acme", model="One", firmware_version="1.1"), later + timedelta(hours=1))
    station.refresh_from_db()
    assert station.firmware_since == later


def test_texts_too_long_or_hostile_are_cut(station, now):
    boot(station, Boot(vendor="v" * 500, model="m\0", reason="r" * 999), now)
    station.refresh_from_db()
    assert (len(station.vendor), station.model) == (64, "m\ufffd")


@pytest.mark.parametrize("approval", [Approval.QUARANTINED, Approval.REJECTED])
def test_others_come_again_later(site, now, approval, settings):
    decision = boot(make_station("Q", site, approval=approval), CARD, now)
    assert decision.approval == approval
    assert 45 <= decision.interval <= 60


def test_intervals_are_spread_but_steady(settings):
    intervals = [spread(300, f"CP-{number:04}") for number in range(1000)]
    assert min(intervals) < 235
    assert max(intervals) <= 300
    assert len(set(intervals)) > 60
    assert spread(300, "CP-0001") == intervals[1]
    assert spread(1, "x") == 1


def test_an_interval_that_the_operator_set_is_kept(station, now):
    Station.objects.update(heartbeat_interval=42)
    assert boot(station, CARD, now).interval == 42


def test_a_boot_stays_within_its_budget(station, now, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        boot(station, CARD, now)
