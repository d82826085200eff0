"""Holds, captures, releases and increments, through the official client over HTTP."""

import concurrent.futures

import pytest
import stripe

from .conftest import control, hold


def refused(call, *args, **kwargs):
    with pytest.raises(stripe.StripeError) as caught:
        call(*args, **kwargs)
    return caught.value


def test_a_manual_intent_holds_and_says_until_when(api, provider):
    intent = hold(api, expand=["latest_charge"], metadata={"session": "s-1"})
    assert intent.status == "requires_capture"
    assert (intent.amount_capturable, intent.amount_received) == (3000, 0)
    card = intent.latest_charge.payment_method_details.card
    assert card.capture_before == intent.created + 7 * 86_400
    assert (card.brand, card.last4) == ("visa", "4242")
    assert intent.latest_charge.captured is False
    assert intent.latest_charge.metadata["session"] == "s-1"


def test_a_partial_capture_releases_the_rest(api):
    intent = hold(api)
    taken = api.payment_intents.capture(
        intent.id, {"amount_to_capture": 1172, "expand": ["latest_charge.balance_transaction"]}
    )
    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 1172, 0)
    charge = taken.latest_charge
    assert (charge.amount, charge.amount_captured, charge.amount_refunded) == (3000, 1172, 1828)
    assert charge.refunded is False
    booked = charge.balance_transaction
    assert (booked.amount, booked.fee, booked.net) == (1172, 43, 1129)
    assert sum(part.amount for part in booked.fee_details) == booked.fee


def test_an_intent_is_captured_once(api):
    intent = hold(api)
    api.payment_intents.capture(intent.id)
    error = refused(api.payment_intents.capture, intent.id)
    assert (error.http_status, error.code) == (400, "payment_intent_unexpected_state")
    assert error.error.payment_intent.status == "succeeded"


def test_more_than_the_hold_cannot_be_captured(api):
    error = refused(api.payment_intents.capture, hold(api).id, {"amount_to_capture": 3001})
    assert (error.code, error.param) == ("amount_too_large", "amount_to_capture")


def test_a_cancelled_hold_is_released(api):
    intent = api.payment_intents.cancel(hold(api).id, {"cancellation_reason": "abandoned"})
    assert (intent.status, intent.cancellation_reason, intent.amount_capturable) == ("canceled", "abandoned", 0)
    assert api.charges.retrieve(intent.latest_charge).refunded is True
    assert refused(api.payment_intents.cancel, intent.id).code == "payment_intent_unexpected_state"


def test_a_hold_can_be_raised_where_the_card_allows_it(api, provider):
    options = {"card": {"request_incremental_authorization": "if_available"}}
    intent = hold(api, payment_method_options=options)
    raised = api.payment_intents.increment_authorization(intent.id, {"amount": 4500})
    assert (raised.amount, raised.amount_capturable) == (4500, 4500)
    control(provider, "refuse-next", decline_code="insufficient_funds")
    error = refused(api.payment_intents.increment_authorization, intent.id, {"amount": 9000})
    assert (error.code, error.error.decline_code) == ("card_declined", "insufficient_funds")
    assert api.payment_intents.retrieve(intent.id).amount_capturable == 4500
    assert refused(api.payment_intents.increment_authorization, hold(api).id, {"amount": 9000}).http_status == 400


def test_several_captures_need_multicapture(api):
    assert (
        refused(api.payment_intents.capture, hold(api).id, {"amount_to_capture": 100, "final_capture": False}).param
        == "final_capture"
    )
    intent = hold(api, payment_method_options={"card": {"request_multicapture": "if_available"}})
    first = api.payment_intents.capture(intent.id, {"amount_to_capture": 1000, "final_capture": False})
    assert (first.status, first.amount_capturable, first.amount_received) == ("requires_capture", 2000, 1000)
    last = api.payment_intents.capture(intent.id, {"amount_to_capture": 500})
    assert (last.status, last.amount_received) == ("succeeded", 1500)


def test_a_hold_expires_by_itself_when_its_time_is_over(api, provider, receiver):
    intent = hold(api)
    control(provider, "clock", advance=7 * 86_400 - 60)
    assert api.payment_intents.retrieve(intent.id).status == "requires_capture"
    control(provider, "clock", advance=120)
    gone = api.payment_intents.retrieve(intent.id)
    assert (gone.status, gone.cancellation_reason) == ("canceled", "automatic")
    types = {event.type for event in api.events.list({"limit": 5}).data}
    assert {"charge.expired", "payment_intent.canceled"} <= types


