"""Hosted pages: created, paid (through the page's own form), expired, listed; cards put on file."""

import urllib.error
import urllib.parse
import urllib.request

import pytest

from .conftest import control, page_params
from .test_payment_intents import refused


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args):
        return None


def browse(url, **form):
    """Open a page or send its form as a browser does: (status, text, where it redirects)."""
    data = urllib.parse.urlencode(form).encode() if form else None
    try:
        with urllib.request.build_opener(NoRedirect).open(url, data=data, timeout=10) as answer:
            return answer.status, answer.read().decode(), None
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers.get("Location")


def pay(url, number="4242 4242 4242 4242", email="driver@example.com", expiry="12 / 34", cvc="123"):
    return browse(url, number=number, email=email, expiry=expiry, cvc=cvc, name="D. River")


def test_a_paid_page_holds_the_amount_and_sends_the_person_back(api, receiver):
    session = api.checkout.sessions.create(page_params(client_reference_id="c-1", metadata={"m": "1"}))
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    status, text, _ = browse(session.url)
    assert status == 200
    assert "Kade Charging" in text
    assert "€30.00" in text
    assert "Connector 1, up to 50 kW" in text
    assert "Test mode" in text
    assert pay(session.url)[0::2] == (303, f"http://127.0.0.1:1/ok?session={session.id}")
    done = api.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge", "line_items"]})
    assert (done.status, done.payment_status, done.url) == ("complete", "unpaid", None)
    assert done.customer_details.email == "driver@example.com"
    assert done.line_items.data[0].amount_total == 3000
    intent = done.payment_intent
    assert (intent.status, intent.amount_capturable, intent.metadata["payment"]) == ("requires_capture", 3000, "p-1")
    assert [each.id for each in api.checkout.sessions.list({"payment_intent": intent.id}).data] == [session.id]
    api.payment_intents.capture(intent.id, {"amount_to_capture": 900})
    assert api.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_a_page_is_paid_once(api):
    session = api.checkout.sessions.create(page_params())
    pay(session.url)
    status, text, _ = pay(session.url)
    assert status == 200
    assert "completed already" in text
    assert len(api.charges.list().data) == 1


def test_a_declined_card_can_be_replaced_on_the_page(api):
    session = api.checkout.sessions.create(page_params())
    status, text, _ = pay(session.url, number="4000000000009995")
    assert status == 402
    assert 'role="alert"' in text
    assert "insufficient funds" in text
    assert "4000000000009995" not in text
    intent = api.checkout.sessions.retrieve(session.id).payment_intent
    assert api.payment_intents.retrieve(intent).status == "requires_payment_method"
    assert pay(session.url)[0] == 303
    assert api.payment_intents.retrieve(intent).status == "requires_capture"


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ({"number": "4242 4242 4242 4241"}, "card number is incorrect"),
        ({"number": "4111 1111 1111 1111"}, "non test card"),
        ({"number": ""}, "card number is incorrect"),
        ({"expiry": "12/20"}, "expiration year is invalid"),
        ({"expiry": "soon"}, "expiration date is incomplete"),
        ({"expiry": "13/34"}, "expiration month is invalid"),
        ({"cvc": "12"}, "security code is invalid"),
        ({"email": "nobody"}, "email address is incomplete"),
    ],
)
def test_mistyped_details_are_explained_and_charge_nothing(api, typed, answer):
    session = api.checkout.sessions.create(page_params())
    _status, text, location = pay(session.url, **typed)
    assert location is None
    assert answer in text
    assert api.checkout.sessions.retrieve(session.id).status == "open"
    assert api.payment_intents.list().data == []


def test_three_d_secure_leads_through_the_bank(api, provider):
    session = api.checkout.sessions.create(page_params())
    _status, _text, location = pay(session.url, number="4000002760003184")
    step = provider.public_url + location
    assert "Is this you?" in browse(step)[1]
    assert browse(step, outcome="complete")[2].endswith(session.id)
    intent = api.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]}).payment_intent
    assert intent.status == "requires_capture"
    assert intent.latest_charge.payment_method_details.card.three_d_secure.result == "authenticated"


