"""Customers, their cards, and SetupIntents."""

from .conftest import hold
from .test_checkout import browse
from .test_payment_intents import refused


def test_a_customer_lives_is_found_and_forgotten(api):
    customer = api.customers.create({"email": "a@example.com", "name": "A", "metadata": {"driver": "7"}})
    assert api.customers.update(customer.id, {"name": "", "phone": "+31"}).name is None
    assert [each.id for each in api.customers.list({"email": "a@example.com"}).data] == [customer.id]
    assert api.customers.delete(customer.id).deleted is True
    assert api.customers.retrieve(customer.id).deleted is True
    assert api.customers.list().data == []
    assert refused(api.customers.update, customer.id, {"name": "B"}).http_status == 404
    assert refused(api.customers.create, {"email": "nobody"}).code == "email_invalid"


def test_cards_are_attached_listed_made_default_and_detached(api):
    customer = api.customers.create({})
    method = api.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    settings = {"invoice_settings": {"default_payment_method": method.id}}
    assert api.customers.update(customer.id, settings).invoice_settings.default_payment_method == method.id
    assert [each.id for each in api.customers.payment_methods.list(customer.id).data] == [method.id]
    other = api.customers.create({})
    assert "already been attached" in str(refused(api.payment_methods.attach, method.id, {"customer": other.id}))
    assert api.payment_methods.detach(method.id).customer is None
    assert refused(api.payment_methods.attach, method.id, {"customer": customer.id}).http_status == 400
    assert refused(hold, api, card=method.id, customer=customer.id).http_status == 400


def test_declining_cards_are_refused_when_they_are_saved(api):
    customer = api.customers.create({})
    error = refused(api.payment_methods.attach, "pm_card_visa_chargeDeclined", {"customer": customer.id})
    assert error.code == "card_declined"
    later = api.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    assert refused(hold, api, card=later.id, customer=customer.id, off_session=True).code == "card_declined"


def test_a_foreign_card_cannot_be_charged(api):
    customer, other = api.customers.create({}), api.customers.create({})
    method = api.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    assert refused(hold, api, card=method.id).param == "payment_method"
    assert refused(hold, api, card=method.id, customer=other.id).param == "payment_method"


def test_a_card_set_up_with_authentication_pays_off_session_without(api, provider):
    customer = api.customers.create({})
    card = "pm_card_authenticationRequiredOnSetup"
    setup = api.setup_intents.create(
        {
            "customer": customer.id, "payment_method": card, "confirm": True, "usage": "off_session",
            "return_url": "http://127.0.0.1:1/back",
        }
    )  # fmt: skip
    assert setup.status == "requires_action"
    back = browse(setup.next_action.redirect_to_url.url, outcome="complete")[2]
    assert "redirect_status=succeeded" in back
    assert setup.id in back
    done = api.setup_intents.retrieve(setup.id)
    assert done.status == "succeeded"
    paid = hold(api, card=done.payment_method, customer=customer.id, off_session=True)
    assert paid.status == "requires_capture"


def test_a_card_that_always_wants_authentication_fails_off_session(api):
    customer = api.customers.create({})
    method = api.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer.id})
    error = refused(hold, api, card=method.id, customer=customer.id, off_session=True)
    assert (error.code, error.error.payment_intent.status) == ("authentication_required", "requires_payment_method")


def test_setup_intents_fail_and_are_cancelled(api):
    error = refused(api.setup_intents.create, {"payment_method": "pm_card_chargeDeclinedExpiredCard", "confirm": True})
    assert error.code == "expired_card"
    setup = api.setup_intents.retrieve(error.error.setup_intent.id)
    assert setup.last_setup_error.code == "expired_card"
    assert api.setup_intents.cancel(setup.id, {"cancellation_reason": "abandoned"}).status == "canceled"
    assert refused(api.setup_intents.confirm, setup.id).code == "setup_intent_unexpected_state"
