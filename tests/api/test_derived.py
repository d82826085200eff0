"""What the API derives: a station's state, who refused a command, what it waits for; a station's log and variables."""

from datetime import timedelta

import pytest

from alerts import services as alerts
from alerts.models import Incident
from alerts.vocabulary import Severity
from evcms.core import clock
from sessions.models import Discrepancy, Reservation
from stations import commands, services
from stations.models import Connector, MaintenanceWindow, OcppMessage, Station
from stations.vocabulary import Answer, CommandState, VariableReport

pytestmark = pytest.mark.django_db(transaction=True)


def state_of(api, station):
    row = api.get(f"/api/v1/stations/{station.identity}/").json()
    assert row["state"] == api.get("/api/v1/stations/").json()["results"][0]["state"]
    return row["state"]


@pytest.mark.parametrize(
    ("ports", "whole", "state"),
    [
        (("available", "faulted"), "unknown", "available"),
        (("charging", "faulted"), "unknown", "in_use"),
        (("reserved", "unavailable"), "unknown", "in_use"),
        (("faulted", "unavailable"), "unknown", "faulted"),
        (("unavailable", "unknown"), "unknown", "unavailable"),
        (("unknown", "unknown"), "unknown", "unknown"),
        (("available", "available"), "faulted", "faulted"),
        (("available", "available"), "unavailable", "unavailable"),
    ],
)
def test_a_linked_station_is_what_its_connectors_are(api, linked, ports, whole, state):
    for connector, status in zip(Connector.objects.order_by("evse__number"), ports, strict=True):
        Connector.objects.filter(pk=connector.pk).update(status=status)
    Station.objects.update(status=whole)
    assert state_of(api, linked) == state


def test_a_station_without_a_link_is_offline_and_one_at_work_is_in_maintenance(api, station):
    Connector.objects.update(status="available")
    assert state_of(api, station) == "offline"
    now, hour = clock.now(), timedelta(hours=1)
    MaintenanceWindow.objects.create(
        organization=station.organization, station=station, title="Cable", starts_at=now - hour, ends_at=now + hour
    )
    assert state_of(api, station) == "maintenance"


def told(api, command):
    return api.get(f"/api/v1/commands/{command.pk}/").json()


@pytest.mark.parametrize(
    ("state", "sent", "who"),
    [
        (CommandState.REJECTED, False, "us"),
        (CommandState.UNSUPPORTED, False, "us"),
        (CommandState.REJECTED, True, "station"),
        (CommandState.CALLERROR, True, "station"),
        (CommandState.TIMEOUT, True, None),
    ],
)
def test_a_command_says_who_refused_it(api, linked, state, sent, who):
    command = services.send(station=linked, command=commands.ClearCache(), origin="test")
    assert told(api, command)["refused_by"] is None
    if sent:
        services.command_sent(command_id=command.pk)
    services.command_failed(command_id=command.pk, state=state, error="why")
    assert told(api, command)["refused_by"] == who


def test_an_accepted_command_was_refused_by_nobody_and_the_next_says_what_it_waits_for(api, linked):
    first = services.send(station=linked, command=commands.RawCall(action="Reset", payload={}), origin="test")
    second = services.send(station=linked, command=commands.ClearCache(), origin="test")
    assert told(api, second)["note"] == ""
    services.command_sent(command_id=first.pk)
    assert told(api, second)["note"].startswith("Waits until the station has answered Reset of ")
    services.command_answered(command_id=first.pk, answer=Answer(True, "Accepted"))
    assert (told(api, second)["note"], told(api, first)["refused_by"]) == ("", None)


def test_the_variables_of_a_station_are_read_and_filtered(api, stranger, station):
    reports = [
        VariableReport("OCPPCommCtrlr", "HeartbeatInterval", "60", unit="s"),
        VariableReport("EVSE", "Power", "7"),
    ]
    services.variables_reported(station_id=station.pk, reports=reports)
    path = f"/api/v1/stations/{station.identity}/variables/"
    assert api.get(path).json()["count"] == 2
    (found,) = api.get(path, {"component": "ocppcommctrlr", "variable": "HeartbeatInterval"}).json()["results"]
    assert (found["value"], found["unit"]) == ("60", "s")
    assert api.get(path, {"key": "X"}).status_code == 400
    assert stranger.get(path).status_code == 404


def test_the_log_of_a_station_is_read_newest_first_and_filtered(api, stranger, station):
    for minute, action in enumerate(("BootNotification", "StatusNotification")):
        OcppMessage.objects.create(
            station=station,
            direction="in",
            action=action,
            outcome="result",
            request='{"a":1.50}',
            at=clock.now() + timedelta(minutes=minute),
        )
    path = f"/api/v1/stations/{station.identity}/messages/"
    rows = api.get(path).json()["results"]
    assert [row["action"] for row in rows] == ["StatusNotification", "BootNotification"]
    assert rows[0]["request"] == '{"a":1.50}'
    assert api.get(path, {"action": "bootnotification", "direction": "in"}).json()["count"] == 1
    assert api.get(path, {"direction": "out"}).json()["count"] == 0
    assert "in, out" in api.get(path, {"direction": "up"}).json()["direction"][0]
    assert stranger.get(path).status_code == 404


def reserve(api, station):
    until = (clock.now() + timedelta(hours=1)).isoformat()
    wish = {"station": station.identity, "id_token": "A", "expires_at": until}
    return api.post("/api/v1/reservations/", wish, format="json").json()["id"]


def test_a_reservation_that_the_station_has_not_answered_is_not_cancelled_silently(api, linked):
    pk = reserve(api, linked)
    answer = api.delete(f"/api/v1/reservations/{pk}/")
    assert (answer.status_code, list(answer.json())) == (409, ["detail"])
    assert "try again" in answer.json()["detail"]
    assert linked.commands.count() == 1


def test_cancelling_at_a_station_without_a_link_ends_the_reservation_at_once(api, linked):
    pk = reserve(api, linked)
    Reservation.objects.update(state="active")
    services.disconnected(connection_id=linked.connection_id, reason="gone")
    answer = api.delete(f"/api/v1/reservations/{pk}/")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    again = api.delete(f"/api/v1/reservations/{pk}/")
    assert (again.status_code, again.json()["detail"]) == (409, "This reservation is over already: cancelled.")


def test_an_incident_tells_its_severity_as_a_code_and_readings_in_a_sentence(api, station):
    Discrepancy.objects.create(station=station, kind="register_reset")
    alerts.sweep()
    Incident.objects.update(severity=Severity.SERIOUS)
    (row,) = api.get("/api/v1/incidents/").json()["results"]
    assert (row["severity"], row["severity_label"]) == ("serious", "Serious")
    assert row["title"] == "KADE-01: the meter ran backwards"
