"""The provider's books: every line matched, fees and payouts in the journal, what does not add up is shown."""

import pytest
from django.db.models import Sum

from billing import queries
from billing import services as billing
from billing.gateways import gateway
from billing.models import BalanceLine, Payment, Payout, PayoutShare
from billing.services import disputes, ledger, payouts
from billing.vocabulary import TRANSFERS, LedgerAccount, PayoutState
from evcms.core import clock
from evcms.simulator.provider.resources.balance import book
from tests.billing.conftest import later, work
from tests.billing.test_crashes import Killed, killed_at
from tests.billing.test_refunds import settled

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["settled"]
FEE = 41  # 1.5 % of 10.90 and 0.25


def balance(organization, account, currency="EUR"):
    return ledger.balance(account, organization_id=organization.pk, currency=currency)


def rewrite(provider, body):
    """The provider keeps something else than it did."""
    provider.double.effect(lambda call: call.save(body))


def net(organization):
    names = (LedgerAccount.CARD_CLEARING, LedgerAccount.FEES, LedgerAccount.BANK)
    return tuple(balance(organization, name) for name in names)


@pytest.fixture(autouse=True)
def empty_balance(provider):
    """What earlier tests left at the double is no money of this one."""

    def settle_all(call):
        for row in provider.double.store.select("balance_transaction", [("_payout", "IS", None)]):
            call.save(row | {"_payout": "po_of_earlier_tests"})
        return {}

    provider.double.effect(settle_all)


def test_a_charge_its_fee_and_its_payout_reach_the_bank_to_the_cent(provider, settled, organization):
    assert net(organization) == (1090, 0, 0)
    billing.read_books()
    settled.refresh_from_db()
    assert (settled.fee_minor, net(organization)) == (FEE, (1090 - FEE, FEE, 0))
    sent = provider.control("payouts", currency="eur")
    billing.read_books()
    row = Payout.objects.get(provider_id=sent["id"])
    assert (row.state, row.amount_minor, row.difference_minor) == (PayoutState.PAID, 1090 - FEE, 0)
    assert [line.payment for line in row.lines.all()] == [settled]
    assert net(organization) == (0, FEE, 1090 - FEE)


def test_refunds_and_disputes_are_lines_of_their_own_and_all_is_accounted_for(provider, settled, organization, owner):
    billing.refund(payment=settled, amount_minor=300, reason="Late", access=owner)
    work()
    found = provider.control("disputes", charge=settled.charge_id, amount=500)
    disputes.follow_dispute(claim=gateway().dispute(found["id"]))
    provider.control(f"disputes/{found['id']}/close", status="won")
    disputes.follow_dispute(claim=gateway().dispute(found["id"]))
    provider.double.effect(lambda call: book(call, kind="adjustment", amount=5000, currency="eur", source="ch_other"))
    sent = provider.control("payouts", currency="eur")
    billing.read_books()
    row = Payout.objects.get(provider_id=sent["id"])
    own = row.lines.exclude(organization=None)
    assert sorted(own.values_list("kind", flat=True)) == ["adjustment", "adjustment", "charge", "refund"]
    assert row.difference_minor == 0
    clearing, fees, bank = net(organization)
    assert (clearing, fees, bank) == (0, FEE + 2000, 1090 - 300 - FEE - 2000)
    assert bank == row.amount_minor - 5000


def test_reading_twice_and_in_pieces_posts_nothing_twice(provider, settled, organization):
    provider.control("payouts", currency="eur")
    for _ in range(3):
        billing.read_books()
    assert net(organization) == (0, FEE, 1090 - FEE)
    assert BalanceLine.objects.filter(payment=settled).count() == 1


def test_a_payout_that_the_bank_refuses_comes_back_and_goes_with_the_next(provider, settled, organization):
    first = provider.control("payouts", currency="eur")
    billing.read_books()
    provider.control(f"payouts/{first['id']}/fail")
    billing.read_books()
    row = Payout.objects.get(provider_id=first["id"])
    assert (row.state, row.lines.count(), row.difference_minor) == (PayoutState.FAILED, 0, 0)
    assert net(organization) == (1090 - FEE, FEE, 0)
    second = provider.control("payouts", currency="eur")
    billing.read_books()
    assert Payout.objects.get(provider_id=second["id"]).lines.get().payment == settled
    assert net(organization) == (0, FEE, 1090 - FEE)


def test_a_movement_of_nobody_is_a_leak_and_no_money_of_ours(provider, settled, organization):
    stranger = provider.api.payment_intents.create({
        "amount": 5000, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True,
        "allowed_payment_method_types": ["card"],
    })  # fmt: skip
    sent = provider.control("payouts", currency="eur")
    billing.read_books()
    row = Payout.objects.get(provider_id=sent["id"])
    lost = row.lines.get(organization=None)
    assert (lost.source_id, row.difference_minor) == (stranger.latest_charge, 0)
    assert net(organization) == (0, FEE, 1090 - FEE)


def test_a_payout_whose_lines_do_not_add_up_is_shown_with_its_difference(provider, settled, organization):
    sent = provider.control("payouts", currency="eur")
    billing.read_books()
    row = Payout.objects.get(provider_id=sent["id"])
    stored = provider.double.store.get(sent["id"])
    rewrite(provider, stored | {"amount": stored["amount"] + 7})
    payouts.follow_transfer(transfer=gateway().transfer(sent["id"]))
    row.refresh_from_db()
    payouts.check(payout=row)
    row.refresh_from_db()
    assert row.difference_minor == 7


