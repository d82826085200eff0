"""Debts and drivers on the operator's pages: who owes what, collected from a card, let go with a reason; audited."""

import pytest
from django.test import Client

from billing import services as billing
from billing.models import Debt
from billing.vocabulary import DebtState
from evcms.core import delivery
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from tests.billing.conftest import KWH
from tests.billing.saved import FAILS_LATER, a_driver, a_token, saves_card
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)


def goes_on():
    for _ in range(10):
        done = delivery.deliver_due() + billing.place_due() + billing.collect_due() + billing.capture_due()
        if not done:
            return


@pytest.fixture
def debt(provider, tariff, car, organization):
    driver = a_driver(organization)
    saves_card(provider, driver, FAILS_LATER)
    car.starts(token=a_token(driver).value)
    goes_on()
    car.ends(mwh=2 * KWH)
    goes_on()
    return Debt.objects.get()


def browser(access):
    client = Client()
    client.force_login(access.user)
    return client


def test_finance_sees_what_is_owed_and_why(debt, owner):
    page = browser(owner).get("/money/debts/").content.decode()
    assert "2.08 € is owed" in page
    assert "Dora" in page
    assert "failed" in page


def test_a_debt_is_let_go_with_a_reason_and_a_name(debt, owner):
    client = browser(owner)
    client.post(f"/money/debts/{debt.public_id}/waive/", {"reason": " "})
    debt.refresh_from_db()
    assert debt.state == DebtState.OPEN
    client.post(f"/money/debts/{debt.public_id}/waive/", {"reason": "the plug was broken"})
    debt.refresh_from_db()
    assert (debt.state, debt.bill.waived_by, debt.bill.waived_minor) == (DebtState.WAIVED, owner.user, 208)
    assert AuditEntry.objects.get(action="debt.waived").detail["reason"] == "the plug was broken"
    assert "the plug was broken" in client.get("/money/debts/?state=waived").content.decode()


def test_a_debt_is_collected_from_the_card_that_the_driver_has_saved_since(debt, owner, provider):
    saves_card(provider, debt.driver)
    browser(owner).post(f"/money/debts/{debt.public_id}/collect/")
    goes_on()
    debt.refresh_from_db()
    assert debt.state == DebtState.PAID
    assert AuditEntry.objects.get(action="debt.charged").user == owner.user


def test_who_may_not_touch_money_lets_nothing_go(debt, organization):
    operator = make_access(organization, role=Role.OPERATOR, email="operator@example.org")
    client = browser(operator)
    assert client.get("/money/debts/").status_code == 403
    assert client.post(f"/money/debts/{debt.public_id}/waive/", {"reason": "x"}).status_code == 403
    page = client.get(f"/drivers/{debt.driver_id}/").content.decode()
    assert "Visa •••• 0341" in page
    assert "2.08" not in page


def test_another_organization_finds_neither_debt_nor_driver(debt, rival):
    client = browser(make_access(rival))
    assert client.post(f"/money/debts/{debt.public_id}/waive/", {"reason": "x"}).status_code == 404
    assert client.get(f"/drivers/{debt.driver_id}/").status_code == 404
    assert "Dora" not in client.get("/drivers/").content.decode()


def test_a_driver_s_page_shows_cards_by_label_alone(debt, owner):
    client = browser(owner)
    page = client.get(f"/drivers/{debt.driver_id}/").content.decode()
    method = debt.driver.payment_methods.get()
    assert "Visa •••• 0341" in page
    assert method.method_id not in page
    assert method.customer_id not in page
    assert "04A1B2C3D4" in page
    assert "2.08 €" in page
    assert "Dora" in client.get("/drivers/?q=dor").content.decode()
    assert "Dora" not in client.get("/drivers/?q=nobody").content.decode()


def test_the_export_carries_the_list(debt, owner):
    answer = browser(owner).get("/money/debts/?state=all&export=csv")
    lines = answer.content.decode().splitlines()
    assert len(lines) == 2
    assert "2.08" in lines[1]