def test_an_extended_hold_lasts_thirty_days(api):
    options = {"card": {"request_extended_authorization": "if_available"}}
    intent = hold(api, payment_method_options=options, expand=["latest_charge"])
    card = intent.latest_charge.payment_method_details.card
    assert card.extended_authorization.status == "enabled"
    assert card.capture_before == intent.created + 30 * 86_400


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_radarBlock", "card_declined", "fraudulent"),
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
    ],
)
def test_declining_test_cards_leave_a_failed_attempt(api, card, code, decline_code):
    error = refused(hold, api, card=card)
    assert isinstance(error, stripe.CardError)
    assert (error.http_status, error.code, error.error.decline_code) == (402, code, decline_code)
    intent = api.payment_intents.retrieve(error.error.payment_intent.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error.code == code
    charge = api.charges.retrieve(intent.latest_charge)
    assert (charge.status, charge.failure_code, charge.paid) == ("failed", code, False)


def test_a_declined_intent_can_be_paid_with_another_card(api):
    failed = refused(hold, api, card="pm_card_visa_chargeDeclined").error.payment_intent
    paid = api.payment_intents.confirm(failed.id, {"payment_method": "pm_card_mastercard"})
    assert (paid.status, paid.last_payment_error) == ("requires_capture", None)


def test_strong_authentication_asks_on_session_and_declines_off_session(api):
    asked = hold(api, card="pm_card_authenticationRequired", return_url="http://127.0.0.1:1/back")
    assert asked.status == "requires_action"
    assert asked.next_action.redirect_to_url.return_url == "http://127.0.0.1:1/back"
    customer = api.customers.create({"email": "driver@example.com"})
    method = api.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer.id})
    error = refused(hold, api, card=method.id, customer=customer.id, off_session=True)
    assert error.code == "authentication_required"
    assert error.error.payment_method.id == method.id


def test_a_card_used_once_without_customer_cannot_be_used_again(api):
    intent = hold(api)
    assert "may not be used again" in str(refused(hold, api, card=intent.payment_method))


def test_amounts_follow_the_rules_of_their_currency(api):
    def create(amount, currency):
        return api.payment_intents.create({"amount": amount, "currency": currency})

    assert refused(create, 49, "eur").code == "amount_too_small"
    assert create(50, "eur").amount == 50
    assert create(1500, "jpy").currency == "jpy"
    assert create(1230, "kwd").amount == 1230
    assert refused(create, 1234, "kwd").param == "amount"
    assert refused(create, 150, "isk").param == "amount"
    assert create(20000, "ugx").amount == 20000
    assert refused(create, 0, "eur").code == "parameter_invalid_integer"
    assert refused(create, 100, "xxx").param == "currency"


def test_metadata_merges_and_empty_values_unset(api):
    intent = api.payment_intents.create({"amount": 500, "currency": "eur", "metadata": {"a": "1", "b": "2"}})
    changed = api.payment_intents.update(intent.id, {"metadata": {"b": "", "c": "3"}})
    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}
    assert api.payment_intents.update(intent.id, {"metadata": ""}).metadata.to_dict() == {}
    long = {"metadata": {"k" * 41: "v"}}
    assert refused(api.payment_intents.update, intent.id, long).http_status == 400


def test_lists_page_filter_and_search(api):
    customer = api.customers.create({"email": "driver@example.com"})
    made = [
        api.payment_intents.create(
            {"amount": 500 + each, "currency": "eur", "customer": customer.id, "metadata": {"n": str(each)}}
        ).id
        for each in range(7)
    ]
    hold(api)
    first = api.payment_intents.list({"limit": 3, "customer": customer.id})
    assert ([each.id for each in first.data], first.has_more) == (made[:3:-1], True)
    everything = [each.id for each in first.auto_paging_iter()]
    assert everything == made[::-1]
    before = api.payment_intents.list({"limit": 2, "ending_before": made[0], "customer": customer.id})
    assert [each.id for each in before.data] == [made[2], made[1]]
    found = api.payment_intents.search({"query": 'metadata["n"]:"4" AND currency:"eur"'})
    assert [each.id for each in found.data] == [made[4]]


def test_unknown_objects_are_404(api):
    error = refused(api.payment_intents.retrieve, "pi_unknown")
    assert (error.http_status, error.code) == (404, "resource_missing")
    assert refused(hold, api, card="pm_unknown").code == "resource_missing"


def test_confirming_with_a_person_present_needs_a_way_back(api):
    params = {"amount": 500, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
    assert refused(api.payment_intents.create, params).param == "return_url"
    assert api.payment_intents.create(params | {"return_url": "http://127.0.0.1:1/"}).status == "succeeded"


def test_many_callers_at_once_are_all_served(api):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda each: hold(api, amount=1000 + each).id, range(40)))
    assert len(set(made)) == 40
    assert {each.id for each in api.payment_intents.list({"limit": 100}).data} == set(made)
