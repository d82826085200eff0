"""Guests' addresses go; payments and receipts stay."""

from datetime import timedelta

import pytest

from billing import services
from billing.models import Payment, Receipt
from evcms.core import clock, retention
from tests.security.world import fill, organization
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid():
    return fill(make_access(organization("Old")), "OLD", 1).rows


def test_an_old_guests_address_goes_and_his_receipt_stays(paid, settings):
    settings.RETENTION_PERSONAL_DAYS = 30
    before = Receipt.objects.values().get()
    assert services.prune_contacts() == 0
    clock.advance(timedelta(days=31))
    assert services.prune_contacts() == 1
    payment = Payment.objects.get()
    assert (payment.email, payment.state, payment.captured_minor) == ("", "captured", 900)
    assert Receipt.objects.values().get() == before
    assert services.prune_contacts() == 0


def test_an_open_payment_keeps_the_address_that_its_receipt_goes_to(paid, settings):
    settings.RETENTION_PERSONAL_DAYS = 30
    Payment.objects.update(state="authorized")
    clock.advance(timedelta(days=31))
    assert services.prune_contacts() == 0


def test_nothing_goes_without_a_retention(paid, settings):
    settings.RETENTION_PERSONAL_DAYS = 0
    clock.advance(timedelta(days=9999))
    assert services.prune_contacts() == 0


def test_a_night_takes_small_batches_and_no_more_than_its_share(paid, settings, monkeypatch):
    settings.RETENTION_PERSONAL_DAYS = 30
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "MOST_BATCHES", 2)
    old = Payment.objects.values("organization_id", "connector_id", "snapshot_id", "currency", "hold_minor").get()
    for _number in range(4):
        Payment.objects.create(**old, state="expired", email="a@example.org")
    clock.advance(timedelta(days=31))
    assert [services.prune_contacts() for _night in range(3)] == [4, 1, 0]
