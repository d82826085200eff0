"""Cards on file: saved on the provider's page, the usual one, forgotten; any order, any repetition."""

import pytest
from django.core.exceptions import ValidationError

from billing import services as billing
from billing.errors import PaymentError
from billing.models import CardSetup, Enrolment, FundingRule, PaymentMethod
from billing.services import accounts, cards, webhooks
from billing.vocabulary import EnrolmentState, FundingSource, MethodState, SetupState
from evcms.core.models import AuditEntry
from sessions import services as sessions
from sessions.models import IdToken
from tests.billing.conftest import later, work
from tests.billing.saved import GOOD, a_driver, a_token, saves_card, tells

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def driver(organization):
    return a_driver(organization)


def test_a_driver_saves_a_card_on_the_provider_s_page_and_it_becomes_the_usual_one(provider, driver):
    method = saves_card(provider, driver)
    assert (method.card, method.state, method.is_default) == ("Visa •••• 4242", MethodState.ACTIVE, True)
    assert method.expires.isoformat() == "2099-12-31"
    kept = provider.api.payment_methods.retrieve(method.method_id)
    assert kept.customer == method.customer_id
    assert AuditEntry.objects.get(action="card.saved").actor == "dora@example.org (driver)"


def test_the_page_asks_for_a_card_that_may_be_charged_later_and_shows_no_amount(provider, driver):
    setup = cards.open_setup(driver=driver, language="nl")
    cards.start_setup(setup=setup)
    setup.refresh_from_db()
    page = provider.api.checkout.sessions.retrieve(setup.checkout_id, {"expand": ["setup_intent"]})
    assert (page.mode, page.setup_intent.usage, page.locale, page.amount_total) == ("setup", "off_session", "nl", None)


def test_the_same_setup_gets_the_same_page(provider, driver):
    setup = cards.open_setup(driver=driver)
    assert cards.start_setup(setup=setup) == cards.start_setup(setup=setup)


def test_a_second_card_belongs_to_the_same_customer_and_leaves_the_usual_one(provider, driver):
    first, second = saves_card(provider, driver), saves_card(provider, driver, "5555555555554444")
    assert first.customer_id == second.customer_id
    assert [first.is_default, second.is_default] == [True, False]
    cards.make_default(driver=driver, method=second)
    assert PaymentMethod.objects.get(is_default=True) == second


def test_a_card_that_the_driver_s_return_and_two_webhooks_tell_of_is_saved_once(provider, driver, client):
    method = saves_card(provider, driver)
    tells(client, provider, method.customer_id, times=2, reverse=True)
    assert PaymentMethod.objects.get() == method
    assert CardSetup.objects.get().state == SetupState.DONE


def test_a_driver_who_never_comes_back_has_his_card_by_webhook(provider, driver, client):
    setup = cards.open_setup(driver=driver)
    cards.start_setup(setup=setup)
    setup.refresh_from_db()
    provider.control(f"sessions/{setup.checkout_id}/pay", number=GOOD)
    tells(client, provider, setup.customer_id)
    assert PaymentMethod.objects.get(driver=driver).is_default


def test_a_lost_webhook_and_a_closed_browser_are_made_up_for_by_the_sweep(provider, driver):
    setup = cards.open_setup(driver=driver)
    cards.start_setup(setup=setup)
    setup.refresh_from_db()
    provider.control(f"sessions/{setup.checkout_id}/pay", number=GOOD)
    later(minutes=47)
    billing.sweep()
    assert PaymentMethod.objects.get(driver=driver).card == "Visa •••• 4242"


def test_a_page_that_nobody_finished_is_over(provider, driver):
    setup = cards.open_setup(driver=driver)
    cards.start_setup(setup=setup)
    setup.refresh_from_db()
    provider.api.checkout.sessions.expire(setup.checkout_id)
    cards.refresh(setup=setup)
    setup.refresh_from_db()
    assert setup.state == SetupState.EXPIRED
    with pytest.raises(PaymentError):
        cards.start_setup(setup=setup)


def test_a_removed_card_is_forgotten_by_the_provider_and_the_next_one_becomes_usual(provider, driver):
    first, second = saves_card(provider, driver), saves_card(provider, driver, "5555555555554444")
    cards.remove_card(driver=driver, method=first)
    assert provider.api.payment_methods.retrieve(first.method_id).customer is None
    first.refresh_from_db(), second.refresh_from_db()
    assert (first.state, first.error_code, second.is_default) == (MethodState.REMOVED, "", True)
    with pytest.raises(ValidationError):
        cards.make_default(driver=driver, method=first)


