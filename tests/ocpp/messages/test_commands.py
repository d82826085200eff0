"""Every command on the wire, in each version: exact members, the station's answer, and what is kept of it."""

from datetime import UTC, datetime

import pytest

from evcms.core.models import Organization
from stations import commands, services
from stations.commands import Availability, ResetKind
from stations.models import Command, Connector, Evse, Site, Station, Variable
from stations.vocabulary import Approval, SecurityProfile
from tests.charger import SyncCharger
from tests.fixtures.processes import until
from tests.ocpp.door import opened

from .talk import PROTOCOLS

TIME = datetime(2027, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
NEW = ("ocpp2.0.1", "ocpp2.1")
ACCEPTED = {"status": "Accepted"}
COMPONENT, VARIABLE = {"name": "OCPPCommCtrlr"}, {"name": "HeartbeatInterval"}
# command, (action and payload in 1.6 or the state it ends in, in 2.x), answer, state
CASES = [
    (
        commands.StartCharging("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 7, 1),
        ("RemoteStartTransaction", {"connectorId": 1, "idTag": "ABCDEFGHIJKLMNOPQRST"}),
        (
            "RequestStartTransaction",
            {"evseId": 1, "idToken": {"idToken": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "type": "Central"}, "remoteStartId": 7},
        ),
    ),
    (
        commands.StartCharging("TAG", 8),
        ("RemoteStartTransaction", {"idTag": "TAG"}),
        ("RequestStartTransaction", {"idToken": {"idToken": "TAG", "type": "Central"}, "remoteStartId": 8}),
    ),
    (
        commands.StopCharging("12"),
        ("RemoteStopTransaction", {"transactionId": 12}),
        ("RequestStopTransaction", {"transactionId": "12"}),
    ),
    (commands.Reset(ResetKind.SOFT), ("Reset", {"type": "Soft"}), ("Reset", {"type": "OnIdle"})),
    (commands.Reset(ResetKind.HARD), ("Reset", {"type": "Hard"}), ("Reset", {"type": "Immediate"})),
    (commands.Reset(ResetKind.HARD, evse=1), "unsupported", ("Reset", {"type": "Immediate", "evseId": 1})),
    (
        commands.Unlock(2, 1),
        ("UnlockConnector", {"connectorId": 2}),
        ("UnlockConnector", {"evseId": 2, "connectorId": 1}),
    ),
    (
        commands.ChangeAvailability(Availability.INOPERATIVE),
        ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
        ("ChangeAvailability", {"operationalStatus": "Inoperative"}),
    ),
    (
        commands.ChangeAvailability(Availability.OPERATIVE, 99, 3),
        ("ChangeAvailability", {"connectorId": 99, "type": "Operative"}),
        ("ChangeAvailability", {"evse": {"id": 99, "connectorId": 3}, "operationalStatus": "Operative"}),
    ),
    (
        commands.Trigger("StatusNotification", 1, 1),
        ("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}),
        ("TriggerMessage", {"evse": {"id": 1, "connectorId": 1}, "requestedMessage": "StatusNotification"}),
    ),
    (
        commands.Trigger("BootNotification"),
        ("TriggerMessage", {"requestedMessage": "BootNotification"}),
        ("TriggerMessage", {"requestedMessage": "BootNotification"}),
    ),
    (commands.ClearCache(), ("ClearCache", {}), ("ClearCache", {})),
    (
        commands.ReserveNow(99_999, "TAG", TIME, 1, 1, group_id="FAMILY", token_type="ISO14443"),
        (
            "ReserveNow",
            {
                "connectorId": 1,
                "expiryDate": "2027-01-02T03:04:05.678Z",
                "idTag": "TAG",
                "parentIdTag": "FAMILY",
                "reservationId": 99_999,
            },
        ),
        (
            "ReserveNow",
            {
                "id": 99_999,
                "expiryDateTime": "2027-01-02T03:04:05.678Z",
                "idToken": {"idToken": "TAG", "type": "ISO14443"},
                "evseId": 1,
                "groupIdToken": {"idToken": "FAMILY", "type": "Central"},
            },
        ),
    ),
    (
        commands.CancelReservation(99_999),
        ("CancelReservation", {"reservationId": 99_999}),
        ("CancelReservation", {"reservationId": 99_999}),
    ),
    (
        commands.SendData("com.volt", "Hello", "world"),
        ("DataTransfer", {"vendorId": "com.volt", "messageId": "Hello", "data": "world"}),
        ("DataTransfer", {"messageId": "Hello", "data": "world", "vendorId": "com.volt"}),
    ),
    (
        commands.SendData("com.volt"),
        ("DataTransfer", {"vendorId": "com.volt"}),
        ("DataTransfer", {"vendorId": "com.volt"}),
    ),
    (commands.RawCall("ClearCache", {}), ("ClearCache", {}), ("ClearCache", {})),
]


@pytest.fixture
def station(transactional_db):
    organization = Organization.objects.create(name="Volt", slug="volt")
    site = Site.objects.create(organization=organization, name="Harbour", latitude=52.1, longitude=5.1)
    station = Station.objects.create(
        organization=organization,
        site=site,
        identity="CP-1",
        approval=Approval.ACCEPTED,
        security_profile=SecurityProfile.NONE,
    )
    Connector.objects.create(evse=Evse.objects.create(station=station, number=1), station=station)
    return station


@pytest.fixture
def link(station, redis_url):
    """`link(protocol)`: the station on the real door."""
    chargers = []
    with opened() as door:

        def connect(protocol):
            charger = SyncCharger(door.url, station.identity, subprotocols=[protocol])
            charger.__enter__()
            chargers.append(charger)
            return charger

        yield connect
        for charger in chargers:
            charger.__exit__(None, None, None)


def tell(station, charger, command, answer):
    """The frame that the station got (None: none) and the row in the end."""
    row = services.send(station=station, command=command, origin="test")
    frame = None
    if answer is not None:
        frame = charger.receive()
        charger.answer(frame[1], answer)

    def ended():
        return Command.objects.get(pk=row.pk).state not in ("queued", "sent")

    until(ended, what="the end of the command")
    return frame, Command.objects.get(pk=row.pk)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_commands_are_spelled_as_the_version_wants_them_and_the_answer_is_kept(link, station, protocol):
    charger = link(protocol)
    for command, old, new in CASES:
        expected = old if protocol == "ocpp1.6" else new
        answer = {"status": "Unlocked"} if isinstance(command, commands.Unlock) else ACCEPTED
        if expected == "unsupported":
            assert tell(station, charger, command, None)[1].state == "unsupported"
            continue
        frame, row = tell(station, charger, command, answer)
        assert frame[2:] == list(expected)
        assert list(frame[3]) == list(expected[1]), "members are not in the order of the schema"
        assert (row.state, row.answer_status, row.answer) == ("accepted", answer["status"], answer)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("command", "status", "state"),
    [
        (commands.StartCharging("TAG", 1), "Rejected", "rejected"),
        (commands.Unlock(1), "UnlockFailed", "rejected"),
        (commands.ChangeAvailability(Availability.INOPERATIVE), "Scheduled", "accepted"),
        (commands.ReserveNow(1, "TAG", TIME, 1), "Occupied", "rejected"),
        (commands.Trigger("MeterValues"), "NotImplemented", "rejected"),
        (commands.SendData("com.volt"), "UnknownVendorId", "rejected"),
    ],
)
def test_the_stations_own_word_is_kept_verbatim(link, station, protocol, command, status, state):
    _, row = tell(station, link(protocol), command, {"status": status})
    assert (row.state, row.answer_status) == (state, status)


def test_configuration_keys_of_16_are_asked_for_and_kept(link, station):
    charger = link("ocpp1.6")
    answer = {
        "configurationKey": [
            {"key": "HeartbeatInterval", "readonly": False, "value": "60"},
            {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
            {"key": "AuthorizationKey", "readonly": False},
        ],
        "unknownKey": ["Nonsense"],
    }
    frame, row = tell(station, charger, commands.GetVariables(("HeartbeatInterval", "Nonsense")), answer)
    assert frame[2:] == ["GetConfiguration", {"key": ["HeartbeatInterval", "Nonsense"]}]
    assert row.state == "accepted"
    kept = dict(Variable.objects.filter(component="").values_list("variable", "value"))
    assert kept == {"HeartbeatInterval": "60", "NumberOfConnectors": "2", "AuthorizationKey": None}
    assert Variable.objects.get(variable="NumberOfConnectors").mutability == "ReadOnly"
    frame, _ = tell(station, charger, commands.GetVariables(), {"unknownKey": []})
    assert frame[2:] == ["GetConfiguration", {}]
    _, row = tell(station, charger, commands.GetVariables(("Nonsense",)), {"unknownKey": ["Nonsense"]})
    assert row.state == "rejected"


@pytest.mark.parametrize(
    ("status", "state", "value"),
    [("Accepted", "accepted", "60"), ("RebootRequired", "accepted", None), ("NotSupported", "rejected", None)],
)
def test_a_changed_key_of_16_is_known_once_the_station_has_it(link, station, status, state, value):
    command = commands.SetVariables((("HeartbeatInterval", "60"),))
    frame, row = tell(station, link("ocpp1.6"), command, {"status": status})
    assert frame[2:] == ["ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}]
    assert (row.state, row.answer_status) == (state, status)
    assert getattr(Variable.objects.filter(variable="HeartbeatInterval").first(), "value", None) == value


def test_16_changes_one_key_a_message(link, station):
    command = commands.SetVariables((("A", "1"), ("B", "2")))
    assert tell(station, link("ocpp1.6"), command, None)[1].state == "unsupported"


@pytest.mark.parametrize("protocol", NEW)
def test_variables_of_2x_are_asked_for_and_kept(link, station, protocol):
    charger = link(protocol)
    keys = ("OCPPCommCtrlr.HeartbeatInterval", "SampledDataCtrlr/x.TxUpdatedMeasurands/y", "Connector:1:2.Available")
    results = [
        {"attributeStatus": "Accepted", "attributeValue": "60", "component": COMPONENT, "variable": VARIABLE},
        {"attributeStatus": "UnknownVariable", "component": {"name": "Connector"}, "variable": {"name": "Available"}},
    ]
    frame, row = tell(station, charger, commands.GetVariables(keys), {"getVariableResult": results})
    assert frame[2:] == [
        "GetVariables",
        {
            "getVariableData": [
                {"component": COMPONENT, "variable": VARIABLE},
                {
                    "component": {"name": "SampledDataCtrlr", "instance": "x"},
                    "variable": {"name": "TxUpdatedMeasurands", "instance": "y"},
                },
                {
                    "component": {"evse": {"id": 1, "connectorId": 2}, "name": "Connector"},
                    "variable": {"name": "Available"},
                },
            ]
        },
    ]
    assert (row.state, row.answer_status) == ("rejected", "UnknownVariable")
    assert Variable.objects.get().value == "60"


@pytest.mark.parametrize("protocol", NEW)
def test_without_keys_the_whole_inventory_is_asked_for_and_its_report_is_kept(link, station, protocol):
    charger = link(protocol)
    frame, _ = tell(station, charger, commands.GetVariables(), ACCEPTED)
    assert frame[2] == "GetBaseReport"
    assert frame[3]["reportBase"] == "FullInventory"
    assert 0 <= frame[3]["requestId"] < 2**31
    data = {
        "component": COMPONENT | {"evse": {"id": 1}},
        "variable": VARIABLE,
        "variableAttribute": [{"value": "60", "mutability": "ReadOnly"}, {"type": "MaxSet", "value": "600"}],
        "variableCharacteristics": {"unit": "s", "dataType": "integer", "supportsMonitoring": True},
    }
    report = {
        "requestId": frame[3]["requestId"],
        "generatedAt": "2026-01-01T00:00:00Z",
        "seqNo": 0,
        "reportData": [data],
    }
    assert charger.call("NotifyReport", report) == {}
    kept = Variable.objects.order_by("attribute").values_list(
        "attribute", "value", "mutability", "data_type", "unit", "evse"
    )
    assert list(kept) == [
        ("Actual", "60", "ReadOnly", "integer", "s", 1),
        ("MaxSet", "600", "ReadWrite", "integer", "s", 1),
    ]


@pytest.mark.parametrize("protocol", NEW)
def test_set_variables_of_2x_are_known_once_the_station_has_them(link, station, protocol):
    command = commands.SetVariables((("OCPPCommCtrlr.HeartbeatInterval", "60"), ("A.B", "1")))
    results = [
        {"attributeStatus": "RebootRequired", "component": {"name": "A"}, "variable": {"name": "B"}},
        {"attributeStatus": "Accepted", "component": COMPONENT, "variable": VARIABLE},
    ]
    frame, row = tell(station, link(protocol), command, {"setVariableResult": results})
    assert frame[3]["setVariableData"][0] == {"attributeValue": "60", "component": COMPONENT, "variable": VARIABLE}
    assert row.state == "accepted"
    assert list(Variable.objects.values_list("variable", "value")) == [("HeartbeatInterval", "60")]


@pytest.mark.parametrize(
    ("protocol", "state"), [("ocpp1.6", "unsupported"), ("ocpp2.0.1", "accepted"), ("ocpp2.1", "accepted")]
)
def test_the_status_of_a_transaction_can_be_asked_where_the_version_knows_it(link, station, protocol, state):
    answer = None if state == "unsupported" else {"ongoingIndicator": True, "messagesInQueue": False}
    frame, row = tell(station, link(protocol), commands.GetTransactionStatus("tx-1"), answer)
    assert (row.state, row.answer) == (state, answer)
    assert frame is None or frame[2:] == ["GetTransactionStatus", {"transactionId": "tx-1"}]


@pytest.mark.parametrize(("protocol", "said"), [("ocpp2.0.1", "Central"), ("ocpp2.1", "DirectPayment")])
def test_a_payment_terminals_token_has_its_own_type_in_21(link, station, protocol, said):
    command = commands.StartCharging("psp-ref-1", 1, 1, token_type="DirectPayment")
    frame, _ = tell(station, link(protocol), command, ACCEPTED)
    assert frame[3]["idToken"] == {"idToken": "psp-ref-1", "type": said}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_unknown_vendors_data_is_refused_and_content_that_nobody_keeps_is_not_taken(link, station, protocol):
    from tests.charger import CallFailed

    charger = link(protocol)
    assert charger.call("DataTransfer", {"vendorId": "com.volt"}) == {"status": "UnknownVendorId"}
    action, payload = ("SignCertificate", {"csr": "PEM"})
    with pytest.raises(CallFailed) as refused:
        charger.call(action, payload)
    assert refused.value.code == "NotImplemented"
