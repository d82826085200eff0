"""A driver's account: in by a mailed link, his rows only, cards on the provider's page, debts, starts on the web."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from alerts.models import Notification
from billing import services as billing
from billing.models import Debt, Enrolment, FundingRule, Payment, PaymentMethod
from billing.services import autocharge
from billing.vocabulary import DebtState, EnrolmentState, PaymentState
from evcms.core import clock, delivery
from evcms.core.models import User
from sessions import services as sessions
from sessions.models import Driver, IdToken
from tests.billing.conftest import KWH, later
from tests.billing.saved import FAILS_LATER, a_driver, a_token, saves_card
from tests.security import doors
from tests.security.world import fill

pytestmark = pytest.mark.django_db(transaction=True)
LINK = re.compile(r"http\S+?(/account/in/\S+)")


def goes_on():
    for _ in range(10):
        done = delivery.deliver_due() + billing.place_due() + billing.collect_due() + billing.capture_due()
        if not done:
            return


def asks(client, email="dora@example.org", **more):
    answer = client.post("/account/sign-in", {"email": email, **more})
    delivery.deliver_due()
    return answer


def link_of(email="dora@example.org"):
    found = LINK.search(Notification.objects.filter(to=email).latest("pk").text)
    return found[1] if found else None


def comes_in(client, email="dora@example.org", **more):
    asks(client, email, **more)
    answer = client.post(link_of(email))
    assert answer.status_code == 302, answer.content[:300]
    return Driver.objects.get(user__email=email)


# Coming in ------------------------------------------------------------------------------------------------------------


def test_a_new_driver_signs_up_by_the_link_in_a_mail(client, connector, organization):
    assert "Look into your mail" in asks(client).content.decode()
    link = link_of()
    assert "Sign in" in client.get(link).content.decode()
    assert not User.objects.filter(email="dora@example.org").exists()  # a mail program that looks at it signs nobody in
    assert client.post(link)["Location"] == "/account/"
    driver = Driver.objects.get()
    assert (driver.organization, driver.user.email, driver.user.has_usable_password()) == (
        organization, "dora@example.org", False,
    )  # fmt: skip
    assert "Save a card first." in client.get("/account/").content.decode()


def test_the_link_s_page_lets_the_browser_say_where_its_button_is(client, connector):
    """Without a referrer the browser sends Origin: null, and the button is refused as forged."""
    asks(client)
    assert client.get(link_of())["Referrer-Policy"] == "same-origin"


def test_a_link_works_once(client, connector):
    comes_in(client)
    client.post("/account/out")
    assert client.post(link_of()).status_code == 410
    assert client.get("/account/").status_code == 302


def test_a_link_is_over_after_half_an_hour(client, connector):
    asks(client)
    clock.advance(timedelta(minutes=31))
    assert client.get(link_of()).status_code == 410
    assert client.post(link_of()).status_code == 410
    assert not User.objects.filter(email="dora@example.org").exists()


def test_of_two_links_the_second_dies_with_the_first_sign_in(client, connector):
    asks(client)
    first = link_of()
    clock.advance(timedelta(seconds=2))
    asks(client)
    second = link_of()
    assert first != second
    client.post(first)
    client.post("/account/out")
    assert client.post(second).status_code == 410


def test_a_forged_link_opens_nothing(client, connector):
    asks(client)
    forged = link_of()[:-3] + "abc"
    assert client.post(forged).status_code == 410


def test_who_works_here_gets_no_link_that_walks_around_his_password(client, connector, owner):
    asks(client, owner.user.email)
    mail = Notification.objects.get(to=owner.user.email)
    assert "/account/in/" not in mail.text
    assert "/accounts/login/" in mail.text


def test_a_link_that_was_mailed_before_somebody_became_a_member_opens_nothing(client, connector, organization):
    from evcms.core.access import Role
    from evcms.core.models import Membership

    asks(client)
    user = User.objects.create_user("dora@example.org", None)
    Membership.objects.create(user=user, organization=organization, role=Role.VIEWER)
    assert client.post(link_of()).status_code == 410


def test_the_page_says_the_same_for_known_and_unknown_addresses(client, connector, organization):
    a_driver(organization, email="known@example.org")
    known, unknown = asks(client, "known@example.org"), asks(client, "new@example.org")
    assert known.content.replace(b"known@", b"new@") == unknown.content


def test_the_row_that_the_operator_made_becomes_the_driver_s_when_he_proves_its_address(
    client, connector, organization
):
    made = a_driver(organization, user=False)
    a_token(made)
    assert comes_in(client) == made
    assert "04A1B2C3D4" in client.get("/account/").content.decode()


def test_nobody_s_inbox_is_filled_through_us(client, connector):
    for _ in range(5):
        assert asks(client).status_code == 200
    assert asks(client).status_code == 422
    assert Notification.objects.filter(to="dora@example.org").count() <= 5


@pytest.mark.parametrize("where", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_the_way_on_after_signing_in_stays_with_us(client, connector, where):
    asks(client, next=where)
    assert client.post(link_of())["Location"] == "/account/"


def test_a_driver_comes_back_to_the_page_that_he_came_from(client, connector):
    page = f"/c/{connector.code}"
    asks(client, next=page)
    assert client.post(link_of())["Location"] == page


@pytest.mark.parametrize("language", ["de", "nl", "fr", "es"])
def test_the_mail_and_the_pages_speak_the_driver_s_language(client, connector, language):
    client.cookies["django_language"] = language
    asks(client)
    english = "Your charging account at"
    assert not Notification.objects.get().subject.startswith(english)
    assert "Mail me a link" not in client.get("/account/sign-in").content.decode()


def test_an_address_that_is_none_is_told_so(client, connector):
    assert asks(client, "dora").status_code == 422
    assert not Notification.objects.exists()


# His pages ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def driver(client, connector):
    return comes_in(client)


PAGES = ["/account/", "/account/charges"]
BUTTONS = ["/account/cards/new", "/account/tokens/new", "/account/cars/new", "/account/name"]


@pytest.mark.parametrize("path", PAGES + BUTTONS)
def test_a_stranger_is_asked_to_sign_in_first(client, connector, path):
    answer = client.get(path) if path in PAGES else client.post(path)
    assert answer["Location"].startswith("/account/sign-in")


DOORS = {name: door for name, door in doors.PAGES.items() if door.needs == doors.DRIVER and name != "public:enter"}


@pytest.mark.parametrize("name", sorted(DOORS))
def test_every_door_of_the_account_is_shut_for_nobody_and_for_people_who_only_work_here(client, owner, name):
    door = DOORS[name]
    rows = fill(owner, "OKAPI", 1)
    path = reverse(name, kwargs=door.kwargs(rows))
    for _who in ("nobody", "a member"):
        answer = client.post(path) if door.post else client.get(path)
        assert answer["Location"].startswith("/account/sign-in"), answer.status_code
        client.force_login(owner.user)


def test_somebody_who_only_works_here_has_no_driver_s_account(client, connector, owner):
    client.force_login(owner.user)
    assert client.get("/account/")["Location"].startswith("/account/sign-in")


def test_a_driver_has_no_operator_s_pages(client, driver):
    assert client.get("/stations/").status_code in (302, 403, 404)
    assert client.get("/money/").status_code in (302, 403, 404)


def test_a_driver_saves_a_card_on_the_provider_s_page(client, driver, provider):
    answer = client.post("/account/cards/new")
    assert answer["Location"].startswith(provider.url)
    checkout = answer["Location"].rsplit("/", 1)[1]
    back = provider.control(f"sessions/{checkout}/pay")["success_url"]
    page = client.get(back.split("//", 1)[1].split("/", 1)[1].join(["/", ""]), follow=True).content.decode()
    assert "Your card is saved." in page
    assert "Visa •••• 4242" in page
    assert "Ready to charge." in page


def test_a_card_can_be_made_usual_and_removed(client, driver, provider):
    first, second = saves_card(provider, driver), saves_card(provider, driver, "5555555555554444")
    client.post(reverse("public:card-usual", args=[second.pk]))
    assert PaymentMethod.objects.get(is_default=True) == second
    client.post(reverse("public:card-remove", args=[second.pk]))
    assert PaymentMethod.objects.get(is_default=True) == first


def test_a_token_is_added_paid_with_a_chosen_card_and_removed(client, driver, provider):
    saves_card(provider, driver)
    second = saves_card(provider, driver, "5555555555554444")
    client.post("/account/tokens/new", {"value": "04FFEE1122", "label": "Blue card", "kind": "card"})
    token = IdToken.objects.get()
    assert token.driver == driver
    client.post(reverse("public:token-pay", args=[token.pk]), {"card": second.pk})
    assert FundingRule.objects.get().method == second
    client.post(reverse("public:token-remove", args=[token.pk]))
    assert not IdToken.objects.exists()


@pytest.mark.parametrize("written", ["04:FF:EE:11:22:33:44", "04ff ee11 2233 44", "04-FF-EE-11-22-33-44"])
def test_a_card_s_number_is_stored_as_chargers_read_it(client, driver, written):
    client.post("/account/tokens/new", {"value": written, "kind": "card"})
    assert IdToken.objects.get().value == "04FFEE11223344"


def test_what_is_no_card_s_number_is_not_added(client, driver):
    answer = client.post("/account/tokens/new", {"value": "zz", "kind": "card"}, follow=True)
    assert "0 to 9 and A to F" in answer.content.decode()
    assert not IdToken.objects.exists()


def test_a_token_that_is_somebody_s_is_not_added(client, driver, organization):
    a_token(a_driver(organization, email="eve@example.org", user=False), "04FFEE1122")
    client.post("/account/tokens/new", {"value": "04ffee1122", "kind": "card"})
    assert not driver.id_tokens.exists()


def test_a_contract_needs_its_check_digit_to_fit(client, driver, provider):
    saves_card(provider, driver)
    client.post("/account/tokens/new", {"value": "NL-ABC-C1234567A-!", "kind": "contract"})
    assert not IdToken.objects.exists()
    client.post("/account/tokens/new", {"value": "NL-ABC-C1234567A", "kind": "contract"})
    assert IdToken.objects.get().type == "eMAID"


def test_a_car_is_enrolled_and_confirmed_on_the_page(client, driver, provider, car):
    saves_card(provider, driver)
    client.post("/account/cars/new", {"label": "Blue one"})
    wish = Enrolment.objects.get()
    token = a_token(driver)
    car.starts(token=token.value)
    billing.car_reported(station_id=car.station.pk, vehicle="001A2B3C4D5E")
    assert "Was it yours?" in client.get("/account/").content.decode()
    client.post(reverse("public:car-confirm", args=[wish.public_id]))
    wish.refresh_from_db()
    assert wish.state == EnrolmentState.CONFIRMED
    client.post(reverse("public:car-end", args=[wish.public_id]))
    wish.refresh_from_db()
    assert wish.state == EnrolmentState.ENDED


def tells(car, vehicle, token=None):
    """The station asks about the car and gets no start; then the driver's charge begins and ends."""
    for each in vehicle.split():
        billing.admit(station_id=car.station.pk, token_value=each, token_type="MacAddress", at=clock.now())
    car.starts(token=token.value)
    goes_on()
    later(minutes=5)
    car.ends(mwh=1 * KWH)
    goes_on()


