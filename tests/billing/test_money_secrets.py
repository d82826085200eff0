"""What nobody may find later: keys and cards in logs and rows, old links, webhooks of long ago, what is too large."""

import json
import logging
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import models

from billing import services as billing
from billing.models import WebhookEvent
from evcms.core import clock
from evcms.core.access import Role
from tests.billing.conftest import KEY, KWH, SECRET, checkout, later, work
from tests.billing.saved import a_driver, saves_card
from tests.billing.test_refunds import settled
from tests.billing.test_webhooks import PATH, deliver, post, signed
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["settled"]
CARDS = ("4242424242424242", "4242 4242", "5555555555554444", "4000000000009995")


@pytest.fixture
def logs():
    """Everything that any logger says, down to debug, with its arguments and tracebacks."""
    lines = []

    class Keeps(logging.Handler):
        def emit(self, record):
            lines.append(self.format(record) + str(record.__dict__))

    handler, root = Keeps(level=logging.DEBUG), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(before)


def everything_stored():
    """Every text of every row of ours."""
    texts = []
    for model in apps.get_models():
        if model._meta.app_label in ("billing", "charging", "stations", "core", "alerts"):
            names = [
                f.name
                for f in model._meta.fields
                if isinstance(f, models.CharField | models.TextField | models.JSONField)
            ]
            texts += [json.dumps(row, default=str) for row in model._default_manager.values_list(*names) if names]
    return "\n".join(texts)


def test_a_whole_life_of_money_leaves_no_key_and_no_card_in_logs_or_rows(
    provider, tariff, connector, car, client, owner, organization, logs
):
    driver = a_driver(organization)
    saves_card(provider, driver, number="5555555555554444")
    payment = checkout(connector)
    with pytest.raises(OSError, match="402"):
        provider.pays(payment, number="4000000000009995")  # declined first
    provider.pays(payment, number="4242424242424242")
    deliver(client, provider, payment)
    billing.apply_webhooks()
    payment.refresh_from_db()
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    provider.fault(status=500, match="/capture", count=1)
    work()
    later(minutes=1)
    work()
    billing.refund(payment=payment, amount_minor=100, reason="Late", access=owner)
    work()
    billing.read_books()
    payment.refresh_from_db()
    assert payment.refunded_minor == 100
    said, stored = "\n".join(logs), everything_stored()
    assert len(logs) > 20
    assert "4242" in stored  # the last four, as receipts show them
    for secret in (KEY, SECRET, *CARDS):
        assert secret not in said
        assert secret not in stored


def test_a_guests_links_end_and_say_so(provider, settled, client, settings):
    settings.GUEST_LINK_DAYS = 30
    paths = [f"/s/{settled.public_id}", f"/r/{settled.receipt.public_id}", f"/r/{settled.receipt.public_id}.pdf"]
    assert [client.get(path).status_code for path in paths] == [200, 200, 200]
    later(days=31)
    answers = [client.get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [410, 410, 410]
    assert "This link has ended" in answers[0].text
    assert client.post(f"{paths[0]}/stop").status_code == 410
    assert client.get("/s/never-was").status_code == 404
    settings.GUEST_LINK_DAYS = 0
    assert client.get(paths[1]).status_code == 200


def test_finance_opens_old_receipts_of_its_own_organization_only(
    provider, settled, client, organization, rival, settings
):
    settings.GUEST_LINK_DAYS = 30
    later(days=31)
    path = f"/r/{settled.receipt.public_id}"
    for owner, role, status in (
        (organization, Role.FINANCE, 200),
        (organization, Role.VIEWER, 410),
        (rival, Role.OWNER, 410),
    ):
        client.force_login(make_access(owner, role).user)
        assert client.get(path).status_code == status


def test_a_body_that_is_too_large_is_refused_before_it_is_read(provider, client, db):
    body = b" " * 1_100_000
    answer = client.post(PATH, body, content_type="application/json", headers={"Stripe-Signature": signed(body)})
    assert (answer.status_code, WebhookEvent.objects.count()) == (413, 0)


def test_webhooks_that_were_applied_long_ago_go_and_those_that_wait_stay(provider, client, settings):
    settings.RETENTION_EVENTS_DAYS = 30
    old = clock.now() - timedelta(days=31)
    rows = {"old": old, "new": clock.now(), "waiting": None}
    for name, applied_at in rows.items():
        WebhookEvent.objects.create(provider_id=name, kind="x", received_at=old, applied_at=applied_at)
    assert billing.prune_webhooks() == 1
    assert set(WebhookEvent.objects.values_list("provider_id", flat=True)) == {"new", "waiting"}


def test_a_webhook_that_was_pruned_and_comes_again_changes_nothing(provider, settled, client):
    told = [event.to_dict() for event in provider.events() if settled.intent_id in json.dumps(event.to_dict())]
    for event in told:
        post(client, event)
    billing.apply_webhooks()
    WebhookEvent.objects.all().delete()
    for event in reversed(told):
        post(client, event)
    billing.apply_webhooks()
    settled.refresh_from_db()
    assert (settled.state, settled.captured_minor, settled.receipts.count()) == ("captured", 1090, 1)
