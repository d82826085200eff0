"""A tap with a card on file: held off-session, guarded, captured; declined or to be confirmed: stopped, told, owed."""

import pytest
from django.core.exceptions import ValidationError

from billing import services as billing
from billing.errors import PaymentError, PaymentRefused
from billing.gateways.stripe import StripeGateway
from billing.models import Bill, BillingSettings, Collection, Debt, JournalLine, Payment, PaymentMethod, Receipt
from billing.services import cards, collections, debts, holds, settlement
from billing.vocabulary import (
    BillState,
    CollectionState,
    DebtState,
    FundingSource,
    LedgerAccount,
    MethodState,
    PaymentState,
    Purpose,
)
from evcms.core import clock, delivery
from sessions.models import ChargingSession
from sessions.vocabulary import SessionStart, SessionState, Verdict
from stations import services as stations
from stations.models import Command
from stations.vocabulary import ConnectorStatus, StatusReport
from tests.billing.conftest import KWH, Car, later, stops_asked
from tests.billing.saved import (
    FAILS_LATER,
    POOR_AFTER,
    WANTS_CONFIRMATION,
    a_driver,
    a_token,
    payment_of,
    saves_card,
    tells,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def driver(organization):
    return a_driver(organization)


@pytest.fixture
def token(driver):
    return a_token(driver)


def goes_on():
    """Everything that workers would do now."""
    for _ in range(10):
        done = delivery.deliver_due() + billing.place_due() + billing.collect_due()
        done += billing.capture_due() + billing.refund_due()
        if not done:
            return


def taps(car, token, **how):
    started = car.starts(token=token.value, **how)
    return started.decision


def test_a_tap_charges_the_saved_card_for_what_was_used_and_ends_in_a_receipt(provider, tariff, car, driver, token):
    saves_card(provider, driver)
    assert taps(car, token).accepted
    payment = payment_of(car.session)
    assert (payment.state, payment.hold_minor, payment.email) == (PaymentState.CREATED, 3000, "dora@example.org")
    goes_on()
    payment.refresh_from_db()
    assert (payment.state, payment.card) == (PaymentState.AUTHORIZED, "Visa •••• 4242")
    assert provider.intent(payment).status == "requires_capture"
    later(hours=1)
    car.draws(10 * KWH)
    car.ends()
    goes_on()
    payment.refresh_from_db()
    bill = Bill.objects.get(session=car.session)
    assert (bill.source, bill.state, bill.total_minor) == (FundingSource.CARD, BillState.PAID, 600)
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, 600)
    assert provider.intent(payment).amount_received == 600
    assert Receipt.objects.get(bill=bill).total_minor == 600
    assert not Debt.objects.exists()


def test_the_hold_is_guarded_as_one_of_a_scan(provider, tariff, car, driver, token):
    saves_card(provider, driver)
    taps(car, token)
    goes_on()
    assert car.session.watches.filter(reason="budget").exists()


def test_the_station_is_answered_before_the_bank_is_asked(provider, tariff, car, driver, token):
    saves_card(provider, driver)
    before = len(provider.calls)
    taps(car, token)
    assert len(provider.calls) == before


def test_a_repeated_start_is_one_hold(provider, tariff, car, driver, token):
    saves_card(provider, driver)
    number = Car.number
    taps(car, token)
    goes_on()
    Car.number = number  # the same transaction, told again
    taps(car, token)
    goes_on()
    assert Payment.objects.count() == 1
    assert open_intents(provider) == 1


def open_intents(provider):
    customer = PaymentMethod.objects.values_list("customer_id", flat=True)[0]
    listed = provider.api.payment_intents.list({"customer": customer, "limit": 100})
    return sum(intent.status in ("requires_capture", "succeeded") for intent in listed.data)


def test_a_driver_without_a_card_that_works_is_charged_nothing_by_surprise(provider, tariff, car, driver, token):
    assert taps(car, token).accepted
    goes_on()
    assert not Payment.objects.exists()
    assert Bill.objects.get(session=car.session).source == FundingSource.NONE


