"""Stations are helped before anybody is woken: one step after the other, never in a driver's way."""

import uuid
from datetime import timedelta

import pytest
from django.db import transaction

from alerts import services
from alerts.models import AlertSettings, Incident, Notification, RecoveryStep, Rule
from alerts.services import recovery
from alerts.vocabulary import IncidentKind, IncidentState, Recovery
from evcms.core import clock
from sessions.models import ChargingSession
from stations import services as stations
from stations.models import Command, MaintenanceWindow
from stations.vocabulary import Answer, CommandState
from tests.alerts.conftest import later

pytestmark = pytest.mark.django_db

ALL = ("restart_connector", "unlock", "reset_soft")


@pytest.fixture
def link(station, gateway):
    """Time passes with the station's link alive."""
    stations.connected(station_id=station.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address=None)

    def wait(**span):
        later(**span)
        stations.gateway_alive(gateway_id=gateway.pk)
        services.recover()
        services.tell()

    return wait


@pytest.fixture
def opened(station, connector, contact, deliver):
    def run(recovery=ALL, severity=3, **more):
        incident = services.open_incident(
            kind=IncidentKind.CONNECTOR_FAULTED, key="fault", title="Kade 1 reports a fault",
            organization_id=station.organization_id, station_ids=[station.pk], site_id=station.site_id,
            connector_id=connector.pk, recovery=recovery, severity=severity, **more,
        )  # fmt: skip
        deliver()
        return incident

    return run


def answer(accepted=True, status=None):
    """The station answers the one command that is under way."""
    command = Command.objects.get(state=CommandState.QUEUED)
    assert stations.command_sent(command_id=command.pk)
    word = status or ("Accepted" if accepted else "Rejected")
    stations.command_answered(command_id=command.pk, answer=Answer(accepted=accepted, status=word, payload={}))
    return command


def sent():
    return [
        (row.kind, row.fields.get("availability") or row.fields.get("kind"))
        for row in Command.objects.order_by("created_at")
    ]


def steps():
    return [(row.kind, row.state) for row in RecoveryStep.objects.order_by("position")]


def test_the_steps_follow_each_other_and_people_hear_of_it_when_none_helped(link, opened, deliver):
    opened()
    services.recover()
    assert sent() == [("ChangeAvailability", "inoperative")]
    answer()
    deliver()
    services.recover()
    assert sent()[1:] == [("ChangeAvailability", "operative")]
    answer()
    deliver()
    services.recover()
    assert len(sent()) == 2  # the trouble has a minute to go
    link(seconds=61)
    assert sent()[2][0] == "Unlock"
    answer(accepted=False)
    deliver()
    services.recover()
    assert sent()[3] == ("Reset", "soft")
    answer()
    deliver()
    services.recover()
    assert not Notification.objects.exists()
    link(minutes=3, seconds=1)
    incident = Incident.objects.get()
    assert incident.recovery == Recovery.EXHAUSTED
    assert [state for _kind, state in steps()] == ["done", "failed", "done"]
    assert Notification.objects.get().to == "duty@example.org"
    assert incident.quiet_until is None


def test_a_step_that_heals_wakes_nobody_and_the_rest_is_not_needed(link, opened, deliver):
    opened(recovery=("reset_soft", "unlock"))
    services.recover()
    answer()
    deliver()
    services.recover()
    later(seconds=20)
    services.resolve_key(key="fault", text="Its status is available again")
    deliver()
    services.tell()
    incident = Incident.objects.get()
    assert (incident.state, incident.recovery) == (IncidentState.RESOLVED, Recovery.HEALED)
    assert steps() == [("reset_soft", "done"), ("unlock", "skipped")]
    assert not Notification.objects.exists()


def test_what_ends_long_after_the_answer_is_no_merit_of_the_step(link, opened, deliver):
    opened(recovery=("restart_connector",))
    services.recover()
    for _command in range(2):
        answer()
        deliver()
        services.recover()
    later(seconds=45)
    services.resolve_key(key="fault", text="Its status is available again")
    incident = Incident.objects.get()
    assert incident.recovery == Recovery.NONE
    assert "over after 45" in RecoveryStep.objects.get().detail
    assert not incident.entries.filter(text__endswith="helped").exists()


