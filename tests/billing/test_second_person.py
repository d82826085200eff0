"""Refunds above a limit need a second person; of two decisions one counts."""

import threading

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connections

from billing import services as billing
from billing.models import BillingSettings, Refund
from billing.services import refunds
from billing.vocabulary import RefundState
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from tests.billing.conftest import work
from tests.billing.test_refunds import given_back, settled
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["settled"]


@pytest.fixture
def limit(organization):
    return BillingSettings.objects.create(organization=organization, refund_limit_minor=500)


@pytest.fixture
def asker(organization):
    return make_access(organization, Role.FINANCE, email="asker@example.org")


@pytest.fixture
def other(organization):
    return make_access(organization, Role.FINANCE, email="other@example.org")


def test_a_large_refund_waits_and_is_given_when_somebody_else_approves(provider, settled, limit, asker, other, facts):
    row = billing.refund(payment=settled, amount_minor=800, reason="Broken cable", access=asker)
    work()
    assert (row.state, given_back(provider, settled)) == (RefundState.WAITING, [])
    assert facts("RefundWaiting") == [{"refund_id": row.pk}]
    billing.decide_refund(refund=row, approve=True, access=other)
    work()
    row.refresh_from_db()
    settled.refresh_from_db()
    assert (row.state, row.decided_by, settled.refunded_minor) == (RefundState.DONE, other.user, 800)
    assert given_back(provider, settled) == [800]
    assert AuditEntry.objects.get(action="refund.approved").detail["asked_by"] == "asker@example.org"


def test_what_waits_is_set_aside_so_that_nobody_gives_it_twice(provider, settled, limit, asker, other):
    billing.refund(payment=settled, amount_minor=1000, reason="All", access=asker)
    assert refunds.refundable(settled) == 90
    with pytest.raises(ValidationError, match="at most"):
        billing.refund(payment=settled, amount_minor=100, reason="Mine too", access=other)


def test_who_asks_cannot_approve_but_may_take_it_back(provider, settled, limit, asker):
    row = billing.refund(payment=settled, amount_minor=800, reason="x", access=asker)
    with pytest.raises(ValidationError, match="somebody else"):
        billing.decide_refund(refund=row, approve=True, access=asker)
    billing.decide_refund(refund=row, approve=False, access=asker)
    row.refresh_from_db()
    work()
    assert (row.state, given_back(provider, settled)) == (RefundState.REJECTED, [])
    assert refunds.refundable(settled) == 1090


def test_many_small_refunds_of_one_payment_count_as_the_large_one_they_are(provider, settled, limit, asker):
    first = billing.refund(payment=settled, amount_minor=300, reason="x", access=asker)
    second = billing.refund(payment=settled, amount_minor=300, reason="x", access=asker)
    assert (first.state, second.state) == (RefundState.REQUESTED, RefundState.WAITING)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.TECHNICIAN, Role.VIEWER])
def test_who_may_not_touch_money_decides_nothing(provider, settled, limit, asker, organization, role):
    row = billing.refund(payment=settled, amount_minor=800, reason="x", access=asker)
    with pytest.raises(PermissionDenied):
        billing.decide_refund(refund=row, approve=True, access=make_access(organization, role))


def test_a_member_of_another_organization_decides_nothing(provider, settled, limit, asker, rival):
    row = billing.refund(payment=settled, amount_minor=800, reason="x", access=asker)
    with pytest.raises(PermissionDenied):
        billing.decide_refund(refund=row, approve=True, access=make_access(rival, Role.OWNER))


@pytest.mark.postgres
def test_of_two_who_decide_at_once_one_wins(provider, settled, limit, asker, other, organization):
    row = billing.refund(payment=settled, amount_minor=800, reason="x", access=asker)
    third = make_access(organization, Role.FINANCE, email="third@example.org")
    outcomes, barrier = [], threading.Barrier(2)

    def decide(access, approve):
        barrier.wait()
        try:
            billing.decide_refund(refund=row, approve=approve, access=access)
            outcomes.append(approve)
        except ValidationError:
            outcomes.append("late")
        connections.close_all()

    threads = [threading.Thread(target=decide, args=each) for each in ((other, True), (third, False))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    work()
    assert outcomes.count("late") == 1
    assert given_back(provider, settled) == ([800] if True in outcomes else [])


def test_an_owner_switches_the_second_person_off_and_it_is_logged(provider, settled, organization, owner, asker):
    billing.edit_rules(
        access=owner, second_person=False, refund_limit_minor=500, refuse_unfunded=False, most_debt_minor=0
    )
    row = billing.refund(payment=settled, amount_minor=1090, reason="x", access=asker)
    assert row.state == RefundState.REQUESTED
    assert AuditEntry.objects.get(action="money_rules.edited").detail == {
        "second_person": [True, False],
        "refund_limit_minor": [5000, 500],
    }


def test_finance_cannot_change_the_rules_that_bind_it(organization, asker):
    with pytest.raises(PermissionDenied):
        billing.edit_rules(
            access=asker, second_person=False, refund_limit_minor=1, refuse_unfunded=False, most_debt_minor=0
        )
    assert not BillingSettings.objects.exists()


def test_a_payment_that_a_bank_took_back_is_not_refunded_even_when_it_was_asked_before(
    provider, settled, limit, asker, other
):
    row = billing.refund(payment=settled, amount_minor=800, reason="x", access=asker)
    provider.control("disputes", charge=settled.charge_id)
    dispute = provider.api.disputes.list({"charge": settled.charge_id}).data[0]
    from billing.gateways import gateway
    from billing.services import disputes

    disputes.follow_dispute(claim=gateway().dispute(dispute.id))
    for act in (
        lambda: billing.decide_refund(refund=row, approve=True, access=other),
        lambda: billing.refund(payment=settled, amount_minor=10, reason="y", access=asker),
    ):
        with pytest.raises(ValidationError, match="bank has taken"):
            act()
    work()
    assert given_back(provider, settled) == []
    assert Refund.objects.get().state == RefundState.WAITING