@pytest.mark.parametrize(
    ("number", "code", "step"),
    [(FAILS_LATER, "generic_decline", "declined"), (WANTS_CONFIRMATION, "authentication_required", "confirmation")],
)
def test_a_refused_card_stops_the_session_politely_and_leaves_a_debt(
    provider, tariff, car, driver, token, facts, number, code, step
):
    method = saves_card(provider, driver, number)
    taps(car, token)
    later(minutes=20)
    car.draws(2 * KWH)
    goes_on()
    payment = payment_of(car.session)
    method.refresh_from_db()
    assert (payment.state, payment.error_code) == (PaymentState.FAILED, code)
    assert payment.events.filter(kind=step).exists()
    assert (method.state, method.error_code) == (MethodState.REFUSED, code)
    assert stops_asked(car.session).count() == 1
    assert facts("CardRefused") == [{"payment_id": payment.pk, "code": code}]
    assert open_intents(provider) == 0
    car.ends()
    goes_on()
    bill, debt = Bill.objects.get(session=car.session), Debt.objects.get()
    assert (bill.state, bill.total_minor, bill.shortfall_minor) == (BillState.UNPAID, 208, 208)
    assert (debt.amount_minor, debt.driver, debt.email) == (208, driver, "dora@example.org")
    assert not Receipt.objects.exists()


def test_who_owes_or_whose_card_was_refused_does_not_charge_until_he_has_mended_it(
    provider, tariff, car, driver, token
):
    saves_card(provider, driver, FAILS_LATER)
    taps(car, token)
    goes_on()
    car.ends(mwh=2 * KWH)
    goes_on()
    decision = billing.admit(station_id=car.station.pk, token_value=token.value, at=clock.now())
    assert decision.verdict == Verdict.NO_CREDIT
    pays_the_debt(provider, Debt.objects.get())
    decision = billing.admit(station_id=car.station.pk, token_value=token.value, at=clock.now())
    assert decision.accepted


def pays_the_debt(provider, debt, **how):
    row = collections.open_page(
        purpose=Purpose.DEBT, organization_id=debt.organization_id, amount_minor=debt.amount_minor,
        currency=debt.currency, debt=debt, driver=debt.driver,
    )  # fmt: skip
    collections.start_page(collection=row)
    row.refresh_from_db()
    provider.control(f"sessions/{row.checkout_id}/pay", **how)
    collections.refresh(collection=row)
    row.refresh_from_db()
    return row


def owes(provider, tariff, car, driver, token, number=FAILS_LATER):
    saves_card(provider, driver, number)
    taps(car, token)
    goes_on()
    car.ends(mwh=2 * KWH)
    goes_on()
    return Debt.objects.get()


def test_a_debt_is_paid_on_the_hosted_page_which_also_keeps_the_card_that_pays(provider, tariff, car, driver, token):
    debt = owes(provider, tariff, car, driver, token)
    row = pays_the_debt(provider, debt, number="5555555555554444")
    debt.refresh_from_db()
    bill = Bill.objects.get(session=car.session)
    assert (row.state, row.card) == (CollectionState.PAID, "Mastercard •••• 4444")
    assert (debt.state, debt.collected_minor) == (DebtState.PAID, 208)
    assert (bill.state, bill.shortfall_minor) == (BillState.PAID, 0)
    assert Receipt.objects.get(bill=bill).total_minor == 208
    usual = PaymentMethod.objects.get(driver=driver, is_default=True, state=MethodState.ACTIVE)
    assert usual.card == "Mastercard •••• 4444"
    assert sum(JournalLine.objects.filter(account=LedgerAccount.RECEIVABLE).values_list("amount_minor", flat=True)) == 0


def test_a_debt_is_collected_from_a_card_that_works_again(provider, tariff, car, driver, token):
    debt = owes(provider, tariff, car, driver, token)
    good = saves_card(provider, driver)
    collections.charge(
        method=good, purpose=Purpose.DEBT, amount_minor=208, currency="EUR", debt=debt,
    )  # fmt: skip
    goes_on()
    debt.refresh_from_db()
    assert debt.state == DebtState.PAID
    assert Collection.objects.get().state == CollectionState.PAID


def test_a_debt_that_the_saved_card_refuses_again_stays_open(provider, tariff, car, driver, token):
    debt = owes(provider, tariff, car, driver, token, POOR_AFTER)
    method = PaymentMethod.objects.get()
    collections.charge(method=method, purpose=Purpose.DEBT, amount_minor=208, currency="EUR", debt=debt)
    goes_on()
    debt.refresh_from_db()
    assert (debt.state, Collection.objects.get().state) == (DebtState.OPEN, CollectionState.FAILED)


