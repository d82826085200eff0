"""What we ask of a station's firmware, logs and monitors: each version's own spelling, and what its answer leaves."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from stations import commands
from stations.models import FirmwareUpdate, LogUpload, Monitor, StationEvent
from stations.reports import LogKind, MonitorType

from .talk import PROTOCOLS, events
from .wire import link, tell, wired_station  # noqa: F401

NEW = PROTOCOLS[1:]
TIME = datetime(2027, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
SAID = "2027-01-02T03:04:05.678Z"
URL = "https://files.example/2.bin"
PLAIN = commands.UpdateFirmware(7, URL, retrieve_at=TIME, retries=2, retry_interval=30)
SIGNED = commands.UpdateFirmware(8, URL, retrieve_at=TIME, install_at=TIME, signature="c2ln", certificate="PEM")
LOG = commands.GetLog(9, location="ftp://files.example/in", oldest=TIME, latest=TIME, retries=1)
SECURITY = commands.GetLog(10, LogKind.SECURITY, "ftp://files.example/in")
COLLECTOR = commands.GetLog(11, LogKind.DATA_COLLECTOR, "ftp://files.example/in")
TEMPERATURE = commands.WatchFor("ChargingStation:1.Temperature", MonitorType.UPPER, Decimal("80.5"), 3)
TARGET = commands.WatchFor("EVSE.Power", MonitorType.TARGET, Decimal(5), 7, transaction=True, monitor_id=4)
PART = {"component": {"evse": {"id": 1}, "name": "ChargingStation"}, "variable": {"name": "Temperature"}}
FIRMWARE = {"location": URL, "retrieveDateTime": SAID}
SEALED = FIRMWARE | {"installDateTime": SAID, "signingCertificate": "PEM", "signature": "c2ln"}
LOG_16 = {"remoteLocation": "ftp://files.example/in"}

# command, then what 1.6, 2.0.1 and 2.1 say (None: not supported), and the answer
CASES = [
    (
        PLAIN,
        ("UpdateFirmware", {"location": URL, "retries": 2, "retrieveDate": SAID, "retryInterval": 30}),
        ("UpdateFirmware", {"retries": 2, "retryInterval": 30, "requestId": 7, "firmware": FIRMWARE}),
        ...,
    ),
    (
        SIGNED,
        ("SignedUpdateFirmware", {"requestId": 8, "firmware": SEALED}),
        ("UpdateFirmware", {"requestId": 8, "firmware": SEALED}),
        ...,
    ),
    (commands.UpdateFirmware(9, URL, retrieve_at=TIME, install_at=TIME), None, ..., ...),
    (
        LOG,
        (
            "GetDiagnostics",
            {"location": "ftp://files.example/in", "retries": 1, "startTime": SAID, "stopTime": SAID},
        ),
        (
            "GetLog",
            {
                "log": LOG_16 | {"oldestTimestamp": SAID, "latestTimestamp": SAID},
                "logType": "DiagnosticsLog",
                "requestId": 9,
                "retries": 1,
            },
        ),
        ...,
    ),
    (
        commands.GetLog(12, location="ftp://files.example/in", extended=True),
        ("GetLog", {"log": LOG_16, "logType": "DiagnosticsLog", "requestId": 12}),
        ("GetLog", {"log": LOG_16, "logType": "DiagnosticsLog", "requestId": 12}),
        ...,
    ),
    (
        SECURITY,
        ("GetLog", {"log": LOG_16, "logType": "SecurityLog", "requestId": 10}),
        ("GetLog", {"log": LOG_16, "logType": "SecurityLog", "requestId": 10}),
        ...,
    ),
    (COLLECTOR, None, None, ("GetLog", {"log": LOG_16, "logType": "DataCollectorLog", "requestId": 11})),
    (
        commands.PublishFirmware(13, URL, "d41d8cd98f00b204e9800998ecf8427e"),
        None,
        ("PublishFirmware", {"location": URL, "checksum": "d41d8cd98f00b204e9800998ecf8427e", "requestId": 13}),
        ...,
    ),
    (
        commands.Trigger("LogStatusNotification"),
        ("ExtendedTriggerMessage", {"requestedMessage": "LogStatusNotification"}),
        ("TriggerMessage", {"requestedMessage": "LogStatusNotification"}),
        ...,
    ),
    (
        commands.Trigger("SignChargingStationCertificate"),
        ("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}),
        ("TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"}),
        ...,
    ),
    (
        commands.Trigger("StatusNotification", 1, extended=True),
        ("ExtendedTriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}),
        ("TriggerMessage", {"evse": {"id": 1}, "requestedMessage": "StatusNotification"}),
        ...,
    ),
    (commands.SetMonitoringBase("All"), None, ("SetMonitoringBase", {"monitoringBase": "All"}), ...),
    (commands.SetMonitoringLevel(4), None, ("SetMonitoringLevel", {"severity": 4}), ...),
    (
        commands.GetMonitors(5, ("ChargingStation", "ChargingStation:1.Temperature"), ("DeltaMonitoring",)),
        None,
        (
            "GetMonitoringReport",
            {
                "componentVariable": [{"component": {"name": "ChargingStation"}}, PART],
                "requestId": 5,
                "monitoringCriteria": ["DeltaMonitoring"],
            },
        ),
        ...,
    ),
]  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_version_says_it_in_its_own_words(link, wired_station, protocol):  # noqa: F811
    charger = link(protocol)
    for command, *spelled in CASES:
        old, new, newest = spelled
        expected = {"ocpp1.6": old, "ocpp2.0.1": new, "ocpp2.1": new if newest is ... else newest}[protocol]
        if expected is ...:
            continue
        if expected is None:
            assert tell(wired_station, charger, command, None)[1].state == "unsupported"
            continue
        answer = {} if expected[0] in ("UpdateFirmware", "GetDiagnostics") and protocol == "ocpp1.6" else None
        answer = {"status": "Accepted"} if answer is None else answer
        frame, row = tell(wired_station, charger, command, answer)
        assert frame[2:] == list(expected)
        assert list(frame[3]) == list(expected[1]), "members are not in the order of the schema"
        assert (row.state, row.answer_status) == ("accepted", answer.get("status", ""))
        if expected[0] == "SetMonitoringBase":  # which monitors hold now?
            asked = charger.receive()
            assert asked[2] == "GetMonitoringReport"
            charger.answer(asked[1], {"status": "EmptyResultSet"})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_the_answers_say_is_in_the_rows(link, wired_station, protocol):  # noqa: F811
    charger = link(protocol)
    name = {"fileName": "a.log"} if protocol == "ocpp1.6" else {"status": "Accepted", "filename": "a.log"}
    tell(wired_station, charger, LOG, name)
    tell(wired_station, charger, SECURITY, {"status": "AcceptedCanceled", "filename": "b.log"})
    tell(wired_station, charger, commands.GetLog(20, LogKind.SECURITY), {"status": "Rejected"})
    rows = dict(LogUpload.objects.values_list("request_id", "state"))
    assert rows == {9: "cancelled", 10: "accepted", 20: "refused"}
    assert set(LogUpload.objects.exclude(request_id=20).values_list("file_name", flat=True)) == {"a.log", "b.log"}
    tell(wired_station, charger, SIGNED, {"status": "Accepted"})
    second = commands.UpdateFirmware(21, URL, signature="c2ln", certificate="PEM")
    tell(wired_station, charger, second, {"status": "AcceptedCanceled"})
    third = commands.UpdateFirmware(22, URL, signature="c2ln", certificate="PEM")
    tell(wired_station, charger, third, {"status": "RevokedCertificate"})
    updates = dict(FirmwareUpdate.objects.values_list("request_id", "state"))
    assert updates == {8: "cancelled", 21: "accepted", 22: "refused"}
    assert FirmwareUpdate.objects.get(request_id=22).info == "RevokedCertificate"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_log_without_an_address_comes_to_our_own_door(link, wired_station, protocol, settings):  # noqa: F811
    settings.STATIONS_URL = "https://evcms.example"
    charger = link(protocol)
    frame, _ = tell(wired_station, charger, commands.GetLog(9), {"status": "Accepted"} if protocol != "ocpp1.6" else {})
    location = frame[3]["location"] if protocol == "ocpp1.6" else frame[3]["log"]["remoteLocation"]
    assert location.startswith("https://evcms.example/in/")
    assert len(location.rsplit("/", 1)[1]) >= 40
    upload = LogUpload.objects.get()
    assert upload.token_digest
    assert upload.location == location


def test_16_watches_nothing(link, wired_station):  # noqa: F811
    charger = link("ocpp1.6")
    for command in (
        commands.SetMonitors((TEMPERATURE,)),
        commands.ClearMonitors((1,)),
        commands.GetMonitors(1),
        commands.UnpublishFirmware("x"),
    ):
        assert tell(wired_station, charger, command, None)[1].state == "unsupported"


@pytest.mark.parametrize("protocol", NEW)
def test_a_monitor_is_set_fires_and_is_cleared(link, wired_station, protocol):  # noqa: F811
    charger = link(protocol)
    result = {"id": 31, "status": "Accepted", "type": "UpperThreshold", "severity": 3} | PART
    refused = {"status": "UnknownVariable", "type": "Delta", "severity": 5} | PART
    delta = commands.WatchFor("ChargingStation:1.Temperature", MonitorType.DELTA, Decimal(2))
    command = commands.SetMonitors((delta, TEMPERATURE))
    frame, row = tell(wired_station, charger, command, {"setMonitoringResult": [result, refused]})
    assert frame[3]["setMonitoringData"][1] == {"value": 80.5, "type": "UpperThreshold", "severity": 3} | PART
    assert (row.state, row.answer_status) == ("rejected", "UnknownVariable")
    monitor = Monitor.objects.get()
    assert (monitor.monitor_id, monitor.type, monitor.value, monitor.severity, monitor.evse) == (
        31,
        "upper",
        "80.5",
        3,
        1,
    )

    datum = {
        "eventId": 1, "timestamp": "2026-11-01T00:00:00Z", "trigger": "Alerting", "actualValue": "84",
        "eventNotificationType": "CustomMonitor", "variableMonitoringId": 31,
    } | PART  # fmt: skip
    message = {"generatedAt": "2026-11-01T00:00:00Z", "seqNo": 0, "eventData": [datum]}
    for _ in range(2):
        assert charger.call("NotifyEvent", message) == {}
    event = StationEvent.objects.get()
    assert (event.severity, event.value, event.cleared, event.trigger) == (3, "84", False, "alerting")
    assert events("StationEventReported") == [{"station_event_id": event.pk}]

    answer = {"clearMonitoringResult": [{"id": 31, "status": "Accepted"}, {"id": 32, "status": "NotFound"}]}
    frame, row = tell(wired_station, charger, commands.ClearMonitors((31, 32)), answer)
    assert frame[2:] == ["ClearVariableMonitoring", {"id": [31, 32]}]
    assert row.answer_status == "NotFound"
    assert not Monitor.objects.exists()


@pytest.mark.parametrize(("protocol", "state"), [("ocpp2.0.1", "unsupported"), ("ocpp2.1", "accepted")])
def test_21_watches_how_far_a_value_is_off_its_target(link, wired_station, protocol, state):  # noqa: F811
    part = {"component": {"name": "EVSE"}, "variable": {"name": "Power"}}
    result = {"id": 4, "status": "Accepted", "type": "TargetDelta", "severity": 7} | part
    answer = {"setMonitoringResult": [result]} if state == "accepted" else None
    frame, row = tell(wired_station, link(protocol), commands.SetMonitors((TARGET,)), answer)
    assert row.state == state
    if frame:
        said = {"id": 4, "transaction": True, "value": 5, "type": "TargetDelta", "severity": 7}
        assert frame[3]["setMonitoringData"] == [said | part]
        assert Monitor.objects.get().transaction


@pytest.mark.parametrize("protocol", NEW)
def test_unpublished_is_what_the_station_says(link, wired_station, protocol):  # noqa: F811
    charger = link(protocol)
    for status, state in (("Unpublished", "accepted"), ("NoFirmware", "rejected"), ("DownloadOngoing", "rejected")):
        frame, row = tell(wired_station, charger, commands.UnpublishFirmware("d41d8"), {"status": status})
        assert frame[2:] == ["UnpublishFirmware", {"checksum": "d41d8"}]
        assert (row.state, row.answer_status) == (state, status)
