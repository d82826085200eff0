"""Events and monitors of 2.x: parts in any order, repeats, hostile sizes, and 2.1's streams."""

from datetime import timedelta

import pytest
from django.db import transaction

from evcms.core import clock
from evcms.core.models import Event
from evcms.ocpp.readings import format_time
from evcms.ocpp.schemas import schemas_of
from stations import commands, services
from stations.models import Command, Monitor, StationEvent
from stations.services import monitoring

from .talk import Talk, ago, events

pytestmark = pytest.mark.postgres
NEW = ("ocpp2.0.1", "ocpp2.1")
PART = {"component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}}, "variable": {"name": "Problem"}}


@pytest.fixture(params=NEW)
def talk(request, station):
    return Talk(station, request.param)


def datum(number, at, value="true", **more):
    return {
        "eventId": number, "timestamp": format_time(at), "trigger": "Alerting", "actualValue": value,
        "eventNotificationType": "HardWiredNotification",
    } | PART | more  # fmt: skip


def notify(talk, *data, seq_no=0, tbc=False):
    return talk.say(
        "NotifyEvent",
        {"generatedAt": format_time(clock.now()), "seqNo": seq_no, "tbc": tbc, "eventData": list(data)},
    )


def report(talk, request_id, *monitors, seq_no=0, tbc=False):
    said = [PART | {"variableMonitoring": [monitor]} for monitor in monitors]
    payload = {"requestId": request_id, "seqNo": seq_no, "tbc": tbc, "generatedAt": format_time(clock.now())}
    return talk.say("NotifyMonitoringReport", payload | ({"monitor": said} if said else {}))


def monitor(talk, number, value=80, severity=4):
    said = {"id": number, "transaction": False, "value": value, "type": "UpperThreshold", "severity": severity}
    return said | ({"eventNotificationType": "CustomMonitor"} if talk.protocol == "ocpp2.1" else {})


def asked_for_all(station):
    services.send(station=station, command=commands.GetMonitors(77), origin="test")


@pytest.mark.parametrize("many", [False, True], ids=["one by one", "in bulk"])
def test_parts_may_come_in_any_order_and_twice(talk, many):
    talk.many, at = many, ago(minutes=1)
    for seq_no in (1, 0, 1, 0):
        data = [datum(2 * seq_no + number, at) for number in range(2)]
        assert notify(talk, *data, seq_no=seq_no, tbc=seq_no == 0) == {}
    assert sorted(StationEvent.objects.values_list("event_id", flat=True)) == [0, 1, 2, 3]
    assert len(events("StationEventReported")) == 4


def test_a_datum_says_what_where_and_why(talk):
    at = ago(minutes=1)
    notify(
        talk,
        datum(5, at, "91.5", cause=4, techCode="F07", techInfo="fan", transactionId="tx-1", variableMonitoringId=9),
    )
    row = StationEvent.objects.get()
    assert (row.component, row.variable, row.evse, row.connector) == ("Connector", "Problem", 1, 1)
    assert (row.value, row.cause, row.tech_code, row.tech_info, row.transaction) == ("91.5", 4, "F07", "fan", "tx-1")
    assert (row.monitor_id, row.severity, row.at) == (9, None, at)


def test_the_end_of_an_alarm_is_an_event_of_its_own(talk):
    at = ago(minutes=1)
    notify(talk, datum(5, at), datum(5, at, "false", cleared=True))
    assert list(StationEvent.objects.order_by("pk").values_list("cleared", flat=True)) == [False, True]


def standing():
    return list(StationEvent.objects.filter(standing=True).order_by("pk").values_list("event_id", flat=True))


def alarm(number, minutes, value="91.5", variable="Temperature", **more):
    return datum(number, ago(minutes=minutes), value, variable={"name": variable}, **more)


def test_an_alarm_stands_until_it_is_taken_back(talk):
    report(talk, 77, monitor(talk, 9, severity=2), monitor(talk, 10, severity=5))
    notify(talk, alarm(1, 9, variableMonitoringId=9), alarm(2, 9, variable="Speed", variableMonitoringId=10))
    assert standing() == [1]  # an alert (5) does not keep a station from serving
    notify(talk, alarm(3, 8, "95", variableMonitoringId=9))
    assert standing() == [3]  # the same again: one alarm
    notify(talk, alarm(4, 7, "60", variableMonitoringId=9, trigger="Delta"))
    assert standing() == [3]  # a change of the value takes nothing back
    notify(talk, alarm(5, 6, "60", cleared=True))
    assert standing() == []


def test_the_end_may_come_before_the_alarm(talk):
    report(talk, 77, monitor(talk, 9, severity=2))
    notify(talk, alarm(2, 5, "60", cleared=True, variableMonitoringId=9))
    notify(talk, alarm(1, 9, variableMonitoringId=9))
    assert standing() == []


def test_a_problem_needs_no_monitor_and_ends_when_it_is_no_longer_true(talk):
    notify(talk, datum(1, ago(minutes=9), trigger="Delta"))
    assert standing() == [1]
    notify(talk, datum(2, ago(minutes=8), "false", trigger="Delta"))
    assert standing() == []


def test_an_alarm_that_stands_outlives_the_retention(talk, settings):
    notify(talk, datum(1, ago(minutes=9)), datum(2, ago(minutes=9), "12", variable={"name": "Speed"}))
    StationEvent.objects.update(received_at=ago(days=400))
    settings.RETENTION_REPORTS_DAYS = 90
    assert services.prune_reports() == 1
    assert standing() == [1]


def state(number, minutes, value, component="Connector", evse=None, **more):
    where = {"name": component} | (
        {} if component == "ChargingStation" else {"evse": evse or {"id": 1, "connectorId": 1}}
    )
    return datum(number, ago(minutes=minutes), value, component=where, trigger="Delta",
                 variable={"name": "AvailabilityState"}, **more)  # fmt: skip


@pytest.mark.parametrize("many", [False, True], ids=["one by one", "in bulk"])
def test_a_status_may_come_as_an_event(talk, station, many):
    talk.many, plug = many, station.connectors.get(evse__number=1)
    notify(talk, state(1, 9, "Faulted", techCode="F07", techInfo="fan"), state(2, 9, "Unavailable", "ChargingStation"))
    plug.refresh_from_db()
    station.refresh_from_db()
    assert (plug.status, plug.error_code, plug.error_info) == ("faulted", "F07", "fan")
    assert station.status == "unavailable"
    notify(talk, state(3, 8, "Available"))
    plug.refresh_from_db()
    assert (plug.status, plug.error_code) == ("available", "")
    notify(talk, state(4, 9, "Reserved"))  # older: kept offline
    notify(talk, state(5, 7, "Nonsense"), state(6, 7, "Faulted", "EVSE"), state(7, 7, "Faulted", evse={"id": 1}))
    plug.refresh_from_db()
    assert plug.status == "available"


def test_the_monitor_says_how_bad_it_is_unless_the_station_does(talk):
    report(talk, 77, monitor(talk, 9, severity=2))
    notify(talk, datum(1, ago(minutes=1), variableMonitoringId=9))
    assert StationEvent.objects.get().severity == 2
    if talk.protocol == "ocpp2.1":
        notify(talk, datum(2, ago(minutes=1), variableMonitoringId=9, severity=99))
        assert StationEvent.objects.get(event_id=2).severity == 9


def test_values_that_come_at_their_time_are_kept_and_told_to_nobody(talk):
    notify(talk, datum(1, ago(minutes=1), trigger="Periodic"), datum(2, ago(minutes=1), trigger="Delta"))
    assert StationEvent.objects.count() == 2
    told = events("StationEventReported")
    assert [StationEvent.objects.get(pk=one["station_event_id"]).event_id for one in told] == [2]


def test_hostile_numbers_and_sizes_are_bounded(talk, monkeypatch):
    monkeypatch.setattr(monitoring, "MOST_AT_ONCE", 5)
    place = {"component": {"name": "EVSE", "evse": {"id": 2**40}}}
    notify(talk, *[datum(2**70 if number else number, ago(minutes=number)) | place for number in range(9)])
    assert StationEvent.objects.count() == 5
    assert set(StationEvent.objects.values_list("evse", "event_id")) == {(0, 0)}


def test_a_report_of_all_monitors_ends_those_that_are_gone(talk, station):
    asked_for_all(station)
    report(talk, 1, monitor(talk, 1), monitor(talk, 2))
    report(talk, 77, monitor(talk, 2, value=90), tbc=True)
    assert Monitor.objects.count() == 2
    report(talk, 77, monitor(talk, 3), seq_no=1)
    assert dict(Monitor.objects.values_list("monitor_id", "value")) == {2: "90", 3: "80"}
    report(talk, 77, monitor(talk, 2, value=90), tbc=True)  # again, late
    assert set(Monitor.objects.values_list("monitor_id", flat=True)) == {2, 3}


def test_the_last_part_may_come_first(talk, station):
    asked_for_all(station)
    report(talk, 77, monitor(talk, 3), seq_no=1)
    report(talk, 77, monitor(talk, 2), tbc=True)
    assert set(Monitor.objects.values_list("monitor_id", flat=True)) == {2, 3}


def test_a_report_of_some_ends_none(talk, station):
    services.send(station=station, command=commands.GetMonitors(77, ("EVSE",)), origin="test")
    report(talk, 1, monitor(talk, 1))
    report(talk, 77, monitor(talk, 2))
    report(talk, 99, monitor(talk, 3))  # nobody asked
    assert Monitor.objects.count() == 3


def test_an_empty_report_is_one(talk, station):
    asked_for_all(station)
    report(talk, 1, monitor(talk, 1))
    report(talk, 77)
    assert not Monitor.objects.exists()


def test_another_base_forgets_the_monitors_and_asks_for_the_new_ones(station, talk):
    report(talk, 1, monitor(talk, 1))
    services.monitors_reset(station_id=station.pk)
    assert not Monitor.objects.exists()
    assert Command.objects.get().kind == "GetMonitors"


def send(talk, payload):
    """A SEND of 2.1, as the gateway runs it."""
    schemas_of(talk.protocol).request("NotifyPeriodicEventStream").check(payload)
    with transaction.atomic():
        return talk.version.HANDLERS["NotifyPeriodicEventStream"](talk.charger(), payload)


def stream(station):
    talk = Talk(station, "ocpp2.1")
    report(talk, 1, monitor(talk, 9))
    data = {"id": 4, "variableMonitoringId": 9, "params": {"interval": 10, "values": 5}}
    return talk, talk.say("OpenPeriodicEventStream", {"constantStreamData": data})


def test_values_of_a_stream_are_those_of_its_monitor(station):
    talk, answer = stream(station)
    assert answer == {"status": "Accepted"}
    base = ago(minutes=5)
    values = [{"t": 0, "v": "20.5"}, {"t": 10, "v": "21"}, {"t": 10**30, "v": "never"}]
    payload = {"id": 4, "pending": 0, "basetime": format_time(base), "data": values}
    for _ in range(2):
        assert send(talk, payload) == {}
    rows = StationEvent.objects.order_by("at").values_list("at", "value", "component", "trigger", "severity")
    assert list(rows) == [
        (base, "20.5", "Connector", "periodic", 4), (base + timedelta(seconds=10), "21", "Connector", "periodic", 4)
    ]  # fmt: skip
    assert not Event.objects.filter(name="StationEventReported").exists()
    talk.say("ClosePeriodicEventStream", {"id": 4})
    send(talk, payload | {"basetime": format_time(clock.now())})
    assert StationEvent.objects.count() == 2


def test_a_stream_of_a_monitor_that_nobody_knows_is_refused(station):
    talk = Talk(station, "ocpp2.1")
    for number in (9, 2**70):
        data = {"id": 4, "variableMonitoringId": number, "params": {}}
        assert talk.say("OpenPeriodicEventStream", {"constantStreamData": data}) == {"status": "Rejected"}
