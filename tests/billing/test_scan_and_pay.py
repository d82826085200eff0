"""From the sticker to the receipt, over a real database and the provider's double over real HTTP."""

import urllib.error

import pytest

from billing import services as billing
from billing.errors import PaymentRefused, ProviderUnavailable
from billing.models import Bill, Payment, Receipt
from billing.vocabulary import BillState, PaymentState, Refusal
from evcms.core import clock
from sessions import services as sessions
from sessions.models import Attempt, IdToken
from sessions.vocabulary import SessionState, SessionUpdate
from stations.models import Connector
from tests.billing.conftest import KWH, Car, checkout, later, paid, stops_asked, work
from tests.tariffs import flat

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_driver_pays_charges_and_gets_a_receipt_for_what_was_drawn(provider, tariff, connector, car, facts):
    payment = paid(provider, connector)
    assert payment.state == PaymentState.AUTHORIZED
    assert payment.card == "Visa •••• 4242"
    car.answers_start(payment.attempt)
    car.starts(payment.attempt)
    work()
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    payment.refresh_from_db()
    assert (payment.state, payment.captured_minor, payment.hold_minor) == (PaymentState.CAPTURED, 1090, 3000)
    intent = provider.intent(payment)
    assert (intent.status, intent.amount_received, intent.amount_capturable) == ("succeeded", 1090, 0)
    receipt = Receipt.objects.get(payment=payment)
    assert (receipt.total_minor, receipt.net_minor, receipt.tax_minor) == (1090, 901, 189)
    assert [line["text"]["amount"] for line in receipt.document["lines"]] == ["9.80 €", "1.10 €"]
    assert Bill.objects.get(session=car.session).state == BillState.PAID
    assert len(facts("ReceiptIssued")) == len(facts("PaymentSettled")) == 1


def test_the_price_shown_when_paying_holds_though_the_tariff_changes_before_the_start(
    provider, tariff, connector, car, owner
):
    payment = paid(provider, connector)
    billing.edit_tariff(access=owner, tariff=tariff, **flat(per_kwh="0.99"))
    car.starts(payment.attempt)
    billing.edit_tariff(access=owner, tariff=tariff, **flat(per_kwh="1.99"))
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    payment.refresh_from_db()
    assert payment.captured_minor == 1090


def test_a_station_that_refuses_the_start_frees_the_hold_and_the_driver_is_told(
    provider, tariff, connector, car, facts
):
    payment = paid(provider, connector)
    car.answers_start(payment.attempt, accepted=False)
    work()
    payment.refresh_from_db()
    assert payment.state == PaymentState.RELEASED
    assert payment.error_text == "Charging did not start: the station refused the start. Nothing is charged."
    assert provider.intent(payment).status == "canceled"
    assert facts("PaymentReleased") == [{"payment_id": payment.pk, "reason": payment.error_text}]


def test_a_driver_who_never_plugs_in_gets_the_hold_back(provider, tariff, connector, car):
    payment = paid(provider, connector)
    car.answers_start(payment.attempt)
    later(minutes=30)
    sessions.expire_attempts()
    work()
    payment.refresh_from_db()
    assert payment.state == PaymentState.RELEASED
    assert "no cable was plugged in" in payment.error_text


def test_of_two_drivers_who_pay_for_one_plug_the_second_gets_the_money_back(provider, tariff, connector, car):
    first, second = checkout(connector), checkout(connector)
    for payment in (second, first):
        provider.pays(payment)
    billing.refresh(payment=first)
    billing.refresh(payment=second)
    work()
    for payment in (first, second):
        payment.refresh_from_db()
    assert (first.state, second.state) == (PaymentState.AUTHORIZED, PaymentState.RELEASED)
    assert "faster" in second.error_text
    assert provider.intent(second).status == "canceled"
    car.starts(first.attempt)
    work()
    with pytest.raises(PaymentRefused) as refused:
        billing.open_payment(connector=connector)
    assert refused.value.refusal == Refusal.OCCUPIED


def test_a_double_click_opens_one_page(provider, tariff, connector):
    payment = billing.open_payment(connector=connector)
    first = billing.start_checkout(payment=payment)
    assert billing.start_checkout(payment=payment) == first
    assert len(provider.calls) == 1


def test_a_page_whose_answer_was_lost_is_the_same_page_on_the_second_try(provider, tariff, connector):
    payment = billing.open_payment(connector=connector)
    provider.fault(drop_response_after_effect=1, match="POST /v1/checkout/sessions")
    before = opened(provider)
    with pytest.raises(ProviderUnavailable, match="nothing was charged"):
        billing.start_checkout(payment=payment)
    later(minutes=1)
    billing.start_checkout(payment=payment)
    assert opened(provider) == before + 1


