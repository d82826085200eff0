"""What every call has: authentication, parameters as declared, idempotency, expansion, headers."""

import concurrent.futures
import json
import time
import urllib.error
import urllib.request

import pytest
import stripe

from .conftest import client_of, control, hold, page_params
from .test_payment_intents import refused


def raw(provider, path, *, data=None, key="sk_test_x", **headers):
    request = urllib.request.Request(
        provider.public_url + path, data=data, headers={"Authorization": f"Bearer {key}", **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), error.headers


def test_a_call_without_a_test_key_is_refused(provider):
    assert raw(provider, "/v1/customers", key="")[0] == 401
    assert raw(provider, "/v1/customers", key="sk_live_x")[0] == 401
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient("nonsense", base_addresses={"api": provider.public_url}).v1.customers.list()


def test_answers_carry_request_id_and_version(provider):
    _status, _body, headers = raw(provider, "/v1/customers", **{"Stripe-Version": "2026-10-28.endive"})
    assert headers["Request-Id"].startswith("req_")
    assert headers["Stripe-Version"] == "2026-10-28.endive"


def test_parameters_that_the_api_does_not_have_are_refused(api):
    error = refused(api.payment_intents.create, {"amount": 500, "currency": "eur", "payment_method_types": ["card"]})
    assert (error.code, error.param, error.http_status) == ("parameter_unknown", "payment_method_types", 400)
    items = page_params()["line_items"]
    items[0]["price_data"]["product_data"]["colour"] = "red"
    error = refused(api.checkout.sessions.create, page_params(line_items=items))
    assert error.param == "line_items[0][price_data][product_data][colour]"


def test_missing_and_malformed_parameters_are_named(api):
    error = refused(api.payment_intents.create, {"currency": "eur"})
    assert (error.code, error.param) == ("parameter_missing", "amount")
    error = refused(api.payment_intents.create, {"amount": "a lot", "currency": "eur"})
    assert (error.code, error.param) == ("parameter_invalid_integer", "amount")
    error = refused(api.payment_intents.create, {"amount": 500, "currency": "eur", "capture_method": "later"})
    assert "must be one of automatic, automatic_async, or manual" in str(error)
    assert refused(api.checkout.sessions.create, page_params(ui_mode="hosted")).param == "ui_mode"


def test_parameters_that_the_double_does_not_act_on_are_refused_not_dropped(api):
    error = refused(api.payment_intents.create, {"amount": 500, "currency": "eur", "application_fee_amount": 5})
    assert (error.code, error.param) == ("double_not_implemented", "application_fee_amount")


def test_the_same_key_and_parameters_give_the_same_answer_and_one_effect(api):
    params, options = {"amount": 500, "currency": "eur"}, {"idempotency_key": "k-1"}
    first = api.payment_intents.create(params, options)
    again = api.payment_intents.create(params, options)
    assert (first.id, first.last_response.body) == (again.id, again.last_response.body)
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(api.payment_intents.list().data) == 1


def test_the_same_key_replays_a_decline(api):
    params = {
        "amount": 500, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa_chargeDeclined",
        "return_url": "http://127.0.0.1:1/",
    }  # fmt: skip
    first = refused(api.payment_intents.create, params, {"idempotency_key": "k-2"})
    again = refused(api.payment_intents.create, params, {"idempotency_key": "k-2"})
    assert first.error.payment_intent.id == again.error.payment_intent.id
    assert len(api.charges.list().data) == 1


def test_the_same_key_with_other_parameters_is_refused(api):
    api.payment_intents.create({"amount": 500, "currency": "eur"}, {"idempotency_key": "k-3"})
    error = refused(api.payment_intents.create, {"amount": 501, "currency": "eur"}, {"idempotency_key": "k-3"})
    assert isinstance(error, stripe.IdempotencyError)
    assert error.http_status == 400


def test_a_key_under_way_is_a_conflict(api, provider):
    control(provider, "faults", delay=1.5, match="POST /v1/payment_intents")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        slow = pool.submit(api.payment_intents.create, {"amount": 500, "currency": "eur"}, {"idempotency_key": "k-4"})
        time.sleep(0.4)
        error = refused(api.payment_intents.create, {"amount": 500, "currency": "eur"}, {"idempotency_key": "k-4"})
        assert (error.http_status, error.error.code) == (409, "idempotency_key_in_use")
        assert slow.result().amount == 500


def test_refusals_before_anything_happened_do_not_use_up_the_key(api):
    refused(api.payment_intents.create, {"amount": "x", "currency": "eur"}, {"idempotency_key": "k-5"})
    assert api.payment_intents.create({"amount": 500, "currency": "eur"}, {"idempotency_key": "k-5"}).amount == 500


def test_expansion_goes_deep_and_refuses_what_cannot_be_expanded(api):
    intent = hold(api)
    api.payment_intents.capture(intent.id)
    deep = api.payment_intents.retrieve(intent.id, {"expand": ["latest_charge.balance_transaction"]})
    assert deep.latest_charge.balance_transaction.type == "charge"
    listed = api.payment_intents.list({"expand": ["data.payment_method"]})
    assert listed.data[0].payment_method.card.last4 == "4242"
    assert "cannot be expanded" in str(refused(api.payment_intents.retrieve, intent.id, {"expand": ["nonsense"]}))


def test_a_dropped_answer_leaves_its_effect_and_a_retry_with_the_key_finds_it(api, provider):
    control(provider, "faults", drop_response_after_effect=1, match="POST /v1/payment_intents")
    params, options = {"amount": 500, "currency": "eur"}, {"idempotency_key": "k-6"}
    with pytest.raises(stripe.APIConnectionError):
        api.payment_intents.create(params, options)
    assert len(api.payment_intents.list().data) == 1
    assert api.payment_intents.create(params, options).id == api.payment_intents.list().data[0].id


def test_the_client_retries_over_dropped_connections_and_errors_by_itself(provider):
    api = client_of(provider.public_url, max_network_retries=3).v1
    control(provider, "faults", drop_before_effect=1)
    control(provider, "faults", status=500)
    assert api.payment_intents.create({"amount": 500, "currency": "eur"}).amount == 500
    assert len(api.payment_intents.list().data) == 1


def test_a_server_error_on_order_has_no_effect(api, provider):
    control(provider, "faults", status=503, count=1)
    with pytest.raises(stripe.APIError):
        api.payment_intents.create({"amount": 500, "currency": "eur"})
    assert api.payment_intents.list().data == []
    control(provider, "faults", status=503, count=9)
    control(provider, "faults", method="DELETE")
    assert api.balance.retrieve().object == "balance"


def test_the_control_interface_names_what_is_wrong(provider):
    assert "Unknown fault: colour" in control(provider, "faults", colour="red")["error"]["message"]
    assert "no such request" in control(provider, "nonsense")["error"]["message"]
    assert control(provider, "holds/pi_unknown/expire")["error"]["code"] == "resource_missing"
