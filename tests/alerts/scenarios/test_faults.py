"""Scenarios of what stations say and do: faults, firmware, starts, sessions, readings; and rules and maintenance."""

from datetime import timedelta

import pytest

from alerts.models import AlertSettings, Incident, Rule
from alerts.services import duty
from alerts.vocabulary import Severity
from evcms.core import clock
from sessions import services as sessions
from sessions.models import Discrepancy, UsageHour
from stations import services as stations
from stations.models import FirmwareUpdate, SecurityEvent, Station
from stations.reports import EventReport, EventTrigger, Part, SecurityReport
from tests.alerts.conftest import later

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_help(world):
    """Automatic steps have tests of their own."""
    duty.save_settings(
        access=world.access, automatic_recovery=False, announce_days=3, status_page=False, status_intro=""
    )


def test_a_faulted_connector_is_one_incident_until_it_is_fine(world):
    world.site("Kade", 1)
    world.fault("KADE-1")
    world.wait(minutes=2)
    assert world.board() == ["connector_faulted open KADE-1"]
    world.fine("KADE-1")
    world.wait(minutes=1)
    assert world.board() == ["connector_faulted over KADE-1"]
    assert world.told() == ["opened connector_faulted", "resolved connector_faulted"]


def test_a_fault_of_some_seconds_is_nothing(world):
    world.site("Kade", 1)
    world.fault("KADE-1")
    world.wait(seconds=10, every=10)
    world.fine("KADE-1")
    world.wait(minutes=1)
    assert world.board() == []
    assert world.told() == []


@pytest.mark.parametrize("error", ["GroundFailure", "HighTemperature"])
def test_a_dangerous_fault_is_critical_and_told_at_once_whatever_a_rule_says_and_nothing_is_tried(world, error):
    AlertSettings.objects.update(automatic_recovery=True)
    world.site("Kade", 1)
    Rule.objects.create(organization=world.organization, kind="connector_faulted", enabled=False)
    world.fault("KADE-1", error=error)
    world.wait(seconds=1, every=1)
    incident = Incident.objects.get()
    assert (incident.severity, incident.steps.count()) == (Severity.CRITICAL, 0)
    assert world.told() == ["opened connector_faulted"]


def test_a_2x_station_says_in_an_event_that_its_fault_is_dangerous_and_that_it_is_no_more(world):
    world.site("Kade", 1)
    world.fault("KADE-1", error="")
    world.event("KADE-1", 1, "GroundFailure")
    world.wait(seconds=10, every=10)
    incident = Incident.objects.get()
    assert (incident.severity, incident.detail["error_code"]) == (Severity.CRITICAL, "GroundFailure")
    assert world.told() == ["opened connector_faulted"]
    world.event("KADE-1", 1, "", cleared=True)
    world.wait(seconds=10, every=10)
    assert Incident.objects.get().detail["error_code"] == ""


def test_a_fault_that_becomes_dangerous_ends_the_automatic_steps_and_is_told_at_once(world):
    AlertSettings.objects.update(automatic_recovery=True)
    world.site("Kade", 1)
    world.starts("KADE-1", evse=2)
    world.fault("KADE-1")
    world.wait(seconds=40)
    assert world.told() == []
    assert Incident.objects.get().steps.exists()
    world.fault("KADE-1", error="GroundFailure")
    world.wait(seconds=10, every=10)
    incident = Incident.objects.get()
    assert incident.severity == Severity.CRITICAL
    assert not incident.steps.filter(state="waiting").exists()
    assert world.told() == ["opened connector_faulted"]


def test_a_replayed_fault_of_yesterday_pages_nobody(world):
    world.site("Kade", 1)
    world.says("KADE-1", "available")
    world.says("KADE-1", "faulted", "GroundFailure", at=clock.now() - timedelta(days=1))
    world.wait(minutes=2)
    assert world.board() == []
    assert world.told() == []


def test_a_faulted_station_explains_its_connectors(world):
    world.site("Kade", 1)
    world.fault("KADE-1", evse=1)
    world.wait(minutes=1)
    world.fault("KADE-1", evse=0, error="InternalError")
    world.wait(minutes=1)
    world.fault("KADE-1", evse=2)
    world.wait(minutes=1)
    assert world.board() == ["connector_faulted open KADE-1 ← station_faulted", "station_faulted open KADE-1"]
    assert world.told() == ["opened connector_faulted", "opened station_faulted"]