@pytest.mark.parametrize(
    ("vehicle", "words"),
    [
        ("001A2B3C4D5E", "Was it yours?"),
        ("", "the station told us the id of no car"),
        ("001A2B3C4D5E 001A2B3C4D5F", "we could not tell which was yours"),
        ("001A2B3C4D66", "is enrolled already"),
    ],
)
def test_who_waits_to_enrol_his_car_reads_what_came_of_his_last_charge(
    client, driver, provider, car, tariff, organization, vehicle, words
):
    saves_card(provider, driver)
    IdToken.objects.create(organization=organization, value="VID:001A2B3C4D66", folded="VID:001A2B3C4D66")
    IdToken.objects.filter(folded__startswith="VID").update(status="blocked")
    client.post("/account/cars/new", {"label": "Blue one"})
    assert "where the station can see the car" in client.get("/account/").content.decode()
    tells(car, vehicle, a_token(driver))
    page = client.get("/account/").content.decode()
    assert words in page
    assert "where the station can see the car" not in page


def test_a_car_that_came_with_a_charge_by_phone_is_asked_about_too(client, driver, provider, tariff, connector, car):
    saves_card(provider, driver)
    client.post("/account/cars/new", {"label": "Zoé"})
    client.post(f"/c/{connector.code}/start")
    billing.admit(station_id=car.station.pk, token_value="0201A7C0AA01", token_type="ISO14443", at=clock.now())
    car.starts(Payment.objects.get().attempt)
    goes_on()
    car.ends(mwh=1 * KWH)
    goes_on()
    assert "Was it yours?" in client.get("/account/").content.decode()


