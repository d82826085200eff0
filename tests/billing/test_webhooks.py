"""What the provider tells us: verified, stored once, applied by fetching; any order, any repetition, days late."""

import hashlib
import hmac
import json
import time

import pytest
from django.conf import settings

from billing import services as billing
from billing.models import Receipt, WebhookEvent
from billing.vocabulary import PaymentState
from evcms.core import delivery
from tests.billing.conftest import KWH, SECRET, checkout, later, work

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/webhooks/stripe/"


def signed(body, secret=SECRET, at=None):
    at = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def post(client, event, **how):
    body = json.dumps(event).encode()
    return client.post(PATH, body, content_type="application/json", headers={"Stripe-Signature": signed(body, **how)})


def about(payment):
    """The provider's events of one payment, oldest first, as it would post them."""
    return lambda event: payment.public_id in json.dumps(event)


def deliver(client, provider, payment, reverse=False, times=1):
    payment.refresh_from_db()
    events = [event.to_dict() for event in provider.events()]
    mine = [event for event in events if about(payment)(event) or payment.checkout_id in json.dumps(event)]
    assert mine
    for event in reversed(mine) if reverse else mine:
        for _ in range(times):
            assert post(client, event).status_code == 200
    return mine


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("times", [1, 3])
def test_webhooks_in_any_order_and_number_start_one_session(provider, tariff, connector, client, reverse, times):
    payment = checkout(connector)
    provider.pays(payment)
    events = deliver(client, provider, payment, reverse, times)
    assert WebhookEvent.objects.count() == len(events)
    billing.apply_webhooks()
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED
    assert payment.attempt.station.commands.filter(kind="StartCharging").count() == 1
    assert not WebhookEvent.objects.filter(applied_at=None).exists()


def test_a_webhook_that_comes_days_late_changes_nothing_that_is_settled(provider, tariff, connector, client, car):
    payment = checkout(connector)
    provider.pays(payment)
    billing.refresh(payment=payment)
    payment.refresh_from_db()
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    payment.refresh_from_db()
    assert payment.state == PaymentState.CAPTURED
    later(days=3)
    deliver(client, provider, payment)
    billing.apply_webhooks()
    payment.refresh_from_db()
    assert (payment.state, payment.captured_minor, Receipt.objects.count()) == (PaymentState.CAPTURED, 1090, 1)


def test_a_capture_that_only_the_webhook_tells_of_is_settled_by_it(provider, tariff, connector, client, car):
    payment = checkout(connector)
    provider.pays(payment)
    billing.refresh(payment=payment)
    payment.refresh_from_db()
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    delivery.deliver_due()
    provider.fault(drop_response_after_effect=1, match="/capture")
    billing.capture_due()
    payment.refresh_from_db()
    assert payment.state == PaymentState.CAPTURING
    deliver(client, provider, payment)
    billing.apply_webhooks()
    payment.refresh_from_db()
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, 1090)
    assert payment.receipt.number.endswith("000001")


def test_a_lost_webhook_loses_nothing_as_the_returning_driver_is_read(provider, tariff, connector, client):
    payment = checkout(connector)
    provider.pays(payment)
    answer = client.get(f"/s/{payment.public_id}/back")
    assert (answer.status_code, answer["Location"]) == (302, f"/s/{payment.public_id}")
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED


def test_a_driver_who_pays_and_never_returns_is_found_by_the_sweep_even_without_webhook(provider, tariff, connector):
    payment = checkout(connector)
    provider.pays(payment)
    later(minutes=32)
    billing.sweep()
    billing.sweep()
    payment.refresh_from_db()
    assert payment.state == PaymentState.RELEASED  # too late to start: the money goes back


EVENT = {
    "id": "evt_1",
    "type": "payment_intent.succeeded",
    "livemode": False,
    "data": {"object": {"object": "payment_intent", "id": "pi_x"}},
}


@pytest.mark.parametrize(
    ("change", "how"),
    [
        ({}, {"secret": "whsec_somebody_elses"}),
        ({}, {"at": time.time() - 600}),
        ({"livemode": True}, {}),
        ({"data": None}, {}),
        ({"id": None, "data": []}, {}),
    ],
    ids=["wrong secret", "ten minutes old", "live event for a test key", "no object", "malformed"],
)
def test_what_is_not_a_recent_signed_event_of_our_mode_is_refused_and_not_stored(provider, client, db, change, how):
    answer = post(client, EVENT | change, **how)
    assert (answer.status_code, WebhookEvent.objects.count()) == (400, 0)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff\xfe", b"{"])
def test_garbage_with_a_good_signature_is_refused(provider, client, db, body):
    answer = client.post(PATH, body, content_type="application/json", headers={"Stripe-Signature": signed(body)})
    assert answer.status_code == 400


def test_an_unsigned_request_and_a_get_are_refused(provider, client, db):
    assert client.post(PATH, b"{}", content_type="application/json").status_code == 400
    assert client.get(PATH).status_code == 405


def test_without_a_provider_the_door_is_closed(client, db):
    assert post(client, EVENT).status_code == 400


def test_an_event_of_somebody_elses_object_is_marked_and_forgotten(provider, client, db):
    post(client, EVENT)
    billing.apply_webhooks()
    row = WebhookEvent.objects.get()
    assert row.applied_at
    assert row.error == "not a payment of ours"


def test_a_provider_that_cannot_be_read_keeps_the_event_waiting(provider, tariff, connector, client):
    payment = checkout(connector)
    provider.pays(payment)
    provider.fault(status=503, match="GET /v1/", count=200)
    event = next(event for event in provider.double.store.select("event") if payment.public_id in json.dumps(event))
    post(client, event)
    billing.apply_webhooks()
    assert WebhookEvent.objects.get().applied_at is None
    provider.control("faults", method="DELETE")
    later(minutes=1)
    billing.apply_webhooks()
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED


def test_the_double_posts_its_own_webhooks_to_the_real_address(provider, tariff, connector, live_server):
    """The whole wire: its signature, our door, our table."""
    payment = checkout(connector)
    endpoint = provider.api.webhook_endpoints.create({"url": f"{live_server.url}{PATH}", "enabled_events": ["*"]})
    settings.STRIPE_WEBHOOK_SECRET = endpoint.secret
    try:
        provider.pays(payment)
        end = time.monotonic() + 15
        while time.monotonic() < end and not WebhookEvent.objects.filter(kind="checkout.session.completed").exists():
            time.sleep(0.1)
        billing.apply_webhooks()
        payment.refresh_from_db()
        assert payment.state == PaymentState.AUTHORIZED
    finally:
        provider.api.webhook_endpoints.delete(endpoint.id)