def test_what_a_person_ends_is_no_merit_of_the_step(link, opened, deliver, owner):
    incident = opened(recovery=("reset_soft",))
    services.recover()
    answer()
    deliver()
    services.recover()
    services.resolve(access=owner, incident=incident)
    incident.refresh_from_db()
    assert incident.recovery == Recovery.NONE
    assert "perhaps not by this step" in RecoveryStep.objects.get().detail


def test_that_we_took_the_connector_out_of_service_does_not_count_as_healed(link, opened, deliver):
    opened(recovery=("restart_connector",))
    services.recover()
    answer()
    assert not services.resolve_key(key="fault", text="Its status is unavailable again")
    deliver()
    services.recover()
    answer()
    deliver()
    services.recover()
    assert services.resolve_key(key="fault", text="Its status is available again")


def test_a_connector_that_we_took_out_of_service_comes_back_however_long_it_takes(link, opened, deliver):
    opened(recovery=("restart_connector",))
    services.recover()
    answer()
    deliver()
    services.recover()
    answer(accepted=False)
    deliver()
    services.recover()
    assert len(sent()) == 2
    link(seconds=61)
    assert sent()[-1] == ("ChangeAvailability", "operative")
    answer()
    deliver()
    services.recover()
    link(seconds=61)
    assert steps() == [("restart_connector", "done")]


def test_a_person_who_resolves_it_meanwhile_does_not_leave_the_connector_out_of_service(link, opened, deliver, owner):
    incident = opened(recovery=("restart_connector", "reset_soft"))
    services.recover()
    services.resolve(access=owner, incident=incident)
    answer()
    deliver()
    services.recover()
    assert sent()[-1] == ("ChangeAvailability", "operative")
    answer()
    deliver()
    services.recover()
    assert steps() == [("restart_connector", "done"), ("reset_soft", "skipped")]


def charging(station, connector):
    return ChargingSession.objects.create(
        organization=station.organization, station=station, connector=connector, evse=connector.evse,
        transaction_id="7", protocol="ocpp1.6", state="charging", started_at=clock.now(), meter_start_mwh=0,
        meter_last_mwh=0, energy_mwh=0,
    )  # fmt: skip


def test_nothing_is_sent_while_somebody_charges_and_people_are_told_in_time(link, opened, station, connector):
    session = charging(station, connector)
    opened(recovery=("reset_soft",))
    services.recover()
    link(seconds=110)
    assert sent() == []
    assert not Notification.objects.exists()
    link(seconds=11)
    assert Notification.objects.exists()
    assert RecoveryStep.objects.get().detail.startswith("waits since ")
    line = Incident.objects.get().entries.get(text__contains="waits since")
    assert "CE" in line.text  # the site's zone
    assert "; people are told at " in line.text
    ChargingSession.objects.filter(pk=session.pk).update(ended_at=clock.now(), state="ended")
    link(seconds=21)
    assert sent() == [("Reset", "soft")]


def test_a_restart_that_waited_too_long_for_the_car_is_given_up(link, opened, station, connector):
    charging(station, connector)
    opened(recovery=("reset_soft",))
    for _minute in range(4):
        link(minutes=9)
    assert steps() == [("reset_soft", "skipped")]
    assert sent() == []


def test_a_hard_restart_never_interrupts_a_driver_unless_the_rule_says_so(link, opened, station, connector):
    charging(station, connector)
    opened(recovery=("reset_hard",))
    services.recover()
    assert steps() == [("reset_hard", "skipped")]
    rule = Rule.objects.create(
        organization=station.organization, kind="connector_faulted", recovery=["reset_hard"], interrupts=True
    )
    services.resolve_key(key="fault", text="gone")
    later(minutes=20)
    opened(recovery=("reset_hard",), rule_id=rule.pk)
    link(seconds=1)
    assert sent() == [("Reset", "hard")]


