"""Every event of a payment's whole life, shuffled, repeated, days late: the rows end where the provider is."""

import json
import random

import pytest

from billing import services as billing
from billing.models import Dispute, Payout, Receipt, Refund, WebhookEvent
from billing.services import ledger
from billing.vocabulary import DisputeState, LedgerAccount, PaymentState, RefundState
from evcms.simulator.provider.resources.balance import book
from tests.billing.conftest import KWH, later, paid, work
from tests.billing.test_payouts import empty_balance
from tests.billing.test_webhooks import post

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["empty_balance"]


@pytest.mark.parametrize("seed", range(5))
def test_any_order_any_repetition_days_late_ends_in_the_same_rows(
    provider, tariff, connector, car, client, organization, seed
):
    chance = random.Random(seed)
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    payment.refresh_from_db()
    provider.api.refunds.create({"payment_intent": payment.intent_id, "amount": 90})
    dispute = provider.control("disputes", charge=payment.charge_id, amount=500)["id"]
    provider.control(f"disputes/{dispute}/close", status=chance.choice(("won", "lost")))
    provider.double.effect(lambda call: book(call, kind="charge", amount=9000, currency="eur", source="ch_others"))
    payout = provider.control("payouts", currency="eur")["id"] if chance.random() < 0.5 else None
    names = [name for name in (payment.public_id, payment.intent_id, dispute, payout) if name]
    told = [event.to_dict() for event in provider.events()]
    mine = [event for event in told if any(name in json.dumps(event) for name in names)]
    late = mine * chance.choice((1, 2, 3))
    chance.shuffle(late)
    for event in late:
        if chance.random() < 0.1:
            later(days=1)
        assert post(client, event).status_code == 200
        if chance.random() < 0.3:
            billing.apply_webhooks()
    billing.apply_webhooks()
    billing.read_books()
    assert not WebhookEvent.objects.filter(applied_at=None).exists()
    payment.refresh_from_db()
    kept = provider.api.disputes.retrieve(dispute).status
    lost = 500 if kept == "lost" else 0
    assert (payment.state, payment.captured_minor, payment.refunded_minor) == (PaymentState.CAPTURED, 1090, 90)
    assert (Refund.objects.get().state, Receipt.objects.count()) == (RefundState.DONE, 2)  # and its credit note
    assert (Dispute.objects.get().state, payment.disputed_minor) == (DisputeState(kept), lost)
    sums = {name: ledger.balance(name, organization_id=organization.pk) for name in LedgerAccount}
    assert sum(sums.values()) == 0
    assert (sums[LedgerAccount.DISPUTED], sums[LedgerAccount.WRITTEN_OFF]) == (0, lost)
    assert sums[LedgerAccount.FEES] == 41 + 2000
    at_provider = sums[LedgerAccount.CARD_CLEARING] + sums[LedgerAccount.BANK]
    assert at_provider == 1090 - 90 - lost - 41 - 2000
    assert not Payout.objects.exclude(difference_minor=0).exists()
