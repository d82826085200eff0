"""Frames: what is taken, what is refused with which message id, and what goes out."""

import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evcms.ocpp import errors, jsontext, rpc
from evcms.ocpp.versions import MESSAGE_TYPES, best_common

OLD, NEW = MESSAGE_TYPES["ocpp1.6"], MESSAGE_TYPES["ocpp2.1"]


def test_a_call_is_read_with_its_fractions_as_decimal():
    frame = rpc.parse('[2,"a","MeterValues",{"value":21.40,"n":3}]', OLD)
    assert frame == rpc.Call("a", "MeterValues", {"value": Decimal("21.40"), "n": 3})
    assert str(frame.payload["value"]) == "21.40"


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('[3,"a",{"status":"Accepted"}]', rpc.Result("a", {"status": "Accepted"})),
        ('[4,"a","NotSupported","no",{"x":1}]', rpc.Error("a", "NotSupported", "no", {"x": 1})),
        ('[4,"a","NotSupported"]', rpc.Error("a", "NotSupported", "", None)),
        ('[4,"a","NotSupported",null,{}]', rpc.Error("a", "NotSupported", "", {})),
    ],
)
def test_answers_are_read_even_when_sloppy(text, frame):
    assert rpc.parse(text, OLD) == frame


def test_2_1_alone_knows_send_and_callresulterror():
    assert rpc.parse('[6,"a","NotifyPeriodicEventStream",{}]', NEW) == rpc.Send("a", "NotifyPeriodicEventStream", {})
    assert rpc.parse('[5,"a","GenericError","",{}]', NEW) == rpc.ResultError("a", "GenericError", "", {})
    for text in ('[6,"a","NotifyPeriodicEventStream",{}]', '[5,"a","GenericError","",{}]'):
        with pytest.raises(rpc.BadFrame) as bad:
            rpc.parse(text, OLD)
        assert type(bad.value.error) is errors.MessageTypeNotSupported
        assert bad.value.message_id == "a"


@pytest.mark.parametrize(
    ("text", "message_id", "kind"),
    [
        ("", "-1", errors.RpcFrameworkError),
        ("{", "-1", errors.RpcFrameworkError),
        ("{}", "-1", errors.RpcFrameworkError),
        ("null", "-1", errors.RpcFrameworkError),
        ("[]", "-1", errors.RpcFrameworkError),
        ("[2]", "-1", errors.RpcFrameworkError),
        ('[2,7,"Heartbeat",{}]', "-1", errors.RpcFrameworkError),
        ('[2,"","Heartbeat",{}]', "-1", errors.RpcFrameworkError),
        (f'[2,"{"x" * 37}","Heartbeat",{{}}]', "-1", errors.RpcFrameworkError),
        ('[2,"a","Heartbeat"]', "a", errors.RpcFrameworkError),
        ('[2,"a","Heartbeat",{},1]', "a", errors.RpcFrameworkError),
        ('[2,"a",5,{}]', "a", errors.RpcFrameworkError),
        ('[2,"a","Heartbeat",[]]', "a", errors.FormatViolation),
        ('[2,"a","Heartbeat",null]', "a", errors.FormatViolation),
        ('[9,"a","Heartbeat",{}]', "a", errors.MessageTypeNotSupported),
        ('["2","a","Heartbeat",{}]', "a", errors.MessageTypeNotSupported),
        ('[true,"a","Heartbeat",{}]', "a", errors.MessageTypeNotSupported),
        ('[2,"a","X",{"v":NaN}]', "-1", errors.RpcFrameworkError),
        ('[2,"a","X",{"v":Infinity}]', "-1", errors.RpcFrameworkError),
        ('[2,"a","X",{"v":1e999999999}]', "-1", errors.RpcFrameworkError),
        ('[2,"a","X",{"v":1e-999999999}]', "-1", errors.RpcFrameworkError),
        ('[2,"a","X",{"v":' + "9" * 5000 + "}]", "-1", errors.RpcFrameworkError),
        ('[2,"a","X",{"v":"\\u0000"}]', "-1", errors.RpcFrameworkError),
        ('[2,"a","X",{"\\ud800":1}]', "-1", errors.RpcFrameworkError),
        ("[" * 200_000, "-1", errors.RpcFrameworkError),
        ('[2,"a","X",' + '{"a":' * 50_000, "-1", errors.RpcFrameworkError),
    ],
)
def test_a_malformed_call_is_refused_with_the_id_that_can_be_read(text, message_id, kind):
    with pytest.raises(rpc.BadFrame) as bad:
        rpc.parse(text, OLD)
    assert (bad.value.message_id, type(bad.value.error), bad.value.answer) == (message_id, kind, True)


@pytest.mark.parametrize("text", ['[3,"a"]', '[3,"a",{},1]', '[4,"a"]', '[4,"a",7]'])
def test_a_malformed_answer_is_never_answered(text):
    with pytest.raises(rpc.BadFrame) as bad:
        rpc.parse(text, OLD)
    assert not bad.value.answer


def test_a_pair_of_surrogates_is_one_character():
    assert rpc.parse('[2,"a","X",{"v":"\\ud83d\\ude00"}]', OLD).payload == {"v": "\U0001f600"}


@pytest.mark.parametrize("number", ["0.1", "21.4", "1E+2", "123456789012.123456789", "1E-7", "-0.00"])
def test_decimals_go_out_as_plain_numbers_with_all_digits(number):
    text = jsontext.encode([2, "a", "X", {"limit": Decimal(number), "text": 'é"'}])
    assert "E" not in text.replace("EX", "")
    assert json.loads(text, parse_float=Decimal)[3]["limit"] == Decimal(number)
    assert format(Decimal(number), "f") in text


def test_outgoing_frames_are_compact():
    assert rpc.call("a", "Reset", {"type": "Soft"}) == '[2,"a","Reset",{"type":"Soft"}]'
    assert rpc.result('a"b', "{}") == '[3,"a\\"b",{}]'
    assert rpc.error("a", "NotSupported", errors.NotSupported("no")) == '[4,"a","NotSupported","no",{}]'


def test_no_number_that_json_lacks_goes_out():
    with pytest.raises(ValueError):
        jsontext.encode({"v": float("nan")})
    with pytest.raises(ValueError):
        jsontext.encode({"v": Decimal("NaN")})


@given(st.text(max_size=60))
def test_any_text_is_a_frame_or_a_bad_frame(text):
    with contextlib.suppress(rpc.BadFrame):
        assert isinstance(rpc.parse(text, NEW), rpc.Frame)


STORABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.decimals(-1000, 1000, places=3) | STORABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STORABLE, inner, max_size=4),
    max_leaves=15,
)


@given(JSON)
def test_what_is_encoded_reads_back_equal(value):
    assert jsontext.decode(jsontext.encode(value)) == value


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["ocpp1.6", "ocpp2.0.1", "ocpp2.1"], "ocpp2.1"),
        (["ocpp1.6", "ocpp2.0.1"], "ocpp2.0.1"),
        (["OCPP1.6"], "ocpp1.6"),
        (["ocpp1.5", "ocpp1.6"], "ocpp1.6"),
        (["ocpp1.5", "soap"], None),
        ([], None),
    ],
)
def test_the_best_common_version_is_spoken(offered, chosen):
    assert best_common(offered) == chosen