def test_a_fault_in_maintenance_pages_nobody_and_one_that_is_still_there_afterwards_does(world):
    world.site("Kade", 2)
    world.window(10, station="KADE-1")
    world.fault("KADE-1")
    world.dark("KADE-2")
    world.wait(minutes=8, every=60)
    assert world.board() == ["station_offline open KADE-2"]
    world.wait(minutes=4)
    assert world.board() == ["connector_faulted open KADE-1", "station_offline open KADE-2"]
    assert world.told() == ["opened station_offline", "opened connector_faulted"]


def test_a_whole_site_in_maintenance_is_silent_and_the_rest_of_the_network_is_not(world):
    names = world.site("Kade", 4)
    world.site("Haven", 2)
    world.window(60, site="Kade")
    world.dark(*names, "HAVEN-1")
    world.wait(minutes=3)
    assert world.board() == ["station_offline open HAVEN-1"]
    assert world.told() == ["opened station_offline"]


def test_one_firmware_with_one_fault_at_several_sites_is_one_incident(world):
    for place in ("Kade", "Haven", "Dijk"):
        world.site(place, 2, vendor="Volt", model="V1", firmware_version="2.0")
    for place in ("Plein", "Markt"):
        world.site(place, 10, vendor="Volt", model="V1", firmware_version="1.9")
    world.fault("KADE-1", "HAVEN-1")
    world.wait(minutes=1)
    assert len(world.board("open")) == 2
    world.fault("DIJK-1", "DIJK-2")
    world.wait(minutes=1)
    assert world.board("open") == [
        "connector_faulted open HAVEN-1 ← firmware_trouble",
        "connector_faulted open KADE-1 ← firmware_trouble",
        "firmware_trouble open ×4",
    ]
    world.fine("KADE-1", "HAVEN-1", "DIJK-1", "DIJK-2")
    world.wait(minutes=3)
    assert world.board("open") == []
    assert world.told() == [
        "opened connector_faulted",
        "opened connector_faulted",
        "opened firmware_trouble",
        "resolved connector_faulted",
        "resolved connector_faulted",
        "resolved firmware_trouble",
    ]


def test_as_many_faults_on_other_firmware_are_no_trouble_with_one(world):
    for place in ("Kade", "Haven", "Dijk"):
        world.site(place, 4, vendor="Volt", model="V1", firmware_version="2.0")
        world.site(f"{place}b", 4, vendor="Volt", model="V1", firmware_version="1.9")
    world.fault("KADE-1", "HAVEN-1", "DIJK-1", "KADEB-1", "HAVENB-1", "DIJKB-1")
    world.wait(minutes=1)
    assert [line.split(" ")[0] for line in world.board()] == ["connector_faulted"] * 6
    assert world.told() == ["opened connector_faulted"] * 5  # the sixth goes on one list, later


def test_a_station_that_boots_again_and_again_is_one_incident_whatever_its_link_does(world):
    world.site("Kade", 2)
    for _ in range(5):
        world.dark("KADE-1")
        world.wait(seconds=20, every=20)
        world.back("KADE-1")
        world.boots("KADE-1")
        world.wait(minutes=1)
    assert [line for line in world.board("open") if "←" not in line] == ["boot_loop open KADE-1"]
    world.wait(minutes=40, every=120)
    assert world.board("open") == []
    assert world.told() == ["opened boot_loop", "resolved boot_loop"]


def test_a_wrong_clock_is_told_over_sixty_seconds(world):
    world.site("Kade", 2)
    world.clock_off("KADE-1", 59)
    world.clock_off("KADE-2", -3600)
    world.wait(minutes=1)
    assert world.board() == ["clock_skew open KADE-2"]
    world.clock_off("KADE-2", 2)
    world.wait(minutes=1)
    assert world.board() == ["clock_skew over KADE-2"]
    assert world.told() == ["opened clock_skew", "resolved clock_skew"]


def test_a_wrong_clock_and_its_readings_are_one_incident_also_when_it_is_right_again(world):
    world.site("Kade", 2)
    world.clock_off("KADE-1", 240)
    for name in ("KADE-1", "KADE-2"):
        Discrepancy.objects.create(station=world.station(name), kind="clock", at=clock.now())
    world.wait(minutes=1)
    assert world.board() == ["clock_skew open KADE-1", "meter open KADE-2"]
    world.clock_off("KADE-1", 2)
    world.wait(minutes=20, every=120)
    assert world.board() == ["clock_skew over KADE-1", "meter open KADE-2"]
    assert world.told() == ["opened clock_skew", "opened meter", "resolved clock_skew"]


