"""A capture that failed may be tried again by a person; what a debt has brought meanwhile is never taken twice."""

import pytest

from billing import services as billing
from billing.models import Bill, Debt, Receipt
from billing.queries import proof as proofs
from billing.services import ledger, settlement
from billing.services.corrections import Resolution, resolve_bill
from billing.vocabulary import BillState, DebtState, LedgerAccount, PaymentState, Purpose
from evcms.core import clock
from tests.billing.conftest import KWH, later, paid, work
from tests.billing.test_collected import paid_by_page
from tests.billing.world import forget

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh(provider):
    forget(provider.double)


@pytest.fixture
def failed(provider, tariff, connector, car):
    """10.90 that the provider would not take; the hold still stands there, the driver owes the price."""
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=30)
    car.ends(20 * KWH)
    settlement.settle_session(session_id=car.session.pk)
    settlement.capture_failed(payment_id=payment.pk, code="no_answer", text="no answer for ten hours")
    payment.refresh_from_db()
    assert (payment.state, Debt.objects.get().amount_minor) == (PaymentState.FAILED, 1090)
    return payment


def state_of(payment, provider):
    payment.refresh_from_db()
    return payment.state, provider.intent(payment).status


def all_is_told(organization, payment):
    found = proofs.prove(organization=organization, since=payment.created_at, until=clock.now(), provider=True)
    assert found.leaks == ()
    assert found.exact, found.to_json()


def test_it_is_charged_the_second_time_and_the_debt_is_over(provider, failed, owner, organization):
    billing.retry(payment=failed, access=owner)
    work()
    assert state_of(failed, provider) == (PaymentState.CAPTURED, "succeeded")
    assert Debt.objects.get().state == DebtState.PAID
    assert Receipt.objects.get().total_minor == 1090
    all_is_told(organization, failed)


@pytest.mark.parametrize("amount", [1090, 400])
def test_once_the_driver_has_paid_by_the_link_the_hold_is_only_freed(provider, failed, owner, organization, amount):
    paid_by_page(provider, purpose=Purpose.DEBT, amount=amount, organization=organization, debt=Debt.objects.get())
    billing.retry(payment=failed, access=owner)
    work()
    assert state_of(failed, provider) == (PaymentState.RELEASED, "canceled")
    assert ledger.balance(LedgerAccount.RECEIVABLE) == 1090 - amount
    for receipt in Receipt.objects.all():
        assert (receipt.document["paid"], receipt.document["open"]) == (1090, 0)
    all_is_told(organization, failed)


def test_what_was_let_go_is_not_charged_either(provider, failed, owner):
    billing.waive(debt=Debt.objects.get(), reason="our fault", access=owner)
    billing.retry(payment=failed, access=owner)
    work()
    assert state_of(failed, provider) == (PaymentState.RELEASED, "canceled")


def test_both_at_the_same_moment_wait_for_a_person_and_what_is_too_much_goes_back(
    provider, failed, owner, organization
):
    debt = Debt.objects.get()
    billing.retry(payment=failed, access=owner)
    paid_by_page(provider, purpose=Purpose.DEBT, amount=1090, organization=organization, debt=debt)
    work()
    assert state_of(failed, provider) == (PaymentState.CAPTURED, "succeeded")
    bill = Bill.objects.get()
    assert (bill.state, bill.reason) == (BillState.REVIEW, "more was captured than the price")
    assert Receipt.objects.get().total_minor == 1090
    resolve_bill(bill=bill, resolution=Resolution.ACCEPT, reason="paid twice", access=owner)
    work()
    assert ledger.balance(LedgerAccount.RECEIVABLE) == 0
    assert Receipt.objects.count() == 1
    all_is_told(organization, failed)
