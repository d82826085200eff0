"""Money back: asked by people, done once, never more than was taken."""

import threading

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connections

from billing import services as billing
from billing.models import Refund
from billing.services import refunds
from billing.vocabulary import PaymentState, RefundState
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from tests.billing.conftest import KWH, later, paid, work
from tests.billing.test_crashes import killed_at
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def settled(provider, tariff, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    payment.refresh_from_db()
    assert payment.state == PaymentState.CAPTURED
    return payment


def given_back(provider, payment):
    return [refund.amount for refund in provider.api.refunds.list({"payment_intent": payment.intent_id}).data]


def keep_trying():
    for _ in range(8):
        later(minutes=2)
        billing.sweep()


@pytest.mark.parametrize("fault", ["drop_response_after_effect", "drop_before_effect"])
def test_a_refund_whose_answer_is_lost_is_given_once(provider, settled, owner, fault):
    billing.refund(payment=settled, amount_minor=400, reason="Late", access=owner)
    provider.fault(**{fault: 1, "match": "POST /v1/refunds"})
    keep_trying()
    settled.refresh_from_db()
    assert (settled.refunded_minor, given_back(provider, settled)) == (400, [400])


def test_a_provider_that_is_broken_for_a_while_gives_it_back_later(provider, settled, owner):
    billing.refund(payment=settled, amount_minor=400, reason="Late", access=owner)
    provider.fault(status=500, match="/v1/refunds", count=3)
    keep_trying()
    assert given_back(provider, settled) == [400]


@pytest.mark.parametrize("name", ["follow_refunds", "_follow_refund"])
def test_a_worker_that_dies_after_the_refund_does_not_give_it_twice(provider, settled, owner, monkeypatch, name):
    from billing.services import following
    from tests.billing.test_crashes import Killed

    billing.refund(payment=settled, reason="All of it", access=owner)
    killed_at(monkeypatch, following, name, after=False)
    with pytest.raises(Killed):
        billing.refund_due()
    keep_trying()
    settled.refresh_from_db()
    assert (settled.refunded_minor, given_back(provider, settled)) == (1090, [1090])


def test_a_disputed_charge_is_not_refunded_and_the_reason_is_shown(provider, settled, owner):
    provider.control("disputes", charge=settled.charge_id)
    row = billing.refund(payment=settled, amount_minor=400, reason="Late", access=owner)
    keep_trying()
    row.refresh_from_db()
    settled.refresh_from_db()
    assert (row.state, settled.refunded_minor) == (RefundState.FAILED, 0)
    assert "charged back" in row.error_text


@pytest.mark.postgres
def test_of_two_people_who_refund_everything_at_once_one_wins(provider, settled, organization):
    finance = [make_access(organization, Role.FINANCE) for _ in range(2)]
    outcomes, barrier = [], threading.Barrier(2)

    def ask(access):
        barrier.wait()
        try:
            billing.refund(payment=settled, reason="Mine", access=access)
            outcomes.append("asked")
        except ValidationError:
            outcomes.append("refused")
        connections.close_all()

    threads = [threading.Thread(target=ask, args=(access,)) for access in finance]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["asked", "refused"]
    work()
    assert given_back(provider, settled) == [1090]


def test_a_refund_made_at_the_provider_appears_here(provider, settled):
    provider.api.refunds.create({"payment_intent": settled.intent_id, "amount": 90})
    billing.refresh(payment=settled)
    settled.refresh_from_db()
    row = Refund.objects.get()
    assert (settled.refunded_minor, row.amount_minor, row.reason) == (90, 90, "made at the provider")
    assert refunds.refundable(settled) == 1000


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.TECHNICIAN, Role.VIEWER])
def test_only_finance_and_owners_refund(provider, settled, organization, role):
    with pytest.raises(PermissionDenied):
        billing.refund(payment=settled, reason="x", access=make_access(organization, role))
    with pytest.raises(PermissionDenied):
        billing.refund(payment=settled, reason="x")


def test_staff_refund_is_audited_as_such(provider, settled, rival):
    staff = make_access(rival).user
    with pytest.raises(PermissionDenied):
        billing.refund(payment=settled, reason="x", staff=staff)
    staff.is_staff = True
    staff.save()
    billing.refund(payment=settled, reason="Complaint 12", staff=staff)
    entry = AuditEntry.objects.get(action="payment.refund")
    assert entry.actor.endswith("(staff)")
    assert entry.detail["reason"] == "Complaint 12"


@pytest.mark.parametrize(("amount", "reason"), [(0, "x"), (-5, "x"), (1091, "x"), (10, "  ")])
def test_too_much_nothing_or_no_reason_is_refused(provider, settled, owner, amount, reason):
    with pytest.raises(ValidationError):
        billing.refund(payment=settled, amount_minor=amount, reason=reason, access=owner)
    assert not Refund.objects.exists()
