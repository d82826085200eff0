"""Windows take connectors out of service when their cars have left, and give back only what they took."""

from datetime import timedelta

import pytest

from evcms.core import clock
from stations import services
from stations.commands import Availability, ChangeAvailability
from stations.models import Command, Connector, Gateway, MaintenanceWindow, TakenConnector, WindowState
from stations.vocabulary import Answer, ConnectorStatus, StatusReport

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def plan(access, now, starts=0, ends=2, **more):
    fields = {"title": "New cable"} | more
    return services.plan_maintenance(access=access, starts_at=now + starts * HOUR, ends_at=now + ends * HOUR, **fields)


def sweep():
    """As the ten-second tasks do, a minute later."""
    clock.advance(timedelta(minutes=1))
    for gateway in Gateway.objects.all():
        services.gateway_alive(gateway_id=gateway.pk)
    services.run_maintenance()
    services.take_connectors()


def asked():
    """The open commands: (EVSE, inoperative or operative)."""
    rows = Command.objects.filter(kind="ChangeAvailability", state="queued").order_by("created_at")
    return [(row.fields["evse"], row.fields["availability"]) for row in rows]


def answer(status="Accepted"):
    for row in Command.objects.filter(kind="ChangeAvailability", state="queued"):
        services.command_sent(command_id=row.pk)
        services.command_answered(command_id=row.pk, answer=Answer(status != "Rejected", status))


def states(window):
    return sorted(TakenConnector.objects.filter(window=window).values_list("state", flat=True))


def says(station, evse, status):
    now = clock.now()
    services.status_reported(station_id=station.pk, report=StatusReport(evse, 1, ConnectorStatus(status), now, now))


@pytest.fixture
def window(owner, linked, now):
    for evse in (1, 2):
        says(linked, evse, "available")
    return plan(owner, now, -0.01, 2, station=linked)


def test_all_free_connectors_are_taken_at_the_start_and_given_back_at_the_end(window, linked):
    sweep()
    assert asked() == [(1, "inoperative"), (2, "inoperative")]
    answer()
    sweep()
    assert states(window) == ["taken", "taken"]
    clock.advance(2 * HOUR)
    sweep()
    assert asked() == [(1, "operative"), (2, "operative")]
    answer()
    sweep()
    assert states(window) == ["restored", "restored"]
    taken = TakenConnector.objects.first()
    assert taken.taken_at < taken.restored_at


def test_a_car_that_charges_finishes_first(owner, linked, now):
    says(linked, 1, "charging")
    says(linked, 2, "available")
    plan(owner, now, -0.01, 2, station=linked)
    sweep()
    assert asked() == [(2, "inoperative")]
    says(linked, 1, "available")
    answer()
    sweep()
    assert asked() == [(1, "inoperative")]


def test_what_was_out_of_service_before_stays_so_afterwards(owner, linked, now):
    says(linked, 1, "unavailable")
    says(linked, 2, "available")
    window = plan(owner, now, -0.01, 2, station=linked)
    sweep()
    answer()
    sweep()
    assert states(window) == ["left", "taken"]


def test_what_somebody_set_by_hand_meanwhile_stays(window, linked):
    sweep()
    answer()
    sweep()
    services.send(station=linked, command=ChangeAvailability(Availability.OPERATIVE, evse=1), origin="Ada")
    answer()
    clock.advance(2 * HOUR)
    sweep()
    assert asked() == [(2, "operative")]
    assert "kept" in states(window)


def test_a_station_that_refuses_is_said(window):
    sweep()
    answer("Rejected")
    sweep()
    assert states(window) == ["refused", "refused"]
    assert TakenConnector.objects.first().detail == "Rejected"


def test_a_station_without_a_link_is_taken_when_it_comes_back_and_given_back_then(owner, station, gateway, now):
    window = plan(owner, now, -0.01, 2, station=station)
    sweep()
    assert (asked(), states(window)) == ([], ["waiting", "waiting"])
    services.connected(station_id=station.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address=None)
    sweep()
    answer()
    sweep()
    assert states(window) == ["taken", "taken"]


def test_a_window_that_ends_before_anything_was_taken_leaves_all_alone(owner, station, now):
    window = plan(owner, now, -0.01, 1, station=station)
    clock.advance(2 * HOUR)
    sweep()
    sweep()
    assert states(window) == ["left", "left"]
    assert not Command.objects.exists()


def test_a_command_that_nobody_answered_is_asked_again(window):
    sweep()
    Command.objects.update(state="timeout")
    sweep()
    sweep()
    assert asked() == [(1, "inoperative"), (2, "inoperative")]


def test_ended_early_gives_back_at_once(window, owner):
    sweep()
    answer()
    sweep()
    services.cancel_maintenance(access=owner, window=window)
    sweep()
    assert asked() == [(1, "operative"), (2, "operative")]


def test_a_second_window_that_runs_on_keeps_them_out_of_service(window, owner, linked, now):
    sweep()
    answer()
    second = plan(owner, now, -0.01, 5, site=linked.site, title="Cables of the site")
    sweep()
    answer()
    sweep()
    MaintenanceWindow.objects.filter(pk=window.pk).update(state=WindowState.ENDED)
    sweep()
    assert ("operative" in dict(asked()).values(), states(window)) == (False, ["restored", "restored"])
    assert states(second) == ["taken", "taken"]


def test_two_sweeps_at_once_ask_once(window):
    sweep()
    services.take_connectors()
    services.take_connectors()
    assert len(asked()) == 2


def test_archived_and_foreign_connectors_are_not_touched(owner, linked, rival, now):
    Connector.objects.filter(station=linked, evse__number=2).update(archived_at=now)
    window = plan(owner, now, -0.01, 2)
    assert TakenConnector.objects.filter(window=window).count() == 1