def test_a_station_without_a_link_or_in_maintenance_is_left_alone(station, opened, organization, gateway):
    opened(recovery=("reset_soft",))
    services.recover()
    assert [row.detail for row in RecoveryStep.objects.all()] == ["the station has no link"]
    stations.connected(station_id=station.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address=None)
    now = clock.now()
    MaintenanceWindow.objects.create(
        organization=organization, station=station, title="x", state="running", starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=1),
    )  # fmt: skip
    services.resolve_key(key="fault", text="gone")
    opened(recovery=("reset_soft",))
    services.recover()
    assert RecoveryStep.objects.last().detail == "the station is in maintenance"
    assert sent() == []


def test_a_station_is_helped_only_so_often_a_day(link, opened, deliver):
    for _time in range(3):
        opened(recovery=("reset_soft",), recovery_tries=2)
        link(seconds=1)
        if Command.objects.filter(state=CommandState.QUEUED).exists():
            answer()
        deliver()
        services.resolve_key(key="fault", text="gone")
        deliver()
        link(minutes=20)
    assert len(sent()) == 2
    last = Incident.objects.order_by("-pk").first()
    assert last.recovery == Recovery.NONE
    assert last.entries.filter(text__contains="2 times within a day").exists()
    assert Notification.objects.filter(incident=last).exists()


def test_one_switch_of_the_organization_ends_all_automatic_steps(link, opened, organization):
    AlertSettings.objects.create(organization=organization, automatic_recovery=False)
    opened()
    assert not RecoveryStep.objects.exists()
    assert Notification.objects.exists()


def test_critical_trouble_is_told_at_once_and_helped_at_the_same_time(link, opened):
    opened(recovery=("reset_soft",), severity=4)
    services.recover()
    assert Notification.objects.exists()
    assert sent() == [("Reset", "soft")]


def test_who_takes_it_ends_the_automatic_steps(link, opened, owner):
    incident = opened(recovery=("reset_soft",))
    services.acknowledge(access=owner, incident=incident)
    services.recover()
    assert steps() == [("reset_soft", "skipped")]
    assert sent() == []


def test_two_troubles_of_one_station_send_one_command_at_a_time(link, opened, station):
    opened(recovery=("reset_soft",))
    services.open_incident(
        kind=IncidentKind.STATION_FAULTED, key="other", title="Other", organization_id=station.organization_id,
        station_ids=[station.pk], recovery=("unlock", "reset_soft"),
    )  # fmt: skip
    services.recover()
    services.recover()
    assert len(sent()) == 1


class Killed(BaseException):
    """The worker is gone between two lines."""


@pytest.mark.parametrize("place", ["send", "write"])
def test_a_worker_killed_within_a_step_leaves_neither_a_command_nor_a_step_half_done(place, link, opened, monkeypatch):
    opened(recovery=("reset_soft",))
    target = recovery.stations if place == "send" else recovery
    name = "send" if place == "send" else "_say"
    real = getattr(target, name)

    def die(*args, **kwargs):
        real(*args, **kwargs)
        raise Killed

    monkeypatch.setattr(target, name, die)
    with pytest.raises(Killed):
        services.recover()
    monkeypatch.undo()
    assert sent() == []
    assert steps() == [("reset_soft", "waiting")]
    services.recover()
    assert sent() == [("Reset", "soft")]


def test_a_worker_killed_after_the_answer_is_made_up_for_by_the_sweep(link, opened):
    """The event of the answer is lost; the row is looked at again."""
    opened(recovery=("reset_soft",))
    services.recover()
    answer()
    link(seconds=21)
    assert RecoveryStep.objects.get().answered_at is not None


def test_an_answer_that_comes_twice_moves_the_step_once(link, opened):
    opened(recovery=("reset_soft",))
    services.recover()
    command = answer()
    for _again in range(2):
        with transaction.atomic():
            recovery.answered(command_id=str(command.pk))
        services.recover()
    assert len(sent()) == 1
    assert not recovery.answered(command_id=str(uuid.uuid4()))