def test_charging_without_energy_is_told_after_ten_minutes_and_ends_when_it_flows(world):
    world.site("Kade", 1)
    world.starts("KADE-1")
    for _ in range(13):
        world.reads("KADE-1", kwh=0, power=0)
        world.wait(minutes=1, every=60)
    assert world.board("open") == ["no_energy open KADE-1"]
    world.reads("KADE-1", kwh=0.5, power=7_000)
    world.wait(minutes=1)
    assert world.board() == ["no_energy over KADE-1"]
    assert world.told() == ["opened no_energy", "resolved no_energy"]


def test_a_session_that_draws_is_no_trouble_however_long_its_pause_between_readings(world):
    world.site("Kade", 1)
    world.starts("KADE-1")
    world.reads("KADE-1", kwh=0, power=0)
    world.wait(minutes=30, every=300)
    assert world.board() == []
    assert world.told() == []


def test_a_session_that_does_not_end_is_told_after_a_day(world):
    world.site("Kade", 1)
    world.starts("KADE-1", at=clock.now() - timedelta(hours=23))
    world.reads("KADE-1", kwh=3, power=2_000)
    world.wait(minutes=1)
    assert world.board() == []
    world.rule("stuck_session", station="KADE-1", threshold=22)
    world.wait(minutes=1)
    assert world.board() == ["stuck_session open KADE-1"]
    world.ends("KADE-1", kwh=3)
    world.wait(minutes=1)
    assert world.board() == ["stuck_session over KADE-1"]
    assert world.told() == ["opened stuck_session", "resolved stuck_session"]


def test_three_starts_that_fail_in_a_row_are_one_incident_and_a_good_one_ends_it(world):
    world.site("Kade", 1)
    world.start_fails("KADE-1", times=2)
    world.sweep()
    assert world.board() == []
    world.start_fails("KADE-1")
    world.sweep()
    assert world.board() == ["start_failures open KADE-1"]
    world.starts("KADE-1")
    world.wait(minutes=1)
    world.reads("KADE-1", kwh=0.1, power=7_000)
    world.wait(minutes=1)
    assert world.board() == ["start_failures over KADE-1"]
    assert world.told() == ["opened start_failures", "resolved start_failures"]


def test_starts_that_fail_by_the_drivers_doing_are_none_of_the_stations(world):
    world.site("Kade", 1)
    world.start_fails("KADE-1", cause="not_plugged", times=5)
    world.sweep()
    assert world.board() == []
    assert world.told() == []


def usual(station, weeks=6, per_hour=2):
    """Sessions of the past: so many in each hour of every day."""
    evse = station.evses.first()
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    rows = [
        UsageHour(evse=evse, hour=hour - timedelta(hours=back), sessions_started=per_hour)
        for back in range(5, weeks * 7 * 24)
    ]
    UsageHour.objects.bulk_create(rows)


def test_nobody_where_people_usually_are_is_told_with_what_is_usual(world):
    from alerts.models import Incident

    world.site("Kade", 2)
    for name in ("KADE-1", "KADE-2"):
        usual(world.station(name))
        world.starts(name, at=clock.now() - timedelta(hours=5, minutes=10))
        world.reads(name, kwh=1)
        world.ends(name, kwh=2)
    world.starts("KADE-2", at=clock.now() - timedelta(hours=1))
    world.reads("KADE-2", kwh=3, power=5_000)
    world.wait(minutes=1)
    silent = Incident.objects.get(kind="silent_station")
    assert silent.station.identity == "KADE-1"
    assert silent.detail["why"].startswith(("Usually 10 sessions by now on a ", "Usually 11 sessions by now on a "))
    assert world.told()[-1] == "opened silent_station"


def test_a_quiet_station_says_nothing_by_being_quiet(world):
    world.site("Kade", 1)
    usual(world.station("KADE-1"), per_hour=0)
    world.starts("KADE-1", at=clock.now() - timedelta(days=3))
    world.ends("KADE-1", kwh=2)
    world.wait(minutes=1)
    assert "silent_station" not in "".join(world.board())
    assert world.told() == []


def test_a_critical_security_event_is_told_at_once_and_once(world):
    world.site("Kade", 1)
    for seconds in range(3):
        report = SecurityReport(
            type="TamperDetectionActivated", at=clock.now() + timedelta(seconds=seconds), received_at=clock.now(),
            tech_info="lid",
        )  # fmt: skip
        stations.security_reported(station_id=world.station("KADE-1").pk, report=report)
    world.sweep()
    assert world.board() == ["security_event open KADE-1"]
    assert SecurityEvent.objects.count() == 3
    assert world.told() == ["opened security_event"]