def opened(provider):
    """The double is older than this test: it may have opened pages by the hundred."""
    return sum(1 for _ in provider.api.checkout.sessions.list({"limit": 100}).auto_paging_iter())


def test_a_hold_that_is_not_used_at_all_is_released_not_captured_with_zero(provider, tariff, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=3)
    car.ends(0)
    work()
    payment.refresh_from_db()
    bill = Bill.objects.get(session=car.session)
    assert (payment.state, payment.captured_minor) == (PaymentState.RELEASED, 0)
    assert (bill.state, bill.total_minor) == (BillState.FREE, 0)
    assert provider.intent(payment).status == "canceled"
    assert not Receipt.objects.exists()


def test_less_than_the_smallest_card_charge_is_waived_with_the_reason(provider, tariff, connector, car):
    tariff.elements = flat(per_kwh="0.49")["elements"]
    tariff.save()
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=3)
    car.ends(KWH // 2)
    work()
    payment.refresh_from_db()
    bill = Bill.objects.get(session=car.session)
    assert (payment.state, bill.total_minor, bill.shortfall_minor) == (PaymentState.RELEASED, 25, 25)
    assert bill.reason == "waived: below the smallest card charge (0.50 €)"


def test_more_than_the_hold_takes_the_hold_and_states_the_rest_as_open(provider, tariff, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(hours=6)
    car.ends(100 * KWH)
    work()
    payment.refresh_from_db()
    bill = Bill.objects.get(session=car.session)
    assert (payment.captured_minor, bill.total_minor, bill.shortfall_minor) == (3000, 5010, 2010)
    assert bill.reason == "the hold of 30.00 € was used up"
    document = Receipt.objects.get().document
    assert (document["total"], document["paid"], document["open"]) == (5010, 3000, 2010)


def test_the_budget_guard_stops_before_the_hold_is_used_up(provider, tariff, connector, car):
    Connector.objects.update(max_power_w=60_000)
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    work()
    stopped_at = None
    for _ in range(120):
        later(minutes=1)
        car.draws(55 * KWH // 60, power=55_000)
        work()
        if stops_asked(car.session).exists():
            stopped_at = car.session.energy_mwh
            break
    assert stopped_at is not None
    assert 0.49 * stopped_at / KWH + 1.10 < 30
    later(minutes=1)
    car.ends(55 * KWH // 60)
    work()
    payment.refresh_from_db()
    bill = Bill.objects.get(session=car.session)
    assert bill.shortfall_minor == 0
    assert 2600 < payment.captured_minor == bill.total_minor <= 3000


def test_the_budget_guard_counts_time_when_no_reading_comes(provider, tariff, connector, car):
    tariff.elements = flat(per_kwh="0.49", per_start="1.10", per_minute="0.50")["elements"]
    tariff.save()
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    work()
    for _ in range(80):
        later(minutes=1)
        sessions.reach_times()
        work()
        if stops_asked(car.session).exists():
            break
    car.ends(2 * KWH)
    work()
    payment.refresh_from_db()
    assert Bill.objects.get(session=car.session).shortfall_minor == 0
    assert payment.captured_minor > 300


def test_a_station_that_starts_after_the_hold_was_freed_is_stopped_and_the_debt_is_stated(
    provider, tariff, connector, car
):
    payment = paid(provider, connector)
    car.answers_start(payment.attempt, accepted=False)
    work()
    car.starts(payment.attempt)
    work()
    assert stops_asked(car.session).count() == 1
    later(minutes=2)
    car.ends(KWH)
    work()
    bill = Bill.objects.get(session=car.session)
    assert (bill.state, bill.total_minor, bill.shortfall_minor) == (BillState.UNPAID, 159, 159)
    assert bill.reason == "the payment was released before the session ended"


def test_a_card_that_is_declined_leaves_the_page_open_for_another(provider, tariff, connector):
    payment = checkout(connector)
    with pytest.raises(urllib.error.HTTPError):
        provider.pays(payment, number="4000000000000002")
    page = provider.api.checkout.sessions.retrieve(payment.checkout_id)
    assert page.status == "open"
    billing.refresh(payment=payment)
    payment.refresh_from_db()
    assert (payment.state, payment.error_code) == (PaymentState.CHECKOUT, "generic_decline")
    provider.pays(payment)
    billing.refresh(payment=payment)
    payment.refresh_from_db()
    assert (payment.state, payment.error_code) == (PaymentState.AUTHORIZED, "")


def test_a_page_that_nobody_pays_is_closed_and_the_plug_is_free_again(provider, tariff, connector):
    payment = checkout(connector)
    later(minutes=32)
    billing.sweep()
    payment.refresh_from_db()
    assert payment.state == PaymentState.EXPIRED
    assert provider.api.checkout.sessions.retrieve(payment.checkout_id).status == "expired"


@pytest.mark.parametrize(("card", "cause"), [("4000000000000002", "payment"), (None, "abandoned")])
def test_a_page_that_led_nowhere_is_an_attempt_once_with_its_cause(provider, tariff, connector, card, cause):
    payment = checkout(connector)
    if card:
        with pytest.raises(urllib.error.HTTPError):
            provider.pays(payment, number=card)
        billing.refresh(payment=payment)
    later(minutes=32)
    billing.sweep()
    billing.sweep()
    payment.refresh_from_db()
    attempt = Attempt.objects.get()
    assert payment.attempt == attempt
    assert (attempt.kind, attempt.state, attempt.cause) == ("scan", "failed", cause)
    assert attempt.at == payment.created_at
    sessions.judge_attempts()
    attempt.refresh_from_db()
    assert (attempt.party, attempt.counted) == (("payment", True) if card else ("driver", False))


def test_a_payment_in_the_last_second_before_the_page_closes_still_starts(provider, tariff, connector):
    payment = checkout(connector)
    provider.pays(payment)
    Payment.objects.filter(pk=payment.pk).update(state=PaymentState.EXPIRED)
    billing.refresh(payment=payment)
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED
    assert payment.attempt is not None


def test_a_hold_that_we_hear_of_too_late_starts_nothing(provider, tariff, connector):
    payment = checkout(connector)
    provider.pays(payment)
    later(hours=3)
    billing.refresh(payment=payment)
    work()
    payment.refresh_from_db()
    assert payment.state == PaymentState.RELEASED
    assert (payment.attempt.state, payment.attempt.cause, payment.attempt.command_id) == ("failed", "late", None)
    assert "too late" in payment.error_text


def test_a_card_taken_after_plugging_in_pays_the_waiting_car(provider, tariff, connector, car):
    """2.x E03: the session exists before the payment; the token comes with an Updated."""
    car.starts(state=SessionState.PREPARING)
    work()
    payment = paid(provider, connector)
    assert payment.state == PaymentState.AUTHORIZED
    sessions.update(
        update=SessionUpdate(
            station_id=car.station.pk,
            transaction_id=car.transaction,
            at=clock.now(),
            received_at=clock.now(),
            token_value=payment.attempt.token_value,
            token_type="Central",
            remote_start_id=payment.attempt.pk,
            seq_no=1,
        )
    )
    later(seconds=20)
    billing.sweep()
    payment.refresh_from_db()
    assert payment.session == car.session
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    payment.refresh_from_db()
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, 1090)


def test_a_card_of_ours_without_payment_ends_unpaid_with_the_reason(provider, tariff, connector, car, organization):
    IdToken.objects.create(organization=organization, value="CARD1", folded="CARD1")
    car.starts(token="CARD1")
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    bill = Bill.objects.get(session=car.session)
    why = "no card, balance or account pays for its token"
    assert (bill.state, bill.total_minor, bill.reason) == (BillState.UNPAID, 1090, why)


def test_a_session_without_tariff_waits_for_a_person_and_is_never_a_silent_zero(provider, connector, car, facts):
    car.starts(token="CARD1")
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    bill = Bill.objects.get(session=car.session)
    assert (bill.state, bill.reason) == (BillState.REVIEW, "no tariff was in force when the session started")
    assert facts("BillNeedsReview")[0]["bill_id"] == bill.pk


def test_late_readings_after_the_capture_put_the_bill_before_a_person(provider, tariff, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    session = car.session
    session.energy_mwh = 21 * KWH
    session.save()
    billing.correct_session(session_id=session.pk)
    bill = Bill.objects.get(session=session)
    assert (bill.state, bill.total_minor) == (BillState.REVIEW, 1090)
    assert bill.reason == "late readings change the price from 10.90 € to 11.39 €"


def test_two_plugs_of_one_station_are_two_stories(provider, tariff, connector, car):
    payment = paid(provider, connector)
    other = Car(car.station, evse=2)
    other.starts(token="X")
    car.starts(payment.attempt)
    work()
    later(minutes=40)
    other.ends(KWH)
    work()
    payment.refresh_from_db()
    assert (payment.state, payment.session) == (PaymentState.AUTHORIZED, car.session)
