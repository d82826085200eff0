"""The stories of a card on file: a driver signs up by mail, saves a card, taps, charges, has his receipt; a bank that
says no, mended by its link; a car that becomes its own card. Real links, worker, web server, mails and browser.
"""

import json
import re
from urllib.request import Request, urlopen

import pytest

from billing.models import Debt, Enrolment, Payment, PaymentMethod, Receipt
from sessions.models import ChargingSession, Discrepancy, Driver
from stations.models import Connector
from tests.fixtures.processes import until
from tests.stories.street import Street, build

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
EMAIL, RFID, CAR = "dora@example.org", "04A1B2C3D4", "02A1B2C3D4E5"
GOOD, FAILS_LATER, CONFIRM = "4242 4242 4242 4242", "4000 0000 0000 0341", "4000 0027 6000 3184"


@pytest.fixture
def street(stack):
    """A station in the street that speaks the version asked for, booted and free."""
    made = []

    def play(protocol, identity="STORY-1", **options):
        station = build(identity)
        one = Street(stack.gateway.url, identity, protocol, **options)
        made.append(one)
        one.connect()
        connector = Connector.objects.get(station=station)
        until(lambda: Connector.objects.get(pk=connector.pk).status == "available", what="the station to be free")
        return station, one

    yield play
    for one in made:
        one.end()


def mails(stack):
    return json.loads(urlopen(f"{stack.inbox.url}/messages.json?to={EMAIL}").read())


def link_in_mail(stack, path):
    """The newest address below `path` that was mailed; None when none came yet."""
    found = re.findall(rf"https?://[^\s\"'<>]+({re.escape(path)}[\w:.-]+)", json.dumps(mails(stack)))
    return found[-1] if found else None


def wait_for_link(stack, path):
    until(lambda: link_in_mail(stack, path), timeout=40, what=f"a mail with {path}")
    return stack.web.url + link_in_mail(stack, path)


def signs_up(phone, stack):
    phone.goto(f"{stack.web.url}/account/")
    phone.get_by_label("Your e-mail").fill(EMAIL)
    phone.get_by_role("button", name="Mail me a link").click()
    phone.get_by_role("heading", name="Look into your mail").wait_for()
    phone.goto(wait_for_link(stack, "/account/in/"))
    phone.get_by_role("button", name="Sign in").click()
    phone.get_by_role("heading", name="Save a card first.").wait_for()


def saves_card(phone, number=GOOD):
    phone.get_by_role("button", name=re.compile("Save (a|another) card")).click()
    types_card(phone, number)


def types_card(phone, number):
    phone.locator("#number").wait_for()  # the provider's page; ours has an e-mail field, too
    phone.get_by_label(re.compile("e-?mail", re.I)).fill(EMAIL)
    phone.locator("#number").fill(number)
    phone.locator("#expiry").fill("12 / 34")
    phone.locator("#cvc").fill("123")
    phone.locator("button[type=submit]").first.click()


def confirms_with_the_bank(phone):
    phone.get_by_role("button", name="Complete").click()


def adds_token(phone):
    phone.get_by_text("Add a charging card or contract").click()
    phone.get_by_label("Number").fill(RFID)
    phone.get_by_role("button", name="Add", exact=True).click()
    phone.locator("#tokens").get_by_text(RFID).first.wait_for()


def charges(charger, token, *, kind="ISO14443", least=50_000):
    """Plug, tap, some energy, unplug; the session."""
    before = set(ChargingSession.objects.values_list("pk", flat=True))
    charger.plug(1)
    assert charger.tap(token, 1, kind) == "Accepted"
    mine = ChargingSession.objects.exclude(pk__in=before)
    until(lambda: mine.filter(energy_mwh__gt=least).exists(), timeout=60, what="energy to flow")
    charger.unplug(1)
    until(lambda: mine.filter(state="ended").exists(), timeout=30, what="the session to end")
    return mine.get()


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", pytest.param("ocpp1.6", marks=pytest.mark.long)])
def test_a_driver_signs_up_saves_a_card_taps_charges_and_finds_the_receipt(protocol, street, stack, phone):
    _station, charger = street(protocol, speed=20)
    signs_up(phone, stack)
    saves_card(phone)
    phone.get_by_text("Your card is saved.").wait_for()
    adds_token(phone)
    session = charges(charger, RFID)
    until(lambda: Receipt.objects.exists(), timeout=60, what="the receipt")
    payment, receipt = Payment.objects.get(), Receipt.objects.get()
    assert (payment.kind, payment.state, payment.session) == ("card", "captured", session)
    assert payment.captured_minor == receipt.total_minor
    phone.goto(f"{stack.web.url}/account/charges")
    phone.locator("table a").first.click()
    phone.get_by_text("How the price came about").wait_for()
    assert receipt.document["total_text"] in phone.content()
    wait_for_link(stack, "/r/")
    assert not Discrepancy.objects.exists()


