"""A hold while its session goes on: it grows, it is renewed, it is taken in time; what it does not cover is owed."""

import pytest

from billing import services as billing
from billing.gateways.stripe import StripeGateway
from billing.models import Bill, Collection, Debt, JournalLine, Payment, Receipt
from billing.services import ledger, renewals
from billing.vocabulary import BillState, CollectionState, DebtState, LedgerAccount, PaymentState
from evcms.core import clock, delivery
from tests.billing.conftest import KWH, later, paid, stops_asked, work
from tests.billing.saved import a_driver, a_token, payment_of, saves_card
from tests.billing.test_crashes import Killed, killed_at

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def growing(settings):
    settings.STRIPE_INCREMENTAL = True


@pytest.fixture
def charging(growing, provider, tariff, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    work()
    payment.refresh_from_db()
    return payment


def draws_until(car, kwh, step=5):
    """Readings a few minutes apart."""
    while car.register < 5_000 * KWH + kwh * KWH:
        later(minutes=20)
        car.draws(step * KWH, power=15_000)
        delivery.deliver_due()


def kinds(payment):
    return list(payment.events.values_list("kind", flat=True))


def test_a_hold_grows_before_it_is_used_up_and_the_session_goes_on(provider, charging, car):
    assert charging.incremental
    draws_until(car, 45)
    charging.refresh_from_db()
    assert charging.wanted_minor == 6000
    assert billing.grow_due() == 1
    charging.refresh_from_db()
    assert (charging.hold_minor, charging.increments, charging.wanted_minor) == (6000, 1, None)
    assert provider.intent(charging).amount == 6000
    draws_until(car, 80)
    assert not stops_asked(car.session).exists()
    billing.grow_due()
    car.ends(0)
    work()
    charging.refresh_from_db()
    bill = Bill.objects.get()
    assert (bill.state, bill.total_minor, charging.captured_minor) == (BillState.PAID, 4030, 4030)
    assert kinds(charging).count("increased") >= 1


def test_a_refused_increase_leaves_the_hold_and_the_guard_stops_at_it(provider, charging, car):
    provider.control("refuse-next")
    draws_until(car, 45)
    billing.grow_due()
    charging.refresh_from_db()
    assert (charging.hold_minor, charging.incremental, charging.wanted_minor) == (3000, False, None)
    assert "increase_refused" in kinds(charging)
    draws_until(car, 62, step=2)
    assert stops_asked(car.session).exists()
    car.ends(0)
    work()
    charging.refresh_from_db()
    assert charging.captured_minor <= 3000


def test_the_driver_is_told_before_he_pays_that_the_hold_may_grow(growing, provider, tariff, connector):
    payment = paid(provider, connector)
    page = provider.api.checkout.sessions.retrieve(payment.checkout_id, {"expand": ["line_items"]})
    assert "more if you charge for more" in str(page.line_items.data[0])


def test_without_a_contract_for_it_no_hold_is_asked_to_grow(provider, tariff, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    work()
    draws_until(car, 65)
    payment.refresh_from_db()
    assert (payment.incremental, payment.wanted_minor) == (False, None)
    assert stops_asked(car.session).exists()


def test_a_tariffs_cap_is_the_most_that_is_asked_for(growing, provider, tariff, connector, car):
    tariff.max_price = "35"
    tariff.save()
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    work()
    draws_until(car, 50)
    payment.refresh_from_db()
    assert payment.wanted_minor in (None, 3500)
    billing.grow_due()
    payment.refresh_from_db()
    assert payment.hold_minor == 3500


GROW_DEATHS = [(StripeGateway, "increase", False), (StripeGateway, "increase", True), (renewals, "grown", False)]


@pytest.mark.parametrize(("module", "name", "after"), GROW_DEATHS)
def test_a_worker_that_dies_while_asking_for_more_asks_once(provider, charging, car, monkeypatch, module, name, after):
    draws_until(car, 45)
    killed_at(monkeypatch, module, name, after)
    with pytest.raises(Killed):
        billing.grow_due()
    for _ in range(3):
        later(minutes=2)
        billing.grow_due()
    charging.refresh_from_db()
    assert (charging.hold_minor, charging.increments) == (6000, 1)
    assert provider.intent(charging).amount == 6000


@pytest.mark.parametrize("fault", ["drop_response_after_effect", "drop_before_effect"])
def test_an_increase_whose_answer_is_lost_is_read_back(provider, charging, car, fault):
    draws_until(car, 45)
    provider.fault(**{fault: 1, "match": "increment_authorization"})
    for _ in range(3):
        billing.grow_due()
        later(seconds=20)
    charging.refresh_from_db()
    assert (charging.hold_minor, charging.increments) == (6000, 1)


# A card on file and a car that stays ---------------------------------------------------------------------------------


@pytest.fixture
def driver(organization):
    return a_driver(organization)


@pytest.fixture
def tapped(provider, tariff, connector, car, driver):
    """A session that a card on file pays for, with its hold."""
    method = saves_card(provider, driver)
    car.starts(token=a_token(driver).value)
    delivery.deliver_due()
    billing.place_due()
    payment = payment_of(car.session)
    assert payment.state == PaymentState.AUTHORIZED
    return payment, method


@pytest.fixture
def days(provider):
    """Moves our clock and the provider's together."""

    def pass_by(seconds):
        later(seconds=seconds)
        provider.control("clock", advance=seconds)

    return pass_by


def near_the_end(payment, days):
    payment.refresh_from_db()
    days(int((payment.capture_before - clock.now()).total_seconds()) - 10 * 3600)


def test_a_parked_cars_hold_is_renewed_from_the_card_on_file_and_the_old_one_freed(provider, tapped, car, days):
    payment, _method = tapped
    old = payment.intent_id
    later(minutes=90)
    car.draws(20 * KWH)
    near_the_end(payment, days)
    billing.sweep()
    payment.refresh_from_db()
    assert payment.intent_id != old
    assert provider.api.payment_intents.retrieve(old).status == "canceled"
    assert provider.intent(payment).status == "requires_capture"
    assert kinds(payment).count("renewed") == 1
    assert not stops_asked(car.session).exists()
    billing.sweep()
    car.ends(0)
    work()
    payment.refresh_from_db()
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, 1090)


def test_the_word_that_the_old_hold_is_gone_does_not_fail_the_payment(provider, tapped, car, client, days):
    from tests.billing.saved import tells

    payment, _method = tapped
    old = payment.intent_id
    near_the_end(payment, days)
    billing.sweep()
    tells(client, provider, old)
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED


RENEW_DEATHS = [
    (StripeGateway, "charge_saved", True),
    (renewals, "_exchange", False),
    (renewals, "_exchange", True),
    (renewals, "_free", True),
]


@pytest.mark.parametrize(("module", "name", "after"), RENEW_DEATHS)
def test_a_worker_that_dies_while_renewing_leaves_one_hold_that_is_ours(
    provider, tapped, car, days, monkeypatch, module, name, after
):
    payment, method = tapped
    near_the_end(payment, days)
    killed_at(monkeypatch, module, name, after)
    with pytest.raises(Killed):
        billing.sweep()
    for _ in range(2):
        later(minutes=3)
        billing.sweep()
    payment.refresh_from_db()
    intents = provider.api.payment_intents.list({"customer": method.customer_id, "limit": 100}).data
    made = [intent for intent in intents if payment.public_id in str(intent.metadata)]
    assert len(made) == 2
    assert payment.intent_id == made[0].id
    assert kinds(payment).count("renewed") == 1


def test_a_card_that_is_declined_at_the_renewal_ends_as_before_stopped_and_taken_in_time(provider, tapped, car, days):
    payment, _method = tapped
    later(minutes=90)
    car.draws(20 * KWH)
    near_the_end(payment, days)
    provider.control("refuse-next")
    billing.sweep()
    payment.refresh_from_db()
    assert "hold_ends" in kinds(payment)
    assert stops_asked(car.session).exists()
    later(hours=8)
    billing.sweep()
    billing.sweep()
    payment.refresh_from_db()
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, 1090)