def test_while_a_payment_is_under_way_no_second_one_begins(provider, tariff, car, driver, token):
    debt = owes(provider, tariff, car, driver, token)
    good = saves_card(provider, driver)
    collections.charge(method=good, purpose=Purpose.DEBT, amount_minor=208, currency="EUR", debt=debt)
    with pytest.raises(ValidationError):
        collections.charge(method=good, purpose=Purpose.DEBT, amount_minor=208, currency="EUR", debt=debt)


def test_a_double_click_on_pay_is_one_page(provider, tariff, car, driver, token):
    debt = owes(provider, tariff, car, driver, token)
    how = {"purpose": Purpose.DEBT, "organization_id": debt.organization_id, "amount_minor": 208, "currency": "EUR"}
    assert collections.open_page(**how, debt=debt) == collections.open_page(**how, debt=debt)


def test_a_debt_that_was_paid_twice_is_given_back_once(provider, tariff, car, driver, token):
    debt = owes(provider, tariff, car, driver, token)
    how = {"purpose": Purpose.DEBT, "organization_id": debt.organization_id, "amount_minor": 208, "currency": "EUR"}
    first = collections.open_page(**how, debt=debt)
    later(minutes=11)
    second = collections.open_page(**how, debt=debt)
    assert first != second
    for row in (first, second):
        collections.start_page(collection=row)
        row.refresh_from_db()
        provider.control(f"sessions/{row.checkout_id}/pay")
        collections.refresh(collection=row)
    goes_on()
    second.refresh_from_db()
    assert second.refunded_minor == 208
    assert provider.api.refunds.list({"payment_intent": second.intent_id}).data[0].amount == 208
    assert Receipt.objects.count() == 1


def test_a_lost_webhook_of_a_paid_debt_is_made_up_for_by_the_sweep(provider, tariff, car, driver, token):
    debt = owes(provider, tariff, car, driver, token)
    row = collections.open_page(
        purpose=Purpose.DEBT, organization_id=debt.organization_id, amount_minor=208, currency="EUR", debt=debt
    )
    collections.start_page(collection=row)
    row.refresh_from_db()
    provider.control(f"sessions/{row.checkout_id}/pay")
    later(minutes=47)
    goes_on()
    debt.refresh_from_db()
    assert debt.state == DebtState.PAID


def test_webhooks_of_a_paid_debt_in_any_order_and_number_pay_it_once(provider, tariff, car, driver, token, client):
    debt = owes(provider, tariff, car, driver, token)
    row = collections.open_page(
        purpose=Purpose.DEBT, organization_id=debt.organization_id, amount_minor=208, currency="EUR", debt=debt
    )
    collections.start_page(collection=row)
    row.refresh_from_db()
    provider.control(f"sessions/{row.checkout_id}/pay")
    tells(client, provider, row.public_id, times=2, reverse=True)
    debt.refresh_from_db()
    assert (debt.state, debt.collected_minor, Receipt.objects.count()) == (DebtState.PAID, 208, 1)


def test_a_waived_debt_asks_for_nothing_and_lets_charge_again(provider, tariff, car, driver, token, owner):
    debt = owes(provider, tariff, car, driver, token)
    saves_card(provider, driver)
    debts.waive(debt=debt, reason="broken plug", access=owner)
    assert billing.admit(station_id=car.station.pk, token_value=token.value, at=clock.now()).accepted


# The session ends before the hold comes -------------------------------------------------------------------------------


def test_a_session_that_ended_before_the_hold_is_charged_what_is_due(provider, tariff, car, driver, token):
    saves_card(provider, driver)
    taps(car, token)
    car.ends(mwh=2 * KWH)
    delivery.deliver_due()
    payment = payment_of(car.session)
    assert (payment.state, payment.hold_minor, payment.due_minor) == (PaymentState.CREATED, 208, 208)
    goes_on()
    payment.refresh_from_db()
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, 208)


def test_nothing_used_before_the_hold_asks_the_bank_for_nothing(provider, tariff, car, driver, token):
    tariff.per_start = "0"
    tariff.save()
    saves_card(provider, driver)
    before = open_intents(provider)
    taps(car, token)
    car.ends()
    goes_on()
    assert open_intents(provider) == before
    assert Bill.objects.get(session=car.session).state == BillState.FREE