def test_another_driver_s_rows_are_not_there(client, driver, provider, organization):
    other = a_driver(organization, email="eve@example.org")
    card, token = saves_card(provider, other), a_token(other)
    wish = autocharge.ask(driver=other)
    keys = dict.fromkeys(("card-usual", "card-remove"), card.pk)
    keys |= dict.fromkeys(("token-pay", "token-remove"), token.pk)
    keys |= dict.fromkeys(("car-confirm", "car-end"), wish.public_id)
    for name, key in keys.items():
        assert client.post(reverse(f"public:{name}", args=[key])).status_code == 404, name
    page = client.get("/account/").content.decode()
    assert card.card not in page
    assert token.value not in page


def test_a_driver_finds_his_charges_and_receipts(client, driver, provider, tariff, car):
    saves_card(provider, driver)
    token = a_token(driver)
    car.starts(token=token.value)
    goes_on()
    later(hours=1)
    car.ends(mwh=10 * KWH)
    goes_on()
    page = client.get("/account/charges").content.decode()
    assert "10.00 kWh" in page
    assert "/r/" in page
    assert client.get(re.search(r"/r/[\w-]+", page)[0]).status_code == 200


def test_a_charge_that_runs_stands_above_those_that_are_over_each_with_its_plug_and_the_word_receipt(
    client, driver, provider, tariff, connector, car
):
    saves_card(provider, driver)
    token = a_token(driver)
    car.starts(token=token.value)
    goes_on()
    running = client.get("/account/charges").content.decode()
    assert "To your charge" in running
    later(hours=1)
    car.ends(mwh=10 * KWH)
    goes_on()
    over = client.get("/account/charges").content.decode()
    assert "To your charge" not in over
    assert str(connector) in over
    assert re.search(r'<a href="/r/[\w-]+">Receipt</a>', over)


