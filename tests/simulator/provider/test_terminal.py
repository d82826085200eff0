"""Card readers at the station: asked by the server, tapped by a person."""

import pytest

from .conftest import control, until
from .test_checkout import browse
from .test_payment_intents import refused


@pytest.fixture
def reader(api):
    address = {"line1": "Kade 12", "city": "Havenstad", "country": "NL", "postal_code": "1000 AA"}
    location = api.terminal.locations.create({"display_name": "Kade", "address": address})
    return api.terminal.readers.create(
        {"registration_code": "simulated-wpe", "label": "Kade 12", "location": location.id}
    )


def asked(api, reader, amount=5000):
    intent = api.payment_intents.create(
        {
            "amount": amount,
            "currency": "eur",
            "capture_method": "manual",
            "allowed_payment_method_types": ["card_present"],
        }
    )
    told = api.terminal.readers.process_payment_intent(reader.id, {"payment_intent": intent.id})
    assert told.action.status == "in_progress"
    return intent


def test_a_tapped_card_holds_the_amount(api, provider, reader, receiver):
    intent = asked(api, reader)
    control(provider, f"readers/{reader.id}/tap")
    held = api.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (held.status, held.amount_capturable) == ("requires_capture", 5000)
    card = held.latest_charge.payment_method_details.card_present
    assert (card.last4, card.capture_before) == ("4242", held.latest_charge.created + 2 * 86_400)
    assert api.terminal.readers.retrieve(reader.id).action.status == "succeeded"
    until(lambda: "terminal.reader.action_succeeded" in receiver.types())
    assert api.payment_intents.capture(intent.id, {"amount_to_capture": 900}).amount_received == 900


def test_the_official_test_helper_taps_too(api, reader):
    asked(api, reader)
    done = api.test_helpers.terminal.readers.present_payment_method(reader.id)
    assert done.action.status == "succeeded"


def test_a_declined_tap_can_be_tried_again(api, provider, reader):
    intent = asked(api, reader)
    failed = control(provider, f"readers/{reader.id}/tap", number="4000000000009995")
    assert (failed["action"]["status"], failed["action"]["failure_code"]) == ("failed", "card_declined")
    assert api.payment_intents.retrieve(intent.id).status == "requires_payment_method"
    api.terminal.readers.process_payment_intent(reader.id, {"payment_intent": intent.id})
    assert control(provider, f"readers/{reader.id}/tap")["action"]["status"] == "succeeded"


def test_a_busy_an_idle_and_an_offline_reader_say_so(api, provider, reader):
    intent = asked(api, reader)
    again = {"payment_intent": intent.id}
    assert refused(api.terminal.readers.process_payment_intent, reader.id, again).code == "terminal_reader_busy"
    assert api.terminal.readers.cancel_action(reader.id).action is None
    assert control(provider, f"readers/{reader.id}/tap")["error"]["code"] == "terminal_reader_idle"
    control(provider, f"readers/{reader.id}", status="offline")
    assert refused(api.terminal.readers.process_payment_intent, reader.id, again).code == "terminal_reader_offline"


def test_an_online_intent_is_not_for_a_reader(api, reader):
    intent = api.payment_intents.create({"amount": 5000, "currency": "eur"})
    error = refused(api.terminal.readers.process_payment_intent, reader.id, {"payment_intent": intent.id})
    assert error.param == "payment_intent"


def test_a_person_taps_on_the_readers_page(api, provider, reader):
    page = f"{provider.public_url}/_double/readers/{reader.id}"
    assert "Welcome" in browse(page)[1]
    asked(api, reader)
    text = browse(page)[1]
    assert "€50.00" in text
    assert "Tap card" in text
    assert browse(f"{provider.public_url}/readers/{reader.id}/tap", number="4242424242424242")[0] == 303
    assert "Approved" in browse(page)[1]
