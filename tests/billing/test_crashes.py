"""Killed at any line, or unheard by the provider: nothing is charged twice, no hold stays open, no receipt is
missing.
"""

import pytest

from billing import services as billing
from billing.gateways.stripe import StripeGateway
from billing.models import Bill, Payment, Receipt
from billing.services import following, numbering, payments, settlement, webhooks
from billing.vocabulary import BillState, PaymentState
from evcms.core import delivery
from evcms.core.models import Delivery
from tests.billing.conftest import KWH, checkout, later, paid, work
from tests.billing.test_webhooks import deliver

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """As a SIGKILL: nobody catches it."""


def killed_at(monkeypatch, module, name, after=True):
    """The next call of `name` ends the process, after (or before) it did its work."""
    real = getattr(module, name)

    def dies(*args, **kwargs):
        monkeypatch.setattr(module, name, real)
        if after:
            real(*args, **kwargs)
        raise Killed

    monkeypatch.setattr(module, name, dies)


def charged(provider, connector, car, kwh=20):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    delivery.deliver_due()
    later(minutes=40)
    car.ends(kwh * KWH)
    delivery.deliver_due()
    payment.refresh_from_db()
    return payment


def sweep_until_quiet():
    for _ in range(8):
        later(minutes=2)
        delivery.deliver_due()
        billing.sweep()


def assert_charged_once(provider, payment, amount=1090):
    payment.refresh_from_db()
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, amount)
    intent = provider.intent(payment)
    assert (intent.status, intent.amount_received, intent.amount_capturable) == ("succeeded", amount, 0)
    assert Receipt.objects.filter(payment=payment).count() == 1
    assert Bill.objects.get(session=payment.session).state == BillState.PAID


CAPTURE_DEATHS = [
    (StripeGateway, "capture", False),
    (StripeGateway, "capture", True),
    (settlement, "capture_seen", False),
    (settlement, "captured", False),
    (numbering, "document", True),
    (settlement, "captured", True),
]


@pytest.mark.parametrize(("module", "name", "after"), CAPTURE_DEATHS)
def test_a_worker_that_dies_while_capturing_charges_once(
    provider, tariff, connector, car, monkeypatch, module, name, after
):
    payment = charged(provider, connector, car)
    assert payment.state == PaymentState.CAPTURING
    killed_at(monkeypatch, module, name, after)
    with pytest.raises(Killed):
        billing.capture_due()
    sweep_until_quiet()
    assert_charged_once(provider, payment)
    assert Receipt.objects.get(payment=payment).sequence == 1


@pytest.mark.parametrize("fault", ["drop_response_after_effect", "drop_before_effect"])
def test_a_capture_whose_answer_is_lost_is_read_back_before_it_is_tried_again(provider, tariff, connector, car, fault):
    payment = charged(provider, connector, car)
    provider.fault(**{fault: 1, "match": "/capture"})
    billing.capture_due()
    payment.refresh_from_db()
    assert payment.state == PaymentState.CAPTURING
    sweep_until_quiet()
    assert_charged_once(provider, payment)


def test_a_provider_that_is_broken_for_a_while_is_asked_again_later(provider, tariff, connector, car):
    payment = charged(provider, connector, car)
    provider.fault(status=500, match="/capture", count=3)
    sweep_until_quiet()
    assert_charged_once(provider, payment)


def test_a_capture_that_the_provider_refuses_for_good_is_a_failed_payment_and_a_debt(
    provider, tariff, connector, car, facts
):
    payment = charged(provider, connector, car)
    provider.control(f"holds/{payment.intent_id}/expire")
    sweep_until_quiet()
    payment.refresh_from_db()
    bill = Bill.objects.get(session=payment.session)
    assert (payment.state, payment.error_code) == (PaymentState.FAILED, "hold_lost")
    assert (bill.state, bill.shortfall_minor, bill.reason) == (BillState.UNPAID, 1090, "capture failed: hold_lost")
    assert facts("PaymentFailed") == [{"payment_id": payment.pk, "code": "hold_lost"}]


RELEASE_DEATHS = [(StripeGateway, "cancel", False), (StripeGateway, "cancel", True), (payments, "released", False)]


@pytest.mark.parametrize(("module", "name", "after"), RELEASE_DEATHS)
def test_a_worker_that_dies_while_releasing_leaves_no_hold_open(
    provider, tariff, connector, car, monkeypatch, module, name, after
):
    payment = paid(provider, connector)
    car.answers_start(payment.attempt, accepted=False)
    delivery.deliver_due()
    killed_at(monkeypatch, module, name, after)
    with pytest.raises(Killed):
        billing.capture_due()
    sweep_until_quiet()
    payment.refresh_from_db()
    assert payment.state == PaymentState.RELEASED
    assert provider.intent(payment).status == "canceled"


START_DEATHS = [
    (StripeGateway, "create_checkout", True),
    (payments, "_page_opened", False),
]


@pytest.mark.parametrize(("module", "name", "after"), START_DEATHS)
def test_a_web_process_that_dies_while_opening_the_page_leaves_nothing_behind(
    provider, tariff, connector, monkeypatch, module, name, after
):
    payment = billing.open_payment(connector=connector)
    killed_at(monkeypatch, module, name, after)
    with pytest.raises(Killed):
        billing.start_checkout(payment=payment)
    later(minutes=40)
    billing.sweep()
    payment.refresh_from_db()
    assert payment.state == PaymentState.EXPIRED


AUTHORIZE_DEATHS = [
    (payments, "payment_authorized", False),
    (payments, "start", True),
    (following, "catch_up", True),
]


@pytest.mark.parametrize(("module", "name", "after"), AUTHORIZE_DEATHS)
def test_a_death_between_the_hold_and_the_start_is_made_good_by_the_webhook(
    provider, tariff, connector, car, monkeypatch, client, module, name, after
):
    payment = checkout(connector)
    provider.pays(payment)
    deliver(client, provider, payment)
    killed_at(monkeypatch, module, name, after)
    with pytest.raises(Killed):
        webhooks.apply_webhooks()
    later(minutes=2)
    billing.sweep()
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED
    assert Payment.objects.filter(attempt__isnull=False).count() == 1
    assert payment.attempt.station.commands.filter(kind="StartCharging").count() == 1


def test_a_lost_end_of_session_delivery_is_found_by_the_sweep(provider, tariff, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    Delivery.objects.all().delete()
    sweep_until_quiet()
    assert_charged_once(provider, payment)


def test_a_parked_car_whose_hold_ends_is_stopped_and_then_captured_before_the_hold_is_gone(
    provider, tariff, connector, car
):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    work()
    later(minutes=40)
    car.draws(20 * KWH)
    later(days=6, hours=14)
    billing.sweep()
    assert payment.events.filter(kind="hold_ends").count() == 1
    later(hours=8)
    billing.sweep()
    billing.sweep()
    work()
    payment.refresh_from_db()
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, 1090)
    car.ends(0)
    work()
    assert Bill.objects.get(session=car.session).state == BillState.PAID