def test_an_offline_session_that_is_told_a_day_later_is_charged_afterwards(provider, tariff, car, driver, token):
    saves_card(provider, driver)
    started = clock.now()
    later(hours=26)
    number = Car.number + 1
    Car.number = number
    car.transaction = f"tx-{number}"
    billing.begin(
        start=SessionStart(
            station_id=car.station.pk, protocol="ocpp2.0.1", at=started, received_at=clock.now(),
            transaction_id=car.transaction, evse=1, connector=1, token_value=token.value,
            meter_start_mwh=car.register, state=SessionState.CHARGING, seq_no=0, offline=True,
        )
    )  # fmt: skip
    car.ends(mwh=10 * KWH)
    goes_on()
    payment = payment_of(car.session)
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, payment.due_minor)
    assert payment.captured_minor >= 490


def test_a_refusal_after_the_end_is_a_debt_over_the_whole_price(provider, tariff, car, driver, token):
    saves_card(provider, driver, FAILS_LATER)
    taps(car, token)
    car.ends(mwh=2 * KWH)
    goes_on()
    assert Bill.objects.get(session=car.session).state == BillState.UNPAID
    assert Debt.objects.get().amount_minor == 208


# Unknown outcomes and deaths ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["drop_response_after_effect", "drop_before_effect"])
def test_an_answer_that_was_lost_is_read_back_before_the_next_try(provider, tariff, car, driver, token, fault):
    saves_card(provider, driver)
    taps(car, token)
    provider.fault(match="POST /v1/payment_intents", **{fault: 1})
    billing.place_due()
    assert payment_of(car.session).state == PaymentState.CREATED
    later(minutes=3)
    goes_on()
    assert payment_of(car.session).state == PaymentState.AUTHORIZED
    assert open_intents(provider) == 1


def test_a_hold_that_stands_unheard_when_the_session_ends_pays_it(provider, tariff, car, driver, token):
    saves_card(provider, driver)
    taps(car, token)
    provider.fault(match="POST /v1/payment_intents", drop_response_after_effect=1)
    billing.place_due()
    car.ends(mwh=2 * KWH)
    later(minutes=3)
    goes_on()
    payment = payment_of(car.session)
    assert (payment.state, payment.hold_minor, payment.captured_minor) == (PaymentState.CAPTURED, 3000, 208)
    assert open_intents(provider) == 1


def test_a_hold_that_stands_unheard_when_nothing_was_used_is_freed(provider, tariff, car, driver, token):
    tariff.per_start = "0"
    tariff.save()
    saves_card(provider, driver)
    taps(car, token)
    provider.fault(match="POST /v1/payment_intents", drop_response_after_effect=1)
    billing.place_due()
    car.ends()
    later(minutes=3)
    goes_on()
    assert payment_of(car.session).state == PaymentState.RELEASED
    assert open_intents(provider) == 0


class Killed(BaseException):
    """A process that dies: nothing of ours catches it."""


def dies(patch, module, name, after):
    real = getattr(module, name)

    def deadly(*args, **kwargs):
        if after:
            real(*args, **kwargs)
        raise Killed

    patch.setattr(module, name, deadly)


DEATHS = [
    (StripeGateway, "charge_saved", False),
    (StripeGateway, "charge_saved", True),
    (holds, "seen", False),
    (holds.moves, "move", False),
    (holds.cards, "worked", True),
    (holds.guard, "budget_reached", True),
]


@pytest.mark.parametrize(("module", "name", "after"), DEATHS)
def test_a_worker_that_dies_while_holding_holds_once(
    provider, tariff, car, driver, token, monkeypatch, module, name, after
):
    saves_card(provider, driver)
    taps(car, token)
    with monkeypatch.context() as patch:
        dies(patch, module, name, after)
        with pytest.raises(Killed):
            billing.place_due()
    later(minutes=3)
    goes_on()
    assert payment_of(car.session).state == PaymentState.AUTHORIZED
    assert open_intents(provider) == 1
    car.ends(mwh=2 * KWH)
    goes_on()
    assert payment_of(car.session).captured_minor == 208