def test_his_name_is_his_to_change(client, driver):
    client.post("/account/name", {"name": "Dora Driver"})
    assert "Dora Driver" in client.get("/account/").content.decode()


# A start on the web ---------------------------------------------------------------------------------------------------


def test_the_connector_s_page_shows_the_price_and_one_button_with_the_card(client, driver, provider, tariff, connector):
    saves_card(provider, driver)
    page = client.get(f"/c/{connector.code}").content.decode()
    assert "Start with Visa •••• 4242" in page
    assert page.index("0.49") < page.index("Start with Visa")
    answer = client.post(f"/c/{connector.code}/start")
    payment = Payment.objects.get()
    assert answer["Location"] == f"/s/{payment.public_id}"
    assert (payment.state, payment.driver) == (PaymentState.AUTHORIZED, driver)
    account = client.get("/account/").content.decode()
    assert "Ready. Plug in now." in account
    assert f'href="/s/{payment.public_id}"' in account


def test_a_guest_sees_no_button_with_a_card(client, provider, tariff, connector):
    page = client.get(f"/c/{connector.code}").content.decode()
    assert "Start with" not in page
    assert client.post(f"/c/{connector.code}/start")["Location"].startswith("/account/sign-in")
    assert not Payment.objects.exists()


def test_a_refused_card_is_told_on_the_page(client, driver, provider, tariff, connector):
    saves_card(provider, driver, FAILS_LATER)
    page = client.post(f"/c/{connector.code}/start", follow=True).content.decode()
    assert "The bank did not accept the card." in page
    assert "Start with" not in page


