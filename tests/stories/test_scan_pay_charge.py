"""The story: scan, pay, charge, stop, receipt and mail – with a real charger link, worker, web server and browser."""

import json
import re
from urllib.request import urlopen

import pytest

from alerts.models import Notification
from billing.models import Payment, Receipt
from sessions.models import ChargingSession, Discrepancy
from stations.models import Connector
from tests.fixtures.processes import until
from tests.stories.keys import Keyboard
from tests.stories.street import Street, build

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def street(stack, request):
    """A station in the street that speaks the version asked for, booted."""
    made = []

    def play(protocol, identity="STORY-1", **options):
        station = build(identity)
        one = Street(stack.gateway.url, identity, protocol, **options)
        made.append(one)
        one.connect()
        return station, one

    yield play
    for one in made:
        one.end()


def pay(page, web, code, card="4242 4242 4242 4242"):
    page.goto(f"{web}/c/{code}")
    page.get_by_role("button", name="Pay and start").click()
    page.locator("#number").wait_for()  # the provider's page; ours has an e-mail field, too
    page.get_by_label(re.compile("e-?mail", re.I)).fill("driver@example.org")
    page.locator("#number").fill(card)
    page.locator("#expiry").fill("12 / 34")
    page.locator("#cvc").fill("123")
    page.locator("button[type=submit]").first.click()
    page.wait_for_url(f"{web}/s/**")


@pytest.mark.parametrize("protocol", ["ocpp1.6", pytest.param("ocpp2.0.1", marks=pytest.mark.postgres)])
def test_a_driver_scans_pays_charges_stops_and_reads_the_receipt(protocol, street, stack, phone):
    station, charger = street(protocol)
    connector = Connector.objects.get(station=station)
    until(lambda: Connector.objects.get(pk=connector.pk).status == "available", what="the station to be free")

    pay(phone, stack.web.url, connector.code)
    phone.get_by_text("Ready. Plug in now.").wait_for()
    charger.plug(1)
    phone.get_by_role("heading", name="Charging").wait_for(timeout=30_000)
    until(lambda: ChargingSession.objects.filter(energy_mwh__gt=100_000).exists(), timeout=40, what="energy to flow")
    phone.get_by_role("button", name="Stop").click()
    phone.get_by_role("dialog").get_by_role("button", name="Stop").click()
    phone.get_by_role("link", name="Receipt", exact=True).wait_for(timeout=60_000)
    charger.unplug(1)

    session, payment, receipt = ChargingSession.objects.get(), Payment.objects.get(), Receipt.objects.get()
    assert payment.state == "captured"
    assert payment.captured_minor == receipt.total_minor
    assert receipt.sequence == 1
    assert session.energy_mwh == session.meter_last_mwh - session.meter_start_mwh
    kwh = session.energy_mwh / 1_000_000
    assert receipt.total_minor == pytest.approx(100 + 50 * kwh, abs=1.01)
    assert not Discrepancy.objects.exists()

    phone.get_by_role("link", name="Receipt", exact=True).click()
    phone.get_by_text("How the price came about").wait_for()
    assert receipt.document["total_text"] in phone.content()
    until(lambda: Notification.objects.filter(template="receipt", state="sent").exists(), what="the mail to leave")
    mails = json.loads(urlopen(f"{stack.inbox.url}/messages.json?to=driver@example.org").read())
    assert any(
        receipt.document["total_text"] in str(mail) for mail in mails if isinstance(mail, dict)
    ) or "receipt" in str(mails)


def test_a_driver_without_a_mouse_pays_charges_stops_and_reads_the_receipt(street, stack, page):
    station, charger = street("ocpp2.1")
    connector = Connector.objects.get(station=station)
    until(lambda: Connector.objects.get(pk=connector.pk).status == "available", what="the station to be free")

    keys = Keyboard(page)
    page.goto(f"{stack.web.url}/c/{connector.code}")
    keys.press("Pay and start")
    page.locator("#number").wait_for()
    keys.type("e-?mail", "driver@example.org")
    keys.type("card number", "4242424242424242")
    keys.type("expiry", "1234")
    keys.type("cvc", "123")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{stack.web.url}/s/**")
    page.get_by_text("Ready. Plug in now.").wait_for()
    charger.plug(1)
    page.get_by_role("heading", name="Charging").wait_for(timeout=30_000)
    until(lambda: ChargingSession.objects.filter(energy_mwh__gt=100_000).exists(), timeout=40, what="energy to flow")
    keys.press("^Stop$")
    page.get_by_role("dialog").wait_for()
    keys.press("^Stop$")
    page.get_by_role("link", name="Receipt", exact=True).wait_for(timeout=60_000)
    charger.unplug(1)
    keys.press("^Receipt$")
    page.get_by_text("How the price came about").wait_for()
    assert Payment.objects.get().captured_minor == Receipt.objects.get().total_minor


def test_nothing_plugged_in_and_the_hold_is_released(street, stack, phone):
    station, _charger = street("ocpp1.6", connect_timeout_s=3.0)
    connector = Connector.objects.get(station=station)
    until(lambda: Connector.objects.get(pk=connector.pk).status == "available", what="the station to be free")
    pay(phone, stack.web.url, connector.code)
    phone.get_by_text("Ready. Plug in now.").wait_for()
    from datetime import timedelta

    from evcms.core import clock

    until(
        lambda: Payment.objects.filter(state="authorized", attempt__isnull=False).exists(), what="the start to be asked"
    )
    clock.advance(timedelta(minutes=5))
    until(lambda: Payment.objects.filter(state="released").exists(), timeout=60, what="the hold to be released")
    phone.reload()
    phone.get_by_text("Nothing was charged.").wait_for()
    assert not ChargingSession.objects.exists()


def test_a_declined_card_starts_nothing(street, stack, phone):
    station, _charger = street("ocpp1.6")
    connector = Connector.objects.get(station=station)
    until(lambda: Connector.objects.get(pk=connector.pk).status == "available", what="the station to be free")
    phone.goto(f"{stack.web.url}/c/{connector.code}")
    phone.get_by_role("button", name="Pay and start").click()
    phone.locator("#number").wait_for()  # the provider's page; ours has an e-mail field, too
    phone.get_by_label(re.compile("e-?mail", re.I)).fill("driver@example.org")
    phone.locator("#number").fill("4000 0000 0000 0002")
    phone.locator("#expiry").fill("12 / 34")
    phone.locator("#cvc").fill("123")
    phone.locator("button[type=submit]").first.click()
    phone.get_by_text(re.compile("declined", re.I)).first.wait_for()
    assert not ChargingSession.objects.exists()
    assert not Payment.objects.filter(state="authorized").exists()


def test_the_link_is_cut_and_restored_in_mid_session_and_nothing_is_lost(street, stack, phone):
    station, charger = street("ocpp2.0.1")
    connector = Connector.objects.get(station=station)
    until(lambda: Connector.objects.get(pk=connector.pk).status == "available", what="the station to be free")
    pay(phone, stack.web.url, connector.code)
    phone.get_by_text("Ready. Plug in now.").wait_for()
    charger.plug(1)
    until(lambda: ChargingSession.objects.filter(energy_mwh__gt=50_000).exists(), timeout=40, what="energy to flow")
    charger.cut_link()
    charger.unplug(1)
    charger.restore_link()
    until(lambda: Receipt.objects.exists(), timeout=60, what="the receipt")
    session = ChargingSession.objects.get()
    assert session.ended_at
    assert Payment.objects.get().captured_minor == Receipt.objects.get().total_minor