REFUSAL_DEATHS = [(StripeGateway, "charge_saved", True), (holds, "refused", False), (holds, "refused", True),
                  (holds.cards, "refused", True)]  # fmt: skip


@pytest.mark.parametrize(("module", "name", "after"), REFUSAL_DEATHS)
def test_a_worker_that_dies_over_a_refusal_stops_the_session_once_and_owes_once(
    provider, tariff, car, driver, token, monkeypatch, module, name, after
):
    saves_card(provider, driver, FAILS_LATER)
    taps(car, token)
    with monkeypatch.context() as patch:
        dies(patch, module, name, after)
        with pytest.raises(Killed):
            billing.place_due()
    later(minutes=3)
    goes_on()
    assert stops_asked(car.session).count() == 1
    car.ends(mwh=2 * KWH)
    goes_on()
    assert Debt.objects.get().amount_minor == 208


COLLECT_DEATHS = [
    (StripeGateway, "charge_saved", False),
    (StripeGateway, "charge_saved", True),
    (collections, "seen", False),
    (collections, "paid", True),
    (debts, "_less_short", True),
]


@pytest.mark.parametrize(("module", "name", "after"), COLLECT_DEATHS)
def test_a_worker_that_dies_while_collecting_takes_it_once(
    provider, tariff, car, driver, token, monkeypatch, module, name, after
):
    debt = owes(provider, tariff, car, driver, token)
    good = saves_card(provider, driver)
    row = collections.charge(method=good, purpose=Purpose.DEBT, amount_minor=208, currency="EUR", debt=debt)
    with monkeypatch.context() as patch:
        dies(patch, module, name, after)
        with pytest.raises(Killed):
            billing.collect_due()
    later(minutes=3)
    goes_on()
    debt.refresh_from_db(), row.refresh_from_db()
    assert (debt.state, row.state, open_intents(provider)) == (DebtState.PAID, CollectionState.PAID, 1)
    assert Receipt.objects.count() == 1


def test_webhooks_that_come_before_the_task_s_own_answer_change_nothing_twice(
    provider, tariff, car, driver, token, client
):
    method = saves_card(provider, driver)
    taps(car, token)
    provider.fault(match="POST /v1/payment_intents", drop_response_after_effect=1)
    billing.place_due()
    tells(client, provider, method.customer_id, times=2)
    assert payment_of(car.session).state == PaymentState.AUTHORIZED
    goes_on()
    assert payment_of(car.session).events.filter(kind=PaymentState.AUTHORIZED).count() == 1


def test_a_provider_that_stays_silent_ends_as_a_debt_and_blames_no_card(
    provider, tariff, car, driver, token, monkeypatch
):
    method = saves_card(provider, driver)
    taps(car, token)
    car.ends(mwh=2 * KWH)
    delivery.deliver_due()
    provider.fault(match="payment_intents", status=500, count=100)
    for _ in range(holds.moves.MOST_TRIES):
        billing.place_due()
        later(hours=2)
    goes_on()
    method.refresh_from_db()
    assert (payment_of(car.session).state, method.state) == (PaymentState.FAILED, MethodState.ACTIVE)
    assert Debt.objects.get().amount_minor == 208


# A start on the web ---------------------------------------------------------------------------------------------------


def starts_on_the_web(connector, driver, method):
    payment = holds.open_start(connector=connector, driver=driver, method=method)
    holds.start_now(payment=payment)
    payment.refresh_from_db()
    return payment


def test_a_driver_starts_on_the_web_with_his_card_on_file(provider, tariff, connector, car, driver):
    payment = starts_on_the_web(connector, driver, saves_card(provider, driver))
    assert payment.state == PaymentState.AUTHORIZED
    car.answers_start(payment.attempt)
    car.starts(attempt=payment.attempt)
    goes_on()
    later(hours=1)
    car.ends(mwh=10 * KWH)
    goes_on()
    payment.refresh_from_db()
    bill = Bill.objects.get(session=car.session)
    assert (payment.state, payment.captured_minor, bill.source) == (PaymentState.CAPTURED, 600, FundingSource.CARD)


def test_a_double_tap_on_start_is_one_hold_and_one_start(provider, tariff, connector, car, driver):
    method = saves_card(provider, driver)
    first, second = (starts_on_the_web(connector, driver, method) for _ in range(2))
    assert first == second
    assert Command.objects.filter(kind="StartCharging").count() == 1
    assert open_intents(provider) == 1


