"""Our operations: one description for forms and API."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from stations import commands
from stations.operations import OPERATIONS, OURS_FROM, FieldType, build

NEEDED = {
    "start": {"id_token": "AB12"},
    "stop": {"transaction_id": "17"},
    "unlock": {"evse": 1},
    "change-availability": {"availability": "inoperative"},
    "trigger": {"message": "Heartbeat"},
    "set-variables": {"values": {"HeartbeatInterval": 60}},
    "reserve": {"id_token": "AB12", "expires_at": "2026-11-22T18:30:00Z"},
    "cancel-reservation": {"reservation_id": 99999},
    "send-data": {"vendor_id": "acme"},
    "transaction-status": {"transaction_id": "17"},
    "set-charging-profile": {"periods": {"0": "11000"}},
    "composite-schedule": {"duration": 3600},
    "allow-energy-transfer": {"transaction_id": "17", "kinds": ["DC"]},
    "web-payment-started": {"evse": 1},
    "unpublish-firmware": {"checksum": "d41d8cd98f00b204e9800998ecf8427e"},
    "set-monitor": {"part": "ChargingStation.Temperature", "type": "upper", "value": "80"},
    "clear-monitors": {"monitor_ids": ["1"]},
    "monitoring-base": {"base": "All"},
    "monitoring-level": {"severity": 4},
}

EITHER = {"update-firmware": {"file": 1}, "publish-firmware": {"location": "https://files.example/1.bin"}}


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_is_built_from_what_it_needs(name):
    assert type(build(name, NEEDED.get(name, EITHER.get(name, {})))) in commands.KINDS.values()


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_needed_is_asked_for_by_name(name):
    with pytest.raises(ValidationError) as refused:
        build(name, {})
    for field in NEEDED[name]:
        assert "is needed" in refused.value.message_dict[field][0]


def test_form_texts_and_json_values_mean_the_same():
    json = build("set-variables", {"values": [["A", "1"], ["B", True]]})
    form = build("set-variables", {"values": "A=1\nB = true\n"})
    assert json == commands.SetVariables((("A", "1"), ("B", "true")))
    assert form == commands.SetVariables((("A", "1"), ("B", " true")))
    assert build("unlock", {"evse": "2"}) == build("unlock", {"evse": 2})
    assert build("get-variables", {"keys": " A \n\nB"}) == commands.GetVariables(("A", "B"))
    when = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    assert build("reserve", NEEDED["reserve"]).expires_at == when


def test_ids_that_we_make_stay_clear_of_those_of_the_rows():
    assert OURS_FROM <= build("start", {"id_token": "A"}).remote_start_id < 2**31
    assert build("reserve", NEEDED["reserve"] | {"reservation_id": 0}).reservation_id == 0


def test_what_the_station_should_judge_is_forwarded():
    assert build("unlock", {"evse": 99}).evse == 99
    assert build("cancel-reservation", {"reservation_id": -1}).reservation_id == -1


@pytest.mark.parametrize(
    ("name", "params", "field"),
    [
        ("nonsense", {}, "operation"),
        ("reset", {"kind": "gently"}, "kind"),
        ("reset", {"kind": "hard", "force": True}, "force"),
        ("unlock", {"evse": "one"}, "evse"),
        ("unlock", {"evse": 1.5}, "evse"),
        ("unlock", {"evse": True}, "evse"),
        ("unlock", {"evse": 2**31}, "evse"),
        ("unlock", {"evse": "٣٣٣٣٣٣٣٣٣٣٣٣"}, "evse"),
        ("stop", {"transaction_id": 17}, "transaction_id"),
        ("stop", {"transaction_id": "x" * 41}, "transaction_id"),
        ("send-data", {"vendor_id": "a\0b"}, "vendor_id"),
        ("reserve", {"id_token": "A", "expires_at": "2026-13-45T00:00:00Z"}, "expires_at"),
        ("set-variables", {"values": "no pair"}, "values"),
        ("set-variables", {"values": {"": "1"}}, "values"),
        ("set-variables", {"values": [[1, 2, 3]]}, "values"),
        ("set-variables", {"values": 5}, "values"),
        ("get-variables", {"keys": {"a": 1}}, "keys"),
        ("update-firmware", {}, "location"),
        ("publish-firmware", {"checksum": "x"}, "location"),
        ("get-log", {"kind": "secret"}, "kind"),
        ("set-monitor", {"part": "A.B", "type": "upper", "value": "hot"}, "value"),
        ("set-monitor", {"part": "A.B", "type": "upper", "value": "1e99"}, "value"),
        ("clear-monitors", {"monitor_ids": ["one"]}, "monitor_ids"),
    ],
)
def test_nonsense_is_refused_with_a_sentence_at_its_field(name, params, field):
    with pytest.raises(ValidationError) as refused:
        build(name, params)
    assert refused.value.message_dict[field][0].endswith(".")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=30)
@given(value=JSON)
def test_no_value_breaks_the_builder(name, value):
    for field in OPERATIONS[name].fields:
        try:
            build(name, NEEDED.get(name, {}) | {field.name: value})
        except ValidationError as refused:
            assert refused.message_dict  # noqa: PT017


def test_every_choice_has_its_choices():
    for operation in OPERATIONS.values():
        for field in operation.fields:
            assert bool(field.choices) == (field.type == FieldType.CHOICE)
