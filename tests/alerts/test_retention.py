"""Addresses that nobody needs any more go, and the words of old mails; that they were sent stays."""

from datetime import timedelta

import pytest

from alerts import services
from alerts.models import DeliveryAttempt, Destination, Notification, Recipient, Subscription
from evcms.core import clock
from tests.alerts.conftest import make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def destination(organization, connector):
    recipient = Recipient.objects.create(organization=organization)
    Subscription.objects.create(recipient=recipient, connector=connector, topic="free")
    return Destination.objects.create(
        organization=organization, recipient=recipient, address="a@example.org", confirmed_at=clock.now()
    )


def test_a_live_subscription_keeps_its_address_however_old(destination, settings):
    settings.RETENTION_PERSONAL_DAYS = 30
    clock.advance(timedelta(days=400))
    assert services.prune_contacts() == 0
    assert Destination.objects.exists()


def test_an_address_goes_a_while_after_its_last_subscription(destination, settings):
    settings.RETENTION_PERSONAL_DAYS = 30
    clock.advance(timedelta(days=400))
    Subscription.objects.update(ended_at=clock.now())
    assert services.prune_contacts() == 0
    clock.advance(timedelta(days=31))
    assert services.prune_contacts() == 1
    assert not Destination.objects.exists()


def test_an_operators_way_stays_however_old(organization, settings):
    make_contact(organization, "duty@example.org")
    settings.RETENTION_PERSONAL_DAYS = 30
    clock.advance(timedelta(days=400))
    assert services.prune_contacts() == 0
    assert Destination.objects.exists()


def test_an_address_that_nobody_confirmed_goes(destination, settings):
    settings.RETENTION_PERSONAL_DAYS = 30
    Destination.objects.update(confirmed_at=None)
    clock.advance(timedelta(days=31))
    assert services.prune_contacts() == 1


@pytest.mark.parametrize(("state", "goes"), [("sent", 1), ("failed", 1), ("queued", 0)])
def test_old_mails_lose_their_words_and_keep_their_proof(organization, settings, state, goes):
    settings.RETENTION_PERSONAL_DAYS = 30
    mail = Notification.objects.create(
        organization=organization, key="k", template="receipt", to="a@example.org", subject="s", text="t", state=state
    )
    DeliveryAttempt.objects.create(notification=mail, outcome="accepted", detail="a@example.org taken")
    assert services.prune_contacts() == 0
    clock.advance(timedelta(days=31))
    assert services.prune_contacts() == goes
    mail.refresh_from_db()
    assert (mail.to == "", mail.text == "", mail.subject == "") == (bool(goes),) * 3
    assert (mail.template, mail.state, mail.key) == ("receipt", state, "k")
    assert (DeliveryAttempt.objects.get().detail == "") == bool(goes)


def test_nothing_goes_without_a_retention(destination, settings):
    settings.RETENTION_PERSONAL_DAYS = 0
    Subscription.objects.update(ended_at=clock.now())
    clock.advance(timedelta(days=9999))
    assert services.prune_contacts() == 0
