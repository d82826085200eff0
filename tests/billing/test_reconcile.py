"""Every webhook lost: reading the period again brings every row to where it would be."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from billing import services as billing
from billing.models import Dispute, Payment, Payout, Refund
from billing.services import ledger, renewals
from billing.services.reconcile import reconcile
from billing.vocabulary import DisputeState, LedgerAccount, PaymentState, RefundState
from evcms.core import clock, delivery
from tests.billing.conftest import KWH, checkout, later, paid, work
from tests.billing.saved import a_driver, a_token, payment_of, saves_card
from tests.billing.test_crashes import Killed, killed_at
from tests.billing.test_hold_life import days, near_the_end
from tests.billing.test_payouts import empty_balance
from tests.billing.test_refunds import settled

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["days", "empty_balance", "settled"]


def heal():
    """A time-span that holds what this test did, by the provider's clock."""
    return reconcile(since=clock.now() - timedelta(days=30), until=clock.now() + timedelta(days=30))


def test_a_hold_that_nobody_told_of_starts_its_session(provider, tariff, connector):
    payment = checkout(connector)
    provider.pays(payment)
    done = heal()
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED
    assert any(payment.public_id in change for change in done.changes)
    assert not any(payment.public_id in change for change in heal().changes)


def test_a_capture_a_refund_a_dispute_and_a_payout_that_nobody_told_of_are_found(
    provider, tariff, connector, car, organization
):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    delivery.deliver_due()
    provider.fault(drop_response_after_effect=1, match="/capture")
    billing.capture_due()
    provider.api.refunds.create({"payment_intent": payment.intent_id, "amount": 90})
    found = provider.control("disputes", charge=provider.intent(payment).latest_charge.id, amount=500)
    provider.control(f"disputes/{found['id']}/close", status="won")
    heal()
    payment.refresh_from_db()
    assert (payment.state, payment.captured_minor, payment.refunded_minor) == (PaymentState.CAPTURED, 1090, 90)
    assert Refund.objects.get().state == RefundState.DONE
    assert Dispute.objects.get().state == DisputeState.WON
    heal()
    assert ledger.balance(LedgerAccount.DISPUTED, organization_id=organization.pk) == 0


def test_a_payout_of_the_period_is_read_with_its_lines(provider, settled):
    sent = provider.control("payouts", currency="eur")
    heal()
    assert Payout.objects.get(provider_id=sent["id"]).lines.get().payment == settled


def test_an_old_hold_that_a_dead_worker_left_is_freed(
    provider, tariff, connector, car, organization, days, monkeypatch
):
    driver = a_driver(organization)
    saves_card(provider, driver)
    car.starts(token=a_token(driver).value)
    delivery.deliver_due()
    billing.place_due()
    payment = payment_of(car.session)
    old = payment.intent_id
    near_the_end(payment, days)
    killed_at(monkeypatch, renewals, "_free", after=False)
    with pytest.raises(Killed):
        billing.sweep()
    assert provider.api.payment_intents.retrieve(old).status == "requires_capture"
    done = heal()
    assert provider.api.payment_intents.retrieve(old).status == "canceled"
    assert any("was left, freed" in change for change in done.changes)
    payment.refresh_from_db()
    assert provider.intent(payment).status == "requires_capture"


def test_a_charge_of_ours_without_a_row_is_told(provider, settled):
    public_id, pk = settled.public_id, settled.pk
    Payment.objects.filter(pk=pk).update(public_id="somebody-else")
    assert any(f"payment {public_id}: the provider has" in change for change in heal().changes)


def test_the_command_says_what_it_did(provider, settled):
    out = StringIO()
    call_command("reconcile", stdout=out)
    assert "rows were not as the provider has them." in out.getvalue()
    with pytest.raises(CommandError, match="before the first"):
        call_command("reconcile", "--from", "2026-02-02", "--to", "2026-02-01")


def test_without_a_provider_the_command_says_so(db, settings):
    settings.PAYMENTS_ON = False
    with pytest.raises(CommandError, match="No payment provider"):
        call_command("reconcile")


def test_work_goes_on_after_it(provider, tariff, connector, car):
    payment = paid(provider, connector)
    heal()
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    heal()
    payment.refresh_from_db()
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, 1090)


def test_every_night_the_last_days_are_read_again(provider, tariff, connector):
    payment = checkout(connector)
    provider.pays(payment)
    assert billing.reconcile_lately() >= 1
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED


def test_a_provider_that_does_not_answer_is_asked_the_next_night(provider):
    provider.fault(drop_before_effect=50)
    assert billing.reconcile_lately() == 0