def test_a_failed_confirmation_returns_to_the_page(api, provider):
    session = api.checkout.sessions.create(page_params())
    step = provider.public_url + pay(session.url, number="4000002760003184")[2]
    back = browse(step, outcome="fail")[2]
    assert "unable to authenticate" in browse(provider.public_url + back)[1]
    assert pay(session.url)[0] == 303


def test_a_card_declined_after_confirmation_returns_to_the_page(api, provider):
    session = api.checkout.sessions.create(page_params())
    step = provider.public_url + pay(session.url, number="4000008400001629")[2]
    back = browse(step, outcome="complete")[2]
    assert "was declined" in browse(provider.public_url + back)[1]


def test_an_expired_page_takes_no_money(api, provider):
    session = api.checkout.sessions.create(page_params())
    gone = api.checkout.sessions.expire(session.id)
    assert (gone.status, gone.url) == ("expired", None)
    assert "expired" in pay(session.url)[1]
    assert api.payment_intents.list().data == []
    assert refused(api.checkout.sessions.expire, session.id).http_status == 400
    timed = api.checkout.sessions.create(page_params(expires_at=provider.now() + 1860))
    control(provider, "clock", advance=1900)
    assert api.checkout.sessions.retrieve(timed.id).status == "expired"


def test_a_page_lives_between_thirty_minutes_and_a_day(api, provider):
    now = provider.now()
    for expires_at in (now + 1000, now + 90_000):
        error = refused(api.checkout.sessions.create, page_params(expires_at=expires_at))
        assert error.param == "expires_at"


def test_wrong_combinations_are_refused(api):
    create = api.checkout.sessions.create
    assert refused(create, page_params(line_items=[])).http_status == 400
    assert refused(create, page_params(success_url="ok")).code == "url_invalid"
    assert refused(create, page_params(customer="cus_unknown")).code == "resource_missing"
    assert refused(create, page_params(mode="setup")).http_status == 400
    small = page_params()
    small["line_items"][0]["price_data"]["unit_amount"] = 10
    assert refused(create, small).code == "amount_too_small"
    without = page_params()
    without.pop("success_url")
    assert refused(create, without).param == "success_url"


def test_setup_mode_puts_a_card_on_file_that_pays_later(api):
    customer = api.customers.create({"email": "driver@example.com"})
    session = api.checkout.sessions.create(
        {"mode": "setup", "currency": "eur", "customer": customer.id, "success_url": "http://127.0.0.1:1/ok"}
    )
    assert session.setup_intent.startswith("seti_")
    assert "Save card" in browse(session.url)[1]
    assert pay(session.url, number="5555555555554444")[0] == 303
    done = api.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    assert (done.status, done.payment_status) == ("complete", "no_payment_required")
    methods = api.payment_methods.list({"customer": customer.id, "type": "card"}).data
    assert [each.id for each in methods] == [done.setup_intent.payment_method]
    paid = api.payment_intents.create(
        {
            "amount": 1000, "currency": "eur", "customer": customer.id, "payment_method": methods[0].id,
            "off_session": True, "confirm": True,
        }
    )  # fmt: skip
    assert paid.status == "succeeded"


def test_a_page_can_make_a_customer_and_keep_the_card(api):
    data = {"capture_method": "manual", "setup_future_usage": "off_session"}
    session = api.checkout.sessions.create(page_params(payment_intent_data=data))
    pay(session.url)
    done = api.checkout.sessions.retrieve(session.id)
    assert api.customers.retrieve(done.customer).email == "driver@example.com"
    assert len(api.payment_methods.list({"customer": done.customer}).data) == 1


def test_a_program_can_pay_a_page_for_simulated_drivers(api, provider):
    session = api.checkout.sessions.create(page_params())
    assert control(provider, f"sessions/{session.id}/pay", number="4000002760003184")["status"] == "complete"
    declined = api.checkout.sessions.create(page_params())
    answer = control(provider, f"sessions/{declined.id}/pay", number="4000000000000002")
    assert answer["error"]["decline_code"] == "generic_decline"


def test_no_card_number_is_stored(api, provider, tmp_path):
    session = api.checkout.sessions.create(page_params())
    pay(session.url, number="4000 0027 6000 3184", cvc="987")
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("provider.sqlite3*"))
    assert b"3184" in stored
    for secret in (b"4000002760003184", b"4000 0027 6000 3184", b'987"'):
        assert secret not in stored