def alarmed(world, name, *, severity, cleared=False, variable="Temperature", value="92"):
    part = Part("Connector", variable, evse=1, connector=1)
    now = clock.now()
    said = EventReport(1, part, value, EventTrigger.ALERTING, now, now, severity=severity, cleared=cleared)
    stations.events_reported(station_id=world.station(name).pk, reports=[said])


def test_an_alarm_of_a_stations_own_monitor_is_told_until_it_is_taken_back(world):
    world.site("Kade", 2)
    alarmed(world, "KADE-1", severity=2)
    alarmed(world, "KADE-2", severity=5)  # it serves on
    world.sweep()
    assert world.board() == ["station_alarm open KADE-1"]
    incident = Incident.objects.get()
    assert "Connector:1:1.Temperature, system failure" in incident.title
    assert (incident.severity, incident.detail["value"]) == (Severity.SERIOUS, "92")
    assert incident.connector_id == world.station("KADE-1").connectors.get(evse__number=1).pk
    alarmed(world, "KADE-1", severity=2, cleared=True)
    world.wait(minutes=1)
    assert world.board() == ["station_alarm over KADE-1"]
    assert world.told() == ["opened station_alarm", "resolved station_alarm"]


def test_an_alarm_of_danger_is_critical_whatever_a_rule_says(world):
    world.site("Kade", 1)
    world.rule("station_alarm", station="KADE-1", enabled=False)
    alarmed(world, "KADE-1", severity=0)
    world.sweep()
    assert [(row.kind, row.severity) for row in Incident.objects.all()] == [("station_alarm", Severity.CRITICAL)]
    assert world.told() == ["opened station_alarm"]


def test_a_fault_and_its_alarm_are_one_incident(world):
    world.site("Kade", 1)
    world.fault("KADE-1")
    alarmed(world, "KADE-1", severity=1, variable="Problem", value="true")
    world.wait(minutes=2)
    assert world.board() == ["connector_faulted open KADE-1"]
    assert world.told() == ["opened connector_faulted"]


def test_how_many_and_within_how_long_counts_at_the_place_of_the_rule(world):
    world.site("Kade", 3)
    world.rule("security_event", station="KADE-1", threshold=2)
    world.rule("security_event", station="KADE-2", duration_s=3600)
    for name in ("KADE-1", "KADE-2", "KADE-3"):
        report = SecurityReport(
            type="TamperDetectionActivated", at=clock.now(), received_at=clock.now(), tech_info="lid"
        )
        stations.security_reported(station_id=world.station(name).pk, report=report)
    world.sweep()
    assert world.board() == ["security_event open KADE-2", "security_event open KADE-3"]
    world.wait(minutes=65, every=600)
    assert world.board() == ["security_event open KADE-3", "security_event over KADE-2"]
    report = SecurityReport(type="TamperDetectionActivated", at=clock.now(), received_at=clock.now(), tech_info="lid")
    stations.security_reported(station_id=world.station("KADE-1").pk, report=report)
    world.sweep()
    assert "security_event open KADE-1" in world.board()
    opened = ["opened security_event"]
    assert world.told() == [*opened, *opened, "resolved security_event", *opened]


def test_firmware_that_failed_or_is_stuck_in_between_is_told(world):
    names = world.site("Kade", 3)
    for name, state, ended in zip(names, ("failed", "installing", "installing"), (True, False, False), strict=True):
        FirmwareUpdate.objects.create(
            station=world.station(name), version="2.0", state=state, requested_at=clock.now(),
            status_at=clock.now() - timedelta(hours=3 if name == "KADE-2" else 0),
            ended_at=clock.now() if ended else None,
        )  # fmt: skip
    world.wait(minutes=1)
    assert world.board() == ["firmware_failed open KADE-1", "firmware_failed open KADE-2"]
    FirmwareUpdate.objects.filter(station__identity="KADE-2").update(state="installed", ended_at=clock.now())
    world.wait(minutes=1)
    assert world.board() == ["firmware_failed open KADE-1", "firmware_failed over KADE-2"]
    assert world.told() == ["opened firmware_failed", "opened firmware_failed", "resolved firmware_failed"]