def test_money_kept_in_another_currency_leaves_no_rest_in_either(provider, settled, organization):
    """10.90 EUR on the card, kept as 12.00 USD: the exchange account has both sides, clearing nothing in euros."""
    own = next(row for row in provider.double.store.select("balance_transaction") if row["source"] == settled.charge_id)
    changed = own | {"currency": "usd", "amount": 1200, "fee": 50, "net": 1150, "exchange_rate": 1.1009}
    rewrite(provider, changed)
    billing.read_books()
    settled.refresh_from_db()
    assert settled.fee_minor is None
    assert balance(organization, LedgerAccount.CARD_CLEARING) == 0
    assert balance(organization, LedgerAccount.CARD_CLEARING, "USD") == 1150
    assert balance(organization, LedgerAccount.FEES, "USD") == 50
    assert (balance(organization, LedgerAccount.EXCHANGE), balance(organization, LedgerAccount.EXCHANGE, "USD")) == (
        1090,
        -1200,
    )


def test_a_payouts_webhook_brings_its_lines(provider, settled, organization, client):
    from tests.billing.test_webhooks import post

    sent = provider.control("payouts", currency="eur")
    told = [event.to_dict() for event in provider.events() if event.data.object.id == sent["id"]]
    for event in reversed(told * 2):
        assert post(client, event).status_code == 200
    billing.apply_webhooks()
    assert billing.payouts_due() == 1
    assert Payout.objects.get(provider_id=sent["id"]).lines.get().payment == settled
    assert balance(organization, LedgerAccount.BANK) == 1090 - FEE


@pytest.mark.parametrize("name", ["_match", "_post", "follow_transfer", "check"])
def test_a_worker_that_dies_while_reading_posts_everything_once(provider, settled, organization, monkeypatch, name):
    provider.control("payouts", currency="eur")
    killed_at(monkeypatch, payouts, name)
    with pytest.raises(Killed):
        billing.read_books()
    later(hours=2)
    billing.read_books()
    assert net(organization) == (0, FEE, 1090 - FEE)


def test_more_than_one_page_is_read(provider, settled, organization, monkeypatch):
    from billing.gateways.stripe import payouts as part

    monkeypatch.setattr(part, "MOST", 1)
    provider.control("payouts", currency="eur")
    billing.read_books()
    assert BalanceLine.objects.count() >= 2
    assert net(organization) == (0, FEE, 1090 - FEE)


def test_without_an_answer_the_next_night_goes_on(provider, settled, organization):
    provider.fault(status=503, match="balance_transactions", count=1)
    assert billing.nightly_books() == 0
    assert billing.nightly_books() > 0
    assert balance(organization, LedgerAccount.FEES) == FEE


def lines_say(payout):
    rows = BalanceLine.objects.filter(payout=payout).exclude(kind__in=TRANSFERS).order_by()
    return sorted(rows.values_list("organization").annotate(Sum("net_minor"), Sum("fee_minor")), key=str)


def shares_say(payout):
    return sorted(payout.shares.values_list("organization", "net_minor", "fee_minor"), key=str)


def test_the_shares_of_a_payout_follow_its_lines_whatever_moves_them(provider, settled, organization, owner):
    provider.double.effect(lambda call: book(call, kind="adjustment", amount=5000, currency="eur", source="ch_other"))
    first = provider.control("payouts", currency="eur")
    billing.read_books()
    row = Payout.objects.get(provider_id=first["id"])
    assert shares_say(row) == lines_say(row) == [(organization.pk, 1090 - FEE, FEE), (None, 5000, 0)]
    assert queries.shares(owner, [row])[row.pk] == queries.Share(net=1090 - FEE + 5000, fees=FEE, lost=5000)
    provider.control(f"payouts/{first['id']}/fail")  # its lines go with the next
    second = provider.control("payouts", currency="eur")
    billing.read_books()
    both = Payout.objects.all()
    assert [shares_say(each) for each in both] == [lines_say(each) for each in both]
    assert shares_say(both.get(provider_id=second["id"]))
    Payout.objects.filter(pk=row.pk).update(due_at=clock.now())
    for each in both:
        PayoutShare.objects.filter(payout=each).update(net_minor=1)
    told = queries.shares(owner, both.all())
    assert told[both.get(provider_id=second["id"]).pk].net == 2  # the kept ones, both wrong now
    assert queries.shares(owner, [Payout.objects.get(pk=row.pk)]) == {}  # its lines are still read: they have none
    Payout.objects.update(due_at=None)
    billing.recount_shares()
    assert [shares_say(each) for each in both] == [lines_say(each) for each in both]


def test_a_line_that_finds_its_row_later_is_in_the_share_then(provider, settled, organization, owner):
    sent = provider.control("payouts", currency="eur")
    Payment.objects.filter(pk=settled.pk).update(charge_id="ch_unknown")
    billing.read_books()
    row = Payout.objects.get(provider_id=sent["id"])
    assert shares_say(row) == [(None, 1090 - FEE, FEE)]
    Payment.objects.filter(pk=settled.pk).update(charge_id=settled.charge_id)
    payouts.match_again()
    assert shares_say(row) == lines_say(row) == [(organization.pk, 1090 - FEE, FEE)]
    assert balance(organization, LedgerAccount.BANK) == 1090 - FEE