def test_a_refused_card_starts_nothing_on_the_web(provider, tariff, connector, driver):
    method = saves_card(provider, driver, FAILS_LATER)
    with pytest.raises(PaymentError):
        starts_on_the_web(connector, driver, method)
    assert not Command.objects.filter(kind="StartCharging").exists()
    with pytest.raises(ValidationError):
        holds.open_start(connector=connector, driver=driver, method=PaymentMethod.objects.get())


def test_a_station_that_refuses_a_start_on_the_web_frees_the_hold(provider, tariff, connector, car, driver):
    payment = starts_on_the_web(connector, driver, saves_card(provider, driver))
    car.answers_start(payment.attempt, accepted=False)
    goes_on()
    payment.refresh_from_db()
    assert (payment.state, open_intents(provider)) == (PaymentState.RELEASED, 0)


def test_a_start_that_the_provider_answers_too_late_is_freed(provider, tariff, connector, driver):
    method = saves_card(provider, driver)
    payment = holds.open_start(connector=connector, driver=driver, method=method)
    provider.fault(match="POST /v1/payment_intents", drop_response_after_effect=1)
    holds.start_now(payment=payment)
    later(minutes=15)
    goes_on()
    payment.refresh_from_db()
    assert (payment.state, open_intents(provider)) == (PaymentState.RELEASED, 0)


def test_a_taken_plug_is_not_started_on_the_web(provider, tariff, connector, car, driver, token):
    method = saves_card(provider, driver)
    taps(car, token)
    with pytest.raises(PaymentRefused):
        holds.open_start(connector=connector, driver=driver, method=method)


def test_who_owes_starts_nothing_on_the_web(provider, tariff, connector, car, driver, token):
    owes(provider, tariff, car, driver, token)
    good = saves_card(provider, driver)
    leaves(connector)
    with pytest.raises(ValidationError, match="pay what is open"):
        holds.open_start(connector=connector, driver=driver, method=good)


def leaves(connector):
    """The car drives away: the station says that the plug is free."""
    report = StatusReport(1, 1, ConnectorStatus.AVAILABLE, clock.now(), clock.now())
    stations.status_reported(station_id=connector.station_id, report=report)


@pytest.mark.parametrize(("closed", "left"), [(False, "dora@example.org"), (True, "")])
def test_the_address_on_a_debt_goes_when_it_is_old_and_closed(
    provider, tariff, car, driver, token, settings, closed, left
):
    debt = owes(provider, tariff, car, driver, token)
    if closed:
        pays_the_debt(provider, debt)
    settings.RETENTION_PERSONAL_DAYS = 30
    later(days=31)
    billing.prune_contacts()
    debt.refresh_from_db()
    assert debt.email == left


def test_a_debt_below_the_operator_s_limit_lets_charge(provider, tariff, car, driver, token, organization):
    BillingSettings.objects.create(organization=organization, most_debt_minor=500)
    owes(provider, tariff, car, driver, token)
    saves_card(provider, driver)
    assert billing.admit(station_id=car.station.pk, token_value=token.value, at=clock.now()).accepted


def test_no_saved_card_is_charged_for_a_session_that_was_not_admitted(
    provider, tariff, car, driver, token, organization
):
    saves_card(provider, driver)
    token.status = "blocked"
    token.save()
    assert not taps(car, token).accepted
    car.ends(mwh=2 * KWH)
    goes_on()
    assert not Payment.objects.exists()
    assert Bill.objects.get(session=car.session).state == BillState.UNPAID


def test_a_bill_that_was_settled_twice_is_charged_once(provider, tariff, car, driver, token):
    saves_card(provider, driver)
    taps(car, token)
    goes_on()
    car.ends(mwh=2 * KWH)
    goes_on()
    settlement.settle_session(session_id=car.session.pk)
    goes_on()
    assert payment_of(car.session).captured_minor == 208
    assert ChargingSession.objects.count() == 1


def test_the_setup_of_a_card_that_was_refused_before_makes_it_usable(provider, tariff, car, driver, token):
    owes(provider, tariff, car, driver, token)
    good = saves_card(provider, driver)
    assert good.is_default
    assert cards.customer_of(driver) == good.customer_id
