"""Finance opens accounts, lets people draw on them, makes vouchers; others may not."""

from datetime import timedelta

import pytest

from billing.models import Account, FundingRule, Voucher
from billing.queries import way_of
from evcms.core import clock
from evcms.core.access import Role
from sessions.models import Driver, DriverGroup
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def finance(client, organization):
    client.force_login(make_access(organization, Role.FINANCE).user)
    return client


def opened(client, **fields):
    data = {"kind": "prepaid", "name": "Kiosk cards", "language": "en", "payment_days": "14"} | fields
    return client.post("/payers/new/", data)


def test_a_balance_is_opened_filled_and_says_what_moved_it(finance):
    answer = opened(finance)
    account = Account.objects.get()
    assert answer.url == f"/payers/{account.public_id}/"
    page = finance.get(answer.url)
    key = page.context["adjust"].initial["key"]
    said = {"direction": "put", "amount": "25,50", "reason": "at the kiosk", "key": key}
    for _twice in range(2):
        finance.post(f"{answer.url}adjust/", said)
    page = finance.get(answer.url).text
    assert "25.50 € on the balance" in page
    assert page.count("at the kiosk") == 1
    assert "25.50 €" in finance.get("/payers/").text


def test_more_than_there_is_cannot_be_taken_off(finance):
    answer = opened(finance)
    said = {"direction": "take", "amount": "1", "reason": "oops", "key": "k"}
    refused = finance.post(f"{answer.url}adjust/", said)
    assert refused.status_code == 422
    assert "At most" in refused.text


def test_a_group_draws_on_a_fleet_and_stops_doing_so(finance, organization):
    group = DriverGroup.objects.create(organization=organization, name="Taxis")
    answer = opened(finance, kind="fleet", legal_name="Taxi B.V.")
    assert finance.post(f"{answer.url}draw/", {"group": group.pk}).status_code == 302
    assert "Taxis" in finance.get(answer.url).text
    rule = FundingRule.objects.get()
    driver = Driver.objects.create(organization=organization, name="Anna", group=group)
    assert way_of(driver) == Account.objects.get().name
    finance.post(f"{answer.url}draw/{rule.pk}/end/")
    assert not FundingRule.objects.exists()
    nobody = finance.post(f"{answer.url}draw/", {})
    assert nobody.status_code == 422
    assert "Choose one" in nobody.text


def test_what_is_missing_is_said_beside_its_field(finance):
    refused = opened(finance, kind="fleet")
    assert refused.status_code == 422
    assert refused.context["form"].errors.keys() == {"legal_name"}
    assert opened(finance, kind="free").context["form"].errors.keys() == {"reason"}
    assert "VAT" in opened(finance, vat_id="NL1").text
    assert not Account.objects.exists()


def test_vouchers_are_made_printed_and_voided(finance):
    assert finance.post("/vouchers/new/", {"count": "3", "value": "10", "label": "Open day"}).status_code == 302
    assert Voucher.objects.count() == 3
    voucher = Voucher.objects.first()
    assert voucher.spelled in finance.get("/vouchers/").text
    assert finance.get("/vouchers/?print=1").text.count("Open day") >= 3
    finance.post(f"/vouchers/{voucher.pk}/void/")
    assert finance.get("/vouchers/?state=void").text.count(voucher.spelled) == 1
    assert voucher.spelled not in finance.get("/vouchers/?state=usable").text
    refused = finance.post("/vouchers/new/", {"count": "0", "value": "0"})
    assert refused.status_code == 422


def test_a_voucher_is_shown_valid_until_the_last_day_that_counts(finance):
    day = (clock.now() + timedelta(days=40)).date()
    finance.post("/vouchers/new/", {"count": "1", "value": "10", "valid_until": day.isoformat()})
    text = finance.get("/vouchers/").text
    assert f"until {day.day} {day:%b}" in text
    assert "23:59" in text


def test_lists_are_taken_away_as_files(finance):
    opened(finance)
    assert finance.get("/payers/?export=csv").text.splitlines()[1].startswith("Kiosk cards,prepaid,EUR,0")
    finance.post("/vouchers/new/", {"count": "2", "value": "10"})
    assert len(finance.get("/vouchers/?export=csv").text.splitlines()) == 3


def test_a_new_account_asks_only_for_what_its_kind_needs(finance):
    free = finance.get("/payers/new/?kind=free").context["form"].fields
    assert set(free) == {"kind", "name", "reason"}
    assert "reason" not in finance.get("/payers/new/?kind=fleet").context["form"].fields


def test_operators_see_no_accounts(client, organization):
    client.force_login(make_access(organization, Role.OPERATOR).user)
    assert [client.get(path).status_code for path in ("/payers/", "/vouchers/", "/payers/new/")] == [403] * 3
