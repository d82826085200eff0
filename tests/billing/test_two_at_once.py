"""Two workers do the same thing at the same moment: it happens once. Also on PostgreSQL, where they really overlap."""

import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import connections

from billing import services as billing
from billing.gateways import gateway
from billing.models import Account, Bill, Dispute, Payment, Receipt, Refund, Statement, WebhookEvent
from billing.queries import proof as proofs
from billing.services import accounts, disputes, ledger, settlement, statements
from billing.vocabulary import BillState, FundingSource, LedgerAccount, PaymentState
from evcms.core import clock, delivery
from sessions import services as sessions
from sessions.models import ChargingSession
from tests.billing.conftest import KWH, Car, checkout, later, paid, work
from tests.billing.test_refunds import given_back, settled
from tests.billing.test_statements import ZONE, go_to
from tests.billing.test_webhooks import deliver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
__all__ = ["settled"]


def together(*functions):
    errors, barrier = [], threading.Barrier(len(functions))

    def run(function):
        barrier.wait()
        try:
            function()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def is_proven(organization):
    later(hours=2)
    now = clock.now()
    proof = proofs.prove(organization=organization, since=now.replace(year=now.year - 1), until=now)
    assert proof.leaks == ()
    assert proof.exact


def charging(provider, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    delivery.deliver_due()
    later(minutes=40)
    car.ends(20 * KWH)
    return payment


def test_a_session_that_two_workers_settle_and_capture_is_charged_once(provider, tariff, connector, car, organization):
    payment = charging(provider, connector, car)
    session_id = ChargingSession.objects.get().pk
    together(*[lambda: settlement.settle_session(session_id=session_id)] * 3)
    assert Bill.objects.get().state == BillState.DUE
    together(*[billing.capture_due] * 3)
    work()
    payment.refresh_from_db()
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, 1090)
    assert provider.intent(payment).amount_received == 1090
    assert Receipt.objects.count() == 1
    assert payment.events.filter(kind="captured").count() == 1
    is_proven(organization)


def test_a_refund_that_two_workers_carry_out_is_given_once(provider, settled, owner, organization):
    billing.refund(payment=settled, amount_minor=300, reason="Late", access=owner)
    together(*[billing.refund_due] * 3)
    work()
    settled.refresh_from_db()
    assert (given_back(provider, settled), settled.refunded_minor) == ([300], 300)
    is_proven(organization)


def test_refunds_of_two_people_never_sum_to_more_than_was_charged(provider, settled, owner, organization):
    refusals = []

    def asks(amount):
        try:
            billing.refund(payment=settled, amount_minor=amount, reason="Late", access=owner)
        except ValidationError as error:
            refusals.append(error)

    together(*[lambda: asks(700)] * 3)
    assert (Refund.objects.count(), len(refusals)) == (1, 2)
    work()
    assert given_back(provider, settled) == [700]
    is_proven(organization)


def test_webhooks_that_two_workers_apply_start_one_session(provider, tariff, connector, client):
    payment = checkout(connector)
    provider.pays(payment)
    deliver(client, provider, payment, times=2)
    together(*[billing.apply_webhooks] * 3, lambda: billing.refresh(payment=payment))
    later(minutes=2)
    billing.apply_webhooks()
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED
    assert payment.attempt.station.commands.filter(kind="StartCharging").count() == 1
    assert not WebhookEvent.objects.filter(applied_at=None).exists()


def test_two_phones_that_pay_for_one_plug_in_the_same_moment_start_one_session(provider, tariff, connector, linked):
    payments = [checkout(connector), checkout(connector)]
    for payment in payments:
        provider.pays(payment)
    together(*[lambda payment=payment: billing.refresh(payment=payment) for payment in payments])
    work()
    states = sorted(Payment.objects.values_list("state", flat=True))
    assert states == [PaymentState.AUTHORIZED, PaymentState.RELEASED]
    assert linked.commands.filter(kind="StartCharging").count() == 1
    assert sorted(provider.intent(payment).status for payment in payments) == ["canceled", "requires_capture"]


def on_account(owner, kind, number=1, cards=1, **more):
    """An account of a purse or a fleet, and the cards that draw on it."""
    account = accounts.open_account(access=owner, kind=kind, name=f"{kind} {number}", **more)
    values = [f"04C0FFEE{number}{card}" for card in range(cards)]
    for value in values:
        token = sessions.create_token(access=owner, value=value)
        accounts.set_funding(access=owner, source=FundingSource(kind), token=token, account=account)
    return account, values


def test_two_sessions_that_begin_and_end_at_once_never_spend_a_balance_twice(owner, tariff, linked, organization):
    account, (one, other) = on_account(owner, "prepaid", cards=2)
    accounts.adjust(access=owner, account=account, amount_minor=4000, reason="cash", key="1")
    cars = [Car(linked, 1), Car(linked, 2)]
    cars[0].starts(token=one)
    together(lambda: cars[1].starts(token=other), billing.capture_due)
    account.refresh_from_db()
    assert account.held_minor == 4000  # the hold of 30.00, and the 10.00 that were left
    later(minutes=240)
    together(*[lambda car=car: car.ends(60 * KWH) for car in cars])
    together(delivery.deliver_due, delivery.deliver_due, billing.sweep)
    later(minutes=2)
    work()
    account.refresh_from_db()
    taken = sum(Payment.objects.values_list("captured_minor", flat=True))
    assert taken == 4000 - account.balance_minor
    assert (account.balance_minor, account.held_minor) == (0, 0)  # each cost 30.50
    assert ledger.balance(LedgerAccount.PREPAID) == 0
    assert ledger.balance(LedgerAccount.RECEIVABLE) == 2 * 3050 - 4000
    is_proven(organization)


def test_statements_that_two_workers_issue_are_one_a_fleet_with_numbers_without_gaps(owner, tariff, linked):
    for number in range(1, 5):
        _fleet, (card,) = on_account(owner, "fleet", number=number, legal_name=f"Vans {number} B.V.")
        car = Car(linked)
        car.starts(token=card)
        later(minutes=30)
        car.ends(10 * KWH)
        work()
    assert Bill.objects.filter(state=BillState.INVOICED).count() == 4
    go_to(statements.month_of(clock.now(), ZONE)[1])
    together(*[billing.issue_statements] * 3)
    rows = Statement.objects.order_by("sequence")
    assert [row.sequence for row in rows] == [1, 2, 3, 4]
    assert {row.account_id for row in rows} == set(Account.objects.values_list("pk", flat=True))
    assert not Bill.objects.filter(statement=None).exists()


def test_a_dispute_that_two_workers_hear_of_is_one_and_moves_the_money_once(provider, settled, organization):
    name = provider.control("disputes", charge=settled.charge_id)["id"]
    claim = gateway().dispute(name)
    together(*[lambda: disputes.follow_dispute(claim=claim)] * 3)
    settled.refresh_from_db()
    assert Dispute.objects.count() == 1
    assert settled.disputed_minor == 1090
    assert ledger.balance(LedgerAccount.DISPUTED) == 1090
    assert settled.events.filter(kind="disputed").count() == 1
    is_proven(organization)
