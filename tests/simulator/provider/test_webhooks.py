"""Events, and their signed delivery to a real HTTP receiver."""

import pytest
import stripe

from evcms.simulator.provider import running

from .conftest import SECRET, client_of, control, hold, until


def test_a_hold_and_its_capture_are_told_in_signed_events(api, receiver):
    intent = hold(api)
    api.payment_intents.capture(intent.id)
    expected = {
        "payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated",
        "charge.captured", "payment_intent.succeeded",
    }  # fmt: skip
    until(lambda: expected <= set(receiver.types()))
    event = next(event for event in receiver.events() if event.type == "payment_intent.succeeded")
    assert (event.data.object.id, event.data.object.amount_received) == (intent.id, 3000)
    assert event.api_version == "2026-10-28.endive"
    assert api.events.retrieve(event.id).type == event.type


def test_a_signature_proves_the_body(api, receiver):
    hold(api)
    body, signature, _ = until(lambda: receiver.received)[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body + b" ", signature, SECRET)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, "whsec_of_somebody_else")


def test_refused_deliveries_are_tried_again(api, receiver):
    receiver.answers = [500, 302]
    api.customers.create({})
    until(lambda: receiver.types() == ["customer.created"])
    assert [status for *_, status in receiver.received] == [500, 302, 200]
    assert len({body for body, *_ in receiver.received}) == 1


def test_deliveries_can_be_held_lost_doubled_and_sent_again(api, provider, receiver):
    control(provider, "webhooks", paused=True, drop_next=1)
    api.customers.create({})
    api.setup_intents.create({})
    control(provider, "webhooks", paused=False, duplicate_next=1)
    api.customers.create({})
    until(lambda: len(receiver.received) == 3)
    assert sorted(receiver.types()) == ["customer.created", "customer.created", "setup_intent.created"]
    assert control(provider, "webhooks/replay", type="customer.*")["replayed"] == 2
    until(lambda: len(receiver.received) == 5)


def test_the_event_list_filters_by_type(api):
    hold(api)
    api.customers.create({})
    assert {event.type for event in api.events.list({"type": "payment_intent.*"}).data} == {
        "payment_intent.created",
        "payment_intent.amount_capturable_updated",
    }
    types = {"types": ["customer.created", "charge.succeeded"]}
    assert {event.type for event in api.events.list(types).data} == set(types["types"])


def test_endpoints_hear_only_what_they_asked_for(api, receiver):
    made = api.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.updated"]})
    customer = api.customers.create({})
    api.customers.update(customer.id, {"name": "A"})
    until(lambda: len(receiver.received) == 3)
    with_its_secret = [
        stripe.WebhookSignature.verify_header(body, signature, made.secret)
        for body, signature, _ in receiver.received
        if b'"customer.updated"' in body and _verifies(body, signature, made.secret)
    ]
    assert with_its_secret == [True]
    assert api.webhook_endpoints.delete(made.id).deleted is True


def _verifies(body, signature, secret):
    try:
        return stripe.WebhookSignature.verify_header(body, signature, secret)
    except stripe.SignatureVerificationError:
        return False


def test_the_clock_goes_ahead_and_back_to_the_real_time(provider):
    before = control(provider, "clock", advance=0)["now"]
    assert control(provider, "clock", advance=5000)["now"] - before >= 5000
    assert control(provider, "clock", method="DELETE")["now"] - before < 1000


def test_state_and_undelivered_events_survive_a_restart(tmp_path, receiver):
    path = str(tmp_path / "restart.sqlite3")
    with running(database=path, webhook_url="http://127.0.0.1:9/nobody", webhook_secret=SECRET) as first:
        api = client_of(first.public_url).v1
        intent = hold(api)
        options = {"idempotency_key": "before"}
        customer = api.customers.create({"name": "A"}, options)
        control(first, "clock", advance=100)
    with running(database=path, webhook_url=receiver.url, webhook_secret=SECRET) as second:
        api = client_of(second.public_url).v1
        assert api.customers.create({"name": "A"}, options).id == customer.id
        assert api.payment_intents.capture(intent.id).status == "succeeded"
        until(lambda: {"payment_intent.created", "customer.created"} <= set(receiver.types()), seconds=20)