def test_readings_that_do_not_add_up_are_one_incident_for_each_kind_until_somebody_looked(world):
    world.site("Kade", 1)
    station = world.station("KADE-1")
    rows = [
        Discrepancy.objects.create(station=station, kind=kind, at=clock.now())
        for kind in ("register_jump", "register_jump", "unknown_stop")
    ]
    world.wait(minutes=1)
    assert world.board() == ["meter open KADE-1", "meter open KADE-1"]
    for row in rows[:2]:
        sessions.resolve_discrepancy(access=world.access, discrepancy=row)
    world.wait(minutes=1)
    assert world.board() == ["meter open KADE-1", "meter over KADE-1"]
    assert world.told() == ["opened meter", "opened meter", "resolved meter"]


def test_a_site_above_its_grid_limit_for_two_minutes_is_told(world):
    world.site("Kade", 2, grid_w=20_000)
    for name in ("KADE-1", "KADE-2"):
        world.starts(name)
    for minute in range(1, 6):
        world.wait(minutes=1)
        for name in ("KADE-1", "KADE-2"):
            world.reads(name, kwh=minute / 6, power=11_000)
    world.sweep()
    assert world.board("open") == ["site_power open"]
    for name in ("KADE-1", "KADE-2"):
        world.reads(name, kwh=5 / 6, power=7_000)
    world.wait(minutes=1)
    assert world.board() == ["site_power over"]
    assert world.told() == ["opened site_power", "resolved site_power"]


def test_what_an_organization_switched_off_is_no_trouble_and_what_is_open_ends(world):
    world.site("Kade", 2)
    world.rule("station_offline", station="KADE-2", enabled=False)
    world.dark("KADE-1", "KADE-2")
    world.wait(minutes=2)
    assert world.board() == ["station_offline open KADE-1"]
    world.rule("station_offline", site="Kade", enabled=False)
    world.wait(minutes=1)
    assert world.board() == ["station_offline over KADE-1"]
    assert world.told() == ["opened station_offline", "resolved station_offline"]


def test_a_rule_that_holds_at_night_only_lets_the_day_pass(world):
    from zoneinfo import ZoneInfo

    world.site("Kade", 1)
    local = clock.now().astimezone(ZoneInfo("Europe/Amsterdam"))
    until = (local + timedelta(minutes=10)).strftime("%H:%M")
    later_on = (local + timedelta(hours=2)).strftime("%H:%M")
    every = list(range(7))
    world.rule("station_offline", schedule=[{"weekdays": every, "from": until, "until": later_on}])
    world.dark("KADE-1")
    world.wait(minutes=5, every=60)
    assert world.board() == []
    world.wait(minutes=8, every=60)
    assert world.board() == ["station_offline open KADE-1"]
    assert world.told() == ["opened station_offline"]


def test_the_narrowest_rule_says_how_long_and_how_bad(world):
    world.site("Kade", 2, model="V1")
    world.rule("station_offline", duration_s=600)
    world.rule("station_offline", station="KADE-1", duration_s=60, severity=4)
    world.dark("KADE-1", "KADE-2")
    world.wait(minutes=3)
    assert world.board() == ["station_offline open KADE-1"]
    from alerts.models import Incident

    assert Incident.objects.get().severity == 4
    assert world.told() == ["opened station_offline"]


def test_payments_that_fail_one_after_the_other_are_one_incident(world, organization):
    from billing.models import Payment
    from tests.alerts.scenarios.money import payment

    world.site("Kade", 1)
    connector = world.station("KADE-1").connectors.first()
    for _ in range(5):
        payment(connector, state="failed", error_code="processing_error")
    world.wait(minutes=1)
    assert world.board() == ["payment_failures open"]
    payment(connector, state="captured")
    assert Payment.objects.count() == 6
    world.wait(minutes=1)
    assert world.board() == ["payment_failures over"]
    assert world.told() == ["opened payment_failures", "resolved payment_failures"]


def test_a_hold_that_the_bank_is_about_to_free_is_told(world):
    from tests.alerts.scenarios.money import payment

    world.site("Kade", 1)
    connector = world.station("KADE-1").connectors.first()
    payment(connector, state="authorized", capture_before=clock.now() + timedelta(hours=7))
    world.sweep()
    assert world.board() == []
    later(hours=2)
    world.sweep()
    assert "hold_lapsing open KADE-1" in world.board()
    assert world.told() == ["opened hold_lapsing"]


def test_a_station_that_is_archived_ends_its_trouble(world):
    world.site("Kade", 1)
    world.fault("KADE-1")
    world.wait(minutes=1)
    Station.objects.update(archived_at=clock.now())
    world.wait(minutes=1)
    assert world.board() == ["connector_faulted over KADE-1"]
    assert world.told() == ["opened connector_faulted", "resolved connector_faulted"]