def test_a_provider_that_is_down_forgets_the_card_later(provider, driver):
    method = saves_card(provider, driver)
    provider.fault(match="/detach", status=500)
    cards.remove_card(driver=driver, method=method)
    method.refresh_from_db()
    assert (method.state, method.error_code) == (MethodState.REMOVED, cards.TO_FORGET)
    cards.sweep()
    assert provider.api.payment_methods.retrieve(method.method_id).customer is None


def test_a_card_taken_off_at_the_provider_starts_nothing_any_more(provider, driver, client):
    method = saves_card(provider, driver)
    provider.api.payment_methods.detach(method.method_id)
    tells(client, provider, method.method_id)
    method.refresh_from_db()
    assert (method.state, method.is_default) == (MethodState.REMOVED, False)


def test_a_card_that_its_bank_renewed_shows_its_new_date(provider, driver, client):
    method = saves_card(provider, driver)
    provider.api.payment_methods.update(method.method_id, {"card": {"exp_month": 2, "exp_year": 2048}})
    tells(client, provider, method.method_id)
    method.refresh_from_db()
    assert method.expires.isoformat() == "2048-02-29"


def test_another_driver_s_card_is_out_of_reach(provider, driver, organization):
    method = saves_card(provider, driver)
    stranger = a_driver(organization, email="eve@example.org")
    for wish in (cards.make_default, cards.remove_card):
        with pytest.raises(ValidationError):
            wish(driver=stranger, method=method)
    with pytest.raises(ValidationError):
        cards.pay_token_with(driver=stranger, token=a_token(stranger), method=method)


def test_a_token_is_paid_with_the_card_that_its_driver_chose_for_it(provider, driver):
    saves_card(provider, driver)
    second = saves_card(provider, driver, "5555555555554444")
    token = a_token(driver)
    cards.pay_token_with(driver=driver, token=token, method=second)
    assert FundingRule.objects.get(token=token).method == second
    cards.remove_card(driver=driver, method=second)
    rule = FundingRule.objects.get(token=token)
    assert (rule.source, rule.method) == (FundingSource.CARD, None)


def test_what_the_operator_set_is_not_the_driver_s_to_change(provider, driver, organization):
    method, token = saves_card(provider, driver), a_token(driver)
    FundingRule.objects.create(organization=organization, token=token, source=FundingSource.FREE)
    with pytest.raises(ValidationError):
        cards.pay_token_with(driver=driver, token=token, method=method)


def test_no_card_number_is_stored_anywhere(provider, driver):
    saves_card(provider, driver)
    rows = [str(vars(row)) for model in (CardSetup, PaymentMethod) for row in model.objects.all()]
    assert not any(GOOD in row for row in rows)


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example/", "account"])
def test_the_way_back_from_the_page_is_a_path_of_ours(driver, path):
    with pytest.raises(ValidationError):
        cards.open_setup(driver=driver, back_to=path)


class Killed(BaseException):
    """A process that dies: nothing of ours catches it."""


def test_a_death_before_the_mark_applied_saves_the_card_once(provider, driver, client, monkeypatch):
    setup = cards.open_setup(driver=driver)
    cards.start_setup(setup=setup)
    setup.refresh_from_db()
    provider.control(f"sessions/{setup.checkout_id}/pay", number=GOOD)
    with monkeypatch.context() as patch:
        follow = webhooks.following.catch_up

        def dies(**found):
            follow(**found)
            raise Killed

        patch.setattr(webhooks.following, "catch_up", dies)
        with pytest.raises(Killed):
            tells(client, provider, setup.customer_id)
    assert not PaymentMethod.objects.exists()
    later(minutes=2)
    billing.apply_webhooks()
    assert PaymentMethod.objects.count() == 1


def test_an_erased_driver_is_forgotten_here_and_at_the_provider(provider, driver, owner):
    method = saves_card(provider, driver)
    token = a_token(driver, "VID:0201A7C0FFEE", "MacAddress")
    car = Enrolment.objects.create(
        organization=driver.organization, driver=driver, vehicle_id="0201A7C0FFEE", label="Mine", token=token,
        state=EnrolmentState.CONFIRMED,
    )  # fmt: skip
    account = accounts.own_balance(driver=driver)
    sessions.erase_driver(access=owner, driver=driver)
    work()
    cards.sweep()
    method.refresh_from_db()
    car.refresh_from_db()
    account.refresh_from_db()
    assert (method.state, method.error_code) == (MethodState.REMOVED, "")
    assert provider.api.payment_methods.retrieve(method.method_id).customer is None
    assert (car.vehicle_id, car.label, car.state) == ("", "", EnrolmentState.ENDED)
    assert not IdToken.objects.filter(pk=token.pk).exists()
    assert (account.name, account.email) == (f"Former driver {account.reference}", "")
