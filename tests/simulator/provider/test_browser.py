"""People at the hosted pages, on a phone."""

import pytest

from .conftest import hold, page_params, until
from .test_terminal import asked, reader  # noqa: F401  (a fixture)

pytestmark = pytest.mark.browser


@pytest.fixture
def session(api, provider):
    home = f"{provider.public_url}/_double/?session="
    return api.checkout.sessions.create(
        page_params(success_url=home + "{CHECKOUT_SESSION_ID}", cancel_url=f"{provider.public_url}/_double/?left")
    )


def type_card(phone, number):
    phone.get_by_label("Email").fill("driver@example.com")
    phone.get_by_label("Card number").fill(number)
    phone.get_by_label("Expiry").fill("12 / 34")
    phone.get_by_label("CVC").fill("123")
    phone.get_by_role("button", name="Pay €30.00").click()


def fits(phone):
    return phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_driver_pays_on_a_phone(phone, api, session):
    phone.goto(session.url)
    assert phone.get_by_text("Connector 1, up to 50 kW").is_visible()
    assert fits(phone)
    type_card(phone, "4242 4242 4242 4242")
    phone.wait_for_url(f"**?session={session.id}")
    assert api.checkout.sessions.retrieve(session.id).status == "complete"


def test_a_driver_confirms_with_three_d_secure(phone, api, session):
    phone.goto(session.url)
    type_card(phone, "4000 0027 6000 3184")
    phone.get_by_role("heading", name="Is this you?").wait_for()
    assert phone.get_by_text("€30.00").is_visible()
    assert fits(phone)
    phone.get_by_role("button", name="Complete").click()
    phone.wait_for_url(f"**?session={session.id}")
    intent = api.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]}).payment_intent
    assert intent.status == "requires_capture"


def test_a_declined_driver_is_told_and_can_leave(phone, session):
    phone.goto(session.url)
    type_card(phone, "4000 0000 0000 9995")
    assert "insufficient funds" in phone.get_by_role("alert").inner_text()
    assert phone.get_by_label("Email").input_value() == "driver@example.com"
    assert phone.get_by_label("Card number").input_value() == ""
    phone.get_by_role("link", name="Cancel and go back").click()
    phone.wait_for_url("**?left")


def test_a_driver_taps_a_card_at_the_reader(phone, api, provider, reader):  # noqa: F811
    phone.goto(f"{provider.public_url}/_double/readers/{reader.id}")
    assert phone.get_by_role("heading", name="Welcome").is_visible()
    intent = asked(api, reader)
    phone.get_by_role("heading", name="€50.00").wait_for()
    phone.get_by_role("button", name="Tap card").click()
    phone.get_by_role("heading", name="Approved").wait_for()
    assert api.payment_intents.retrieve(intent.id).status == "requires_capture"


def test_an_operator_of_the_demo_sees_and_moves_the_double(page, api, provider, receiver):
    intent = api.payment_intents.capture(hold(api).id)
    page.goto(f"{provider.public_url}/_double/")
    assert page.get_by_role("cell", name=intent.id, exact=True).first.is_visible()
    page.get_by_label("Dispute a payment").fill(intent.id)
    page.get_by_role("button", name="Dispute").click()
    page.get_by_text("needs response").first.wait_for()
    page.get_by_role("button", name="Dispute").click()
    page.get_by_role("heading", name="That was not possible").wait_for()
    page.get_by_role("link", name="Back").click()
    before = len(receiver.received)
    page.get_by_role("button", name="Send again").first.click()
    until(lambda: len(receiver.received) > before)