def test_a_double_tap_is_one_start(client, driver, provider, tariff, connector):
    saves_card(provider, driver)
    places = {client.post(f"/c/{connector.code}/start")["Location"] for _ in range(2)}
    assert len(places) == 1
    assert Payment.objects.count() == 1


# Debts ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def debt(client, driver, provider, tariff, car):
    saves_card(provider, driver, FAILS_LATER)
    token = a_token(driver)
    car.starts(token=token.value)
    goes_on()
    car.ends(mwh=2 * KWH)
    goes_on()
    return Debt.objects.get()


def test_the_driver_is_told_by_mail_how_to_mend_it(debt):
    mails = {mail.template: mail.text for mail in Notification.objects.all()}
    assert "/account/" in mails["card_refused"]
    assert f"/debt/{debt.public_id}" in mails["debt"]
    assert "2.08" in mails["debt"]


def test_who_has_the_link_pays_without_an_account(debt, provider):
    from django.test import Client

    guest = Client()
    page = guest.get(f"/debt/{debt.public_id}").content.decode()
    assert "2.08\N{NO-BREAK SPACE}€ is open." in page
    assert "Pay with Visa" not in page
    answer = guest.post(f"/debt/{debt.public_id}/pay")
    assert answer["Location"].startswith(provider.url)
    provider.control(f"sessions/{answer['Location'].rsplit('/', 1)[1]}/pay")
    back = reverse("public:collection-back", args=[debt.collections.get().public_id])
    assert "Paid. Thank you." in guest.get(back, follow=True).content.decode()
    debt.refresh_from_db()
    assert debt.state == DebtState.PAID


def test_the_driver_pays_it_with_another_saved_card(client, debt, driver, provider):
    good = saves_card(provider, driver, "5555555555554444")
    assert "Something is open." in client.get("/account/").content.decode()
    assert "Pay with Mastercard" in client.get(f"/debt/{debt.public_id}").content.decode()
    client.post(f"/debt/{debt.public_id}/card", {"card": good.pk})
    goes_on()
    debt.refresh_from_db()
    assert debt.state == DebtState.PAID
    assert "Paid. Thank you." in client.get(f"/debt/{debt.public_id}").content.decode()


def test_nobody_pays_it_with_somebody_else_s_card(debt, provider, organization):
    from django.test import Client

    other = a_driver(organization, email="eve@example.org")
    card, browser = saves_card(provider, other), Client()
    browser.force_login(other.user)
    mine = debt.driver.payment_methods.get()
    for chosen in (card.pk, mine.pk):
        assert browser.post(f"/debt/{debt.public_id}/card", {"card": chosen}).status_code == 404


def test_the_live_page_of_the_charge_leads_to_what_is_open(client, debt):
    payment = Payment.objects.get(driver=debt.driver)
    page = client.get(f"/s/{payment.public_id}").content.decode()
    assert f"/debt/{debt.public_id}" in page
    assert "Nothing was charged." not in page


def test_an_unknown_debt_is_not_there(client, connector):
    assert client.get("/debt/nothing").status_code == 404
    assert client.post("/debt/nothing/pay").status_code == 404


def test_a_guest_is_offered_an_account_on_his_receipt(client, driver, provider, tariff, car):
    saves_card(provider, driver)
    car.starts(token=a_token(driver).value)
    goes_on()
    later(hours=1)
    car.ends(mwh=10 * KWH)
    goes_on()
    from django.test import Client

    page = client.get("/account/charges").content.decode()
    receipt = re.search(r"/r/[\w-]+", page)[0]
    assert "Save this card for next time" in Client().get(receipt).content.decode()
    assert "Save this card for next time" not in client.get(receipt).content.decode()


def test_the_services_refuse_what_no_link_can_say():
    assert sessions.read_link("") is None
    assert sessions.enter(token="x" * 500) is None