def the_bank_takes_its_time(stack, seconds=6):
    """Energy flows before the card is refused, so that there is something to owe."""
    rule = {"delay": seconds, "match": "POST /v1/payment_intents", "count": 1}
    headers = {"Content-Type": "application/json"}
    url = f"{stack.provider.url}/_double/faults"
    urlopen(Request(url, json.dumps(rule).encode(), headers, method="POST"))


@pytest.mark.parametrize(
    ("number", "subject"), [(FAILS_LATER, "declined"), pytest.param(CONFIRM, "confirm", marks=pytest.mark.long)]
)
def test_a_bank_that_says_no_stops_the_charge_and_the_mailed_link_mends_it(number, subject, street, stack, phone):
    _station, charger = street("ocpp1.6", speed=20)
    signs_up(phone, stack)
    saves_card(phone, number)
    if number == CONFIRM:
        confirms_with_the_bank(phone)
    phone.get_by_text("Your card is saved.").wait_for()
    adds_token(phone)
    the_bank_takes_its_time(stack)
    charger.plug(1)
    assert charger.tap(RFID, 1) == "Accepted"
    until(lambda: ChargingSession.objects.filter(state="ended").exists(), timeout=60, what="the polite stop")
    charger.unplug(1)
    until(lambda: Debt.objects.exists(), timeout=60, what="the debt")
    assert PaymentMethod.objects.get().state == "refused"
    link = wait_for_link(stack, "/debt/")
    assert subject in json.dumps(mails(stack)).lower()
    assert charger.tap(RFID, 1) == "Blocked"
    phone.goto(link)
    phone.get_by_role("button", name=re.compile("^Pay ")).last.click()
    types_card(phone, GOOD)
    phone.get_by_role("heading", name="Paid. Thank you.").wait_for()
    until(lambda: Receipt.objects.exists(), what="the receipt of the debt")
    assert Debt.objects.get().state == "paid"
    assert PaymentMethod.objects.get(is_default=True).card == "Visa •••• 4242"
    charges(charger, RFID)
    until(lambda: Payment.objects.filter(state="captured").exists(), timeout=60, what="the next charge to be paid")


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", pytest.param("ocpp1.6", marks=pytest.mark.long)])
def test_a_car_is_seen_once_confirmed_once_and_then_charges_by_plugging_in(protocol, street, stack, phone):
    said, kind = (f"VID:{CAR}", "ISO14443") if protocol == "ocpp1.6" else (CAR, "MacAddress")
    _station, charger = street(protocol, speed=20)
    signs_up(phone, stack)
    saves_card(phone)
    adds_token(phone)
    phone.get_by_text("Enrol a car").click()
    phone.get_by_label("Name of the car").fill("Blue one")
    phone.get_by_role("button", name="Plug and go for my car").click()
    phone.get_by_text("Now charge once as usual.").wait_for()
    charger.plug(1)
    assert charger.tap(said, 1, kind) == "Invalid"  # the station tries the car first
    charger.unplug(1)
    charges(charger, RFID)
    until(lambda: Enrolment.objects.filter(state="offered").exists(), timeout=30, what="the car to be seen")
    until(lambda: "Was this your car?" in json.dumps(mails(stack)), timeout=30, what="the mail about the car")
    phone.goto(f"{stack.web.url}/account/")
    phone.get_by_role("button", name="Yes, it charges on my card").click()
    phone.get_by_text("Done: from now on just plug in.").wait_for()
    session = charges(charger, said, kind=kind)
    assert session.driver == Driver.objects.get(user__email=EMAIL)
    assert session.id_token.type == "MacAddress"
    until(lambda: Payment.objects.filter(session=session, state="captured").exists(), timeout=60, what="the payment")


def test_a_driver_starts_from_the_connector_s_page_with_one_touch(street, stack, phone):
    station, charger = street("ocpp2.0.1", speed=20)
    signs_up(phone, stack)
    saves_card(phone)
    phone.get_by_text("Your card is saved.").wait_for()
    phone.goto(f"{stack.web.url}/c/{Connector.objects.get(station=station).code}")
    phone.get_by_role("button", name="Start with Visa •••• 4242").click()
    phone.get_by_text("Ready. Plug in now.").wait_for()
    charger.plug(1)
    until(lambda: ChargingSession.objects.filter(energy_mwh__gt=50_000).exists(), timeout=60, what="energy to flow")
    charger.unplug(1)
    phone.get_by_role("link", name="Receipt", exact=True).wait_for(timeout=60_000)
    assert Payment.objects.get().kind == "card"
