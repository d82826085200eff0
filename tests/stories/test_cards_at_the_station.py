"""Paying at the station with nothing but a card: at a reader that we drive, and at the station's own terminal."""

import pytest
import stripe

from billing.models import Bill, CardReader, Payment, Receipt, TerminalReport
from sessions.models import ChargingSession, Discrepancy
from stations.models import Connector
from tests.fixtures.processes import until
from tests.fixtures.stack import SECRET_KEY
from tests.stories.street import Street, build

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


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


def a_reader(stack, station):
    """A reader of the provider's account, bound to the station; the address of its page."""
    readers = stripe.StripeClient(SECRET_KEY, base_addresses={"api": stack.provider.url}).v1.terminal.readers
    made = readers.create({"registration_code": "simulated-wpe", "label": "By the stairs"})
    CardReader.objects.create(
        organization=station.organization, label="By the stairs", provider_id=made.id, station=station
    )
    return f"{stack.provider.url}/_double/readers/{made.id}"


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", pytest.param("ocpp1.6", marks=pytest.mark.long)])
def test_plug_in_tap_at_the_reader_charge_unplug_and_find_the_receipt(protocol, street, stack, phone):
    station, charger = street(protocol)
    reader = a_reader(stack, station)
    charger.plug(1)
    until(lambda: Payment.objects.filter(state="checkout").exists(), timeout=30, what="the reader to ask")
    phone.goto(reader)
    phone.get_by_text("0.50 €").wait_for()
    phone.get_by_role("button", name="Tap card").click()
    until(lambda: ChargingSession.objects.filter(energy_mwh__gt=100_000).exists(), timeout=40, what="energy to flow")
    charger.unplug(1)
    until(lambda: Receipt.objects.exists(), timeout=60, what="the receipt")
    payment, receipt = Payment.objects.get(), Receipt.objects.get()
    assert (payment.kind, payment.state, payment.captured_minor) == ("reader", "captured", receipt.total_minor)
    assert ChargingSession.objects.get().authorized
    assert not Discrepancy.objects.exists()
    phone.goto(reader)
    phone.get_by_text(f"Receipt {receipt.number}").wait_for(timeout=30_000)

    phone.goto(f"{stack.web.url}/receipt?c={Connector.objects.get(station=station).code}")
    phone.get_by_label("Day").fill(receipt.document["session"]["started_at"]["iso"][:10])
    phone.get_by_label("Amount").fill(f"{receipt.total_minor / 100:.2f}")
    phone.get_by_label("Last four digits").fill("4242")
    phone.get_by_role("button", name="Find it").click()
    phone.get_by_text("How the price came about").wait_for()
    assert phone.url.endswith(f"/r/{receipt.public_id}")


def test_a_card_that_is_refused_at_the_reader_starts_nothing_and_another_one_does(street, stack, phone):
    station, charger = street("ocpp1.6")
    reader = a_reader(stack, station)
    charger.plug(1)
    until(lambda: Payment.objects.filter(state="checkout").exists(), timeout=30, what="the reader to ask")
    phone.goto(reader)
    phone.locator("#number").select_option("4000000000000002")
    phone.get_by_role("button", name="Tap card").click()
    phone.get_by_text("The card was declined. Please try another one.").wait_for(timeout=30_000)
    assert not ChargingSession.objects.exists()
    phone.get_by_role("button", name="Tap card").click()
    until(lambda: ChargingSession.objects.exists(), timeout=40, what="the start")
    assert Payment.objects.get().state == "authorized"
    charger.unplug(1)


@pytest.mark.parametrize("protocol", ["ocpp2.1", pytest.param("ocpp1.6", marks=pytest.mark.long)])
def test_a_card_at_the_stations_own_terminal_is_settled_by_it_and_receipted_by_us(protocol, street, stack, phone):
    """1.6: DataTransfer of the vendor org.evcms.payment; 2.1: DirectPayment and NotifySettlement."""
    _station, charger = street(protocol)
    charger.plug(1)
    assert charger.pay(1) == "Accepted"
    until(lambda: ChargingSession.objects.filter(energy_mwh__gt=100_000).exists(), timeout=40, what="energy to flow")
    charger.unplug(1)
    until(lambda: Receipt.objects.exists(), timeout=60, what="the settlement")
    payment, receipt, report = Payment.objects.get(), Receipt.objects.get(), TerminalReport.objects.get()
    assert (payment.kind, payment.state, payment.captured_minor) == ("station", "captured", receipt.total_minor)
    assert (report.outcome, report.payment) == ("applied", payment)
    assert (Bill.objects.get().source, Bill.objects.get().state) == ("station", "paid")
    phone.goto(f"{stack.web.url}/receipt")
    phone.get_by_label("Where").fill("Kade")
    phone.get_by_label("Day").fill(receipt.document["session"]["started_at"]["iso"][:10])
    phone.get_by_label("Amount").fill(f"{receipt.total_minor / 100:.2f}")
    phone.get_by_label("Last four digits").fill(payment.intent_id)
    phone.get_by_role("button", name="Find it").click()
    phone.get_by_text("How the price came about").wait_for()