def test_what_a_scanned_session_costs_after_its_hold_was_taken_is_a_debt_with_its_reason(
    provider, tariff, connector, car
):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    work()
    later(minutes=90)
    car.draws(20 * KWH)
    later(days=6, hours=22)
    billing.sweep()
    billing.sweep()
    work()
    payment.refresh_from_db()
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, 1090)
    later(days=2)
    car.ends(10 * KWH)
    work()
    bill, debt = Bill.objects.get(), Debt.objects.get()
    assert (bill.total_minor, debt.amount_minor) == (1580, 490)
    assert (debt.state, debt.reason) == (DebtState.OPEN, "the hold ended before the session did")
    assert [row.kind for row in Receipt.objects.order_by("pk")] == ["receipt", "credit", "receipt"]
    assert ledger.balance(LedgerAccount.RECEIVABLE, bill=bill) == 490
    assert not JournalLine.objects.filter(amount_minor=0).exists()


def test_what_a_card_on_file_did_not_hold_is_charged_to_it_afterwards(provider, tapped, car):
    payment, _method = tapped
    later(hours=9)
    car.ends(80 * KWH)  # the station told nothing until the end
    for _ in range(4):
        work()
        billing.collect_due()
    payment.refresh_from_db()
    assert (payment.captured_minor, Bill.objects.get().total_minor) == (3000, 4030)
    row = Collection.objects.get()
    assert (row.state, row.amount_minor) == (CollectionState.PAID, 1030)
    assert Debt.objects.get().state == DebtState.PAID


def test_a_card_that_declines_the_rest_leaves_a_debt_that_can_be_paid(provider, tapped, car):
    payment, _method = tapped
    later(hours=9)
    car.ends(80 * KWH)
    delivery.deliver_due()
    billing.capture_due()
    provider.control("refuse-next")
    for _ in range(4):
        work()
        billing.collect_due()
    debt = Debt.objects.get()
    assert (debt.state, debt.amount_minor, debt.collected_minor) == (DebtState.OPEN, 1030, 0)
    assert Payment.objects.get(pk=payment.pk).captured_minor == 3000
