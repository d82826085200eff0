"""DataTransfer from a station, in every version: known and unknown vendors, and a terminal told this way."""

import json

import pytest

from billing.models import Payment
from billing.vocabulary import PaymentKind, PaymentState

from .talk import Talk, Teller

VENDOR = "org.evcms.payment"


def transfer(talk, vendor=VENDOR, message="DirectPayment", data=None):
    payload = {"vendorId": vendor, "messageId": message}
    if data is not None:
        payload["data"] = json.dumps(data) if talk.protocol == "ocpp1.6" else data
    answer = talk.say("DataTransfer", payload)
    said = answer.get("data", {})
    return answer["status"], json.loads(said) if isinstance(said, str) else said


@pytest.fixture
def talk(station, protocol):
    return Talk(station, protocol)


def test_vendors_and_messages_that_nobody_has_are_named_as_such(talk):
    assert transfer(talk, vendor="com.volt")[0] == "UnknownVendorId"
    assert transfer(talk, message="Coffee")[0] == "UnknownMessageId"
    assert talk.say("DataTransfer", {"vendorId": VENDOR}) == {"status": "UnknownMessageId"}


HELD = {"pspRef": "psp-1", "amount": 25.0, "currency": "EUR", "connectorId": 1, "idTag": "TERM-0001"}


@pytest.mark.parametrize(
    "change",
    [
        {"pspRef": ""},
        {"pspRef": 7},
        {"pspRef": "x" * 256},
        {"amount": "25"},
        {"amount": -1},
        {"amount": True},
        {"amount": 10**12},
        {"currency": None},
        {"connectorId": "one"},
        {"connectorId": 2**40},
        {"idTag": " "},
    ],
)
def test_a_payment_that_says_nothing_readable_is_rejected_with_the_reason(talk, change):
    status, said = transfer(talk, data=HELD | change)
    assert status == "Rejected"
    assert next(iter(change)) in said["error"]
    assert not Payment.objects.exists()


@pytest.mark.parametrize("data", [None, [], "text", 5, [HELD]])
def test_data_of_another_shape_is_rejected(talk, data):
    assert transfer(talk, data=data)[0] == "Rejected"


def test_without_a_price_no_paid_start_is_taken(talk):
    status, said = transfer(talk, data=HELD)
    assert status == "Rejected"
    assert "price" in said["error"]


def test_what_the_terminal_holds_is_a_payment_of_the_station(talk, priced):
    assert transfer(talk, data=HELD)[0] == "Accepted"
    assert transfer(talk, data=HELD)[0] == "Accepted"
    payment = Payment.objects.get()
    assert (payment.kind, payment.state) == (PaymentKind.STATION, PaymentState.AUTHORIZED)
    assert (payment.hold_minor, payment.currency, payment.intent_id) == (2500, "EUR", "psp-1")


def test_money_in_another_currency_than_the_price_is_not_taken(talk, priced):
    assert transfer(talk, data=HELD | {"currency": "SEK"})[0] == "Rejected"


def test_its_token_starts_one_session(station, protocol, priced, t):
    teller = Teller(station, protocol)
    assert teller.authorize("TERM-0001")["status"] == "Invalid"
    assert transfer(teller, data=HELD)[0] == "Accepted"
    assert teller.authorize("term-0001")["status"] == "Accepted"


@pytest.mark.parametrize("bad", [{"status": "Perhaps"}, {"transactionId": [12]}, {"amount": None}, {"currency": 1}])
def test_a_settlement_that_cannot_be_read_is_rejected(talk, priced, bad):
    settled = {"pspRef": "psp-1", "amount": 4.2, "currency": "EUR", "status": "Settled", "transactionId": 1}
    assert transfer(talk, message="Settlement", data=settled | bad)[0] == "Rejected"


def test_a_settlement_of_nothing_we_know_is_heard_and_changes_nothing(talk, priced):
    settled = {"pspRef": "psp-9", "amount": 4.2, "currency": "EUR", "status": "Settled", "transactionId": 999}
    assert transfer(talk, message="Settlement", data=settled) == ("Accepted", {})
    assert not Payment.objects.exists()
