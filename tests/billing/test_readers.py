"""A card reader at a station: plug in, tap, charge, unplug, receipt – no phone, no account, one reader, many plugs."""

import threading

import pytest
from django.db import connections

from billing import services as billing
from billing.gateways.stripe import StripeGateway
from billing.models import Bill, CardReader, Payment, Receipt
from billing.services import payments, tapping
from billing.vocabulary import BillState, FundingSource, PaymentKind, PaymentState, ReaderState
from evcms.core import clock, delivery
from sessions import services as sessions
from sessions.vocabulary import SessionState, SessionUpdate
from stations import services as stations
from stations.models import Connector, Gateway
from stations.vocabulary import ConnectorStatus, StatusReport
from tests.billing.conftest import KWH, checkout, later, stops_asked, work
from tests.billing.test_crashes import Killed, killed_at
from tests.billing.test_webhooks import post

pytestmark = pytest.mark.django_db(transaction=True)
NO_MONEY = "4000000000009995"


@pytest.fixture
def reader(provider, connector):
    """A reader of the provider's, bound to the station."""
    made = provider.api.terminal.readers.create({"registration_code": "simulated-wpe", "label": "Kade"})
    return CardReader.objects.create(
        organization=connector.station.organization, label="Kade", provider_id=made.id, station=connector.station
    )


def says(station, evse, status):
    stations.status_reported(station_id=station.pk, report=StatusReport(evse, 1, status, clock.now(), clock.now()))


def plug(connector):
    says(connector.station, connector.evse.number, ConnectorStatus.PREPARING)


def unplug(connector):
    says(connector.station, connector.evse.number, ConnectorStatus.AVAILABLE)


def looks(seconds=4):
    later(seconds=seconds)
    for gateway in Gateway.objects.all():  # the stations stay connected
        stations.gateway_alive(gateway_id=gateway.pk)
    return billing.run_readers()


def asked(reader):
    reader.refresh_from_db()
    return reader.asking


def taps(provider, reader, number="4242424242424242"):
    return provider.control(f"readers/{reader.provider_id}/tap", number=number)


def screen(provider, reader):
    action = provider.api.terminal.readers.retrieve(reader.provider_id).action
    cart = getattr(action, "set_reader_display", None) if action else None
    return [line.description for line in cart.cart.line_items] if cart else []


def told_to_ask(provider, reader):
    action = provider.api.terminal.readers.retrieve(reader.provider_id).action
    return bool(action and action.type == "process_payment_intent" and action.status == "in_progress")


def holding(provider, connector, reader):
    """A car is plugged in and a card was tapped."""
    plug(connector)
    looks()
    payment = asked(reader)
    taps(provider, reader)
    looks()
    payment.refresh_from_db()
    return payment


def test_plug_tap_charge_unplug_receipt_without_a_phone(provider, tariff, connector, car, reader):
    plug(connector)
    assert billing.run_readers() == 0  # an RFID card may still come
    looks()
    payment = asked(reader)
    assert (payment.kind, payment.state, payment.hold_minor) == (PaymentKind.READER, PaymentState.CHECKOUT, 3000)
    assert told_to_ask(provider, reader)
    taps(provider, reader)
    looks()
    payment.refresh_from_db()
    assert (payment.state, payment.card) == (PaymentState.AUTHORIZED, "Visa •••• 4242")
    assert asked(reader) is None
    car.answers_start(payment.attempt)
    car.starts(payment.attempt)
    work()
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    payment.refresh_from_db()
    bill = Bill.objects.get(session=car.session)
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, 1090)
    assert (bill.state, bill.source) == (BillState.PAID, FundingSource.READER)
    assert Receipt.objects.get(payment=payment).document["paid_by"] == "Visa •••• 4242"
    unplug(connector)
    looks(1)
    assert any("10.90" in line for line in screen(provider, reader))
    looks(25)
    assert screen(provider, reader) == ["Plug in first, then pay here with your card or phone."]


def test_a_session_that_is_plugged_in_already_is_joined_by_the_tap(provider, tariff, connector, car, reader):
    """OCPP 2.x: the transaction runs since the cable came; it has no token."""
    car.starts(state=SessionState.PREPARING)
    looks()
    payment = asked(reader)
    assert payment.connector == connector
    taps(provider, reader)
    looks()
    payment.refresh_from_db()
    assert payment.attempt.state == "requested"
    assert payment.attempt.station.commands.filter(kind="StartCharging").count() == 1
    sessions.update(
        update=SessionUpdate(
            station_id=connector.station_id, transaction_id=car.transaction, at=clock.now(), received_at=clock.now(),
            state=SessionState.CHARGING, token_value=payment.attempt.token_value, remote_start_id=payment.attempt.pk,
            seq_no=1,
        )
    )  # fmt: skip
    work()
    bill = Bill.objects.get(session=car.session)
    assert (bill.state, bill.source, bill.snapshot) == (BillState.OPEN, FundingSource.READER, payment.snapshot)
    assert car.session.authorized


def test_the_screen_shows_plug_price_and_hold_before_the_tap(provider, tariff, connector, reader, monkeypatch):
    shown = []
    show = StripeGateway.show

    def seen(gateway, reader_id, lines, **more):
        shown.append([line.text for line in lines])
        return show(gateway, reader_id, lines, **more)

    monkeypatch.setattr(StripeGateway, "show", seen)
    plug(connector)
    looks()
    text = " · ".join(shown[0])
    for words in (str(connector), "0.49 €", "per kWh", "1.10 €", "Up to 30.00 € is held"):
        assert words in text
    assert text.index("0.49") < text.index("1.10")  # kWh first: AFIR, art. 5


def test_nobody_taps_and_after_ninety_seconds_the_reader_stops_asking(provider, tariff, connector, reader):
    plug(connector)
    looks()
    payment = asked(reader)
    looks(95)
    payment.refresh_from_db()
    assert (payment.state, payment.error_code) == (PaymentState.EXPIRED, "reader_timeout")
    assert provider.intent(payment).status == "canceled"
    assert not told_to_ask(provider, reader)
    assert screen(provider, reader) == ["No card was tapped in time. Plug in again to pay here."]


def test_a_car_is_asked_for_three_times_and_then_has_to_be_plugged_in_anew(provider, tariff, connector, reader):
    plug(connector)
    for _ in range(12):
        looks(50)
    assert Payment.objects.filter(state=PaymentState.EXPIRED).count() == 3
    assert asked(reader) is None
    unplug(connector)
    later(seconds=5)
    plug(connector)
    looks()
    assert asked(reader) is not None


def test_two_cars_at_once_are_asked_for_one_after_the_other(provider, tariff, connector, linked, reader):
    other = Connector.objects.select_related("station", "evse").get(station=linked, evse__number=2)
    plug(connector)
    later(seconds=1)
    plug(other)
    looks()
    first = asked(reader)
    assert first.connector == connector
    looks()
    assert Payment.objects.count() == 1
    taps(provider, reader)
    looks()
    looks(10)
    second = asked(reader)
    assert second.connector == other
    taps(provider, reader)
    looks()
    assert Payment.objects.filter(state=PaymentState.AUTHORIZED).count() == 2
    assert {payment.connector_id for payment in Payment.objects.all()} == {connector.pk, other.pk}


def test_a_reader_of_the_site_asks_for_whatever_plug_is_used(provider, tariff, connector, reader, site):
    CardReader.objects.update(station=None, site=site)
    plug(connector)
    looks()
    assert asked(reader).connector == connector


def test_a_station_with_its_own_reader_is_not_served_by_the_sites(provider, tariff, connector, reader, site):
    other = provider.api.terminal.readers.create({"registration_code": "simulated-s700", "label": "Site"})
    shared = CardReader.objects.create(
        organization=site.organization, label="Site", provider_id=other.id, site=site, state=ReaderState.ONLINE
    )
    plug(connector)
    looks()
    looks()
    assert asked(reader) is not None
    assert asked(shared) is None


def test_a_refused_card_may_be_followed_by_another(provider, tariff, connector, reader):
    plug(connector)
    looks()
    payment = asked(reader)
    taps(provider, reader, NO_MONEY)
    looks()
    assert asked(reader) == payment
    assert told_to_ask(provider, reader)
    taps(provider, reader)
    looks()
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED


def test_three_refused_cards_end_the_turn(provider, tariff, connector, reader):
    plug(connector)
    looks()
    payment = asked(reader)
    for _ in range(3):
        taps(provider, reader, NO_MONEY)
        looks()
    payment.refresh_from_db()
    assert (payment.state, payment.error_code) == (PaymentState.EXPIRED, "declined")
    assert screen(provider, reader) == ["The card was declined. Nothing is charged."]


def test_unplugged_before_the_tap_the_reader_stops_asking(provider, tariff, connector, reader):
    plug(connector)
    looks()
    payment = asked(reader)
    unplug(connector)
    looks()
    payment.refresh_from_db()
    assert (payment.state, payment.error_code) == (PaymentState.EXPIRED, "unplugged")
    assert not told_to_ask(provider, reader)
    assert provider.intent(payment).status == "canceled"


def test_a_card_tapped_after_unplugging_is_released(provider, tariff, connector, reader):
    plug(connector)
    looks()
    payment = asked(reader)
    unplug(connector)
    taps(provider, reader)
    looks()
    work()
    payment.refresh_from_db()
    assert payment.state == PaymentState.RELEASED
    assert provider.intent(payment).status == "canceled"
    assert payment.attempt is None


def test_somebody_pays_with_his_phone_meanwhile_and_the_reader_stops(provider, tariff, connector, reader):
    phone = checkout(connector)
    plug(connector)
    looks()
    at_reader = asked(reader)
    provider.pays(phone)
    billing.refresh(payment=phone)
    looks()
    at_reader.refresh_from_db()
    assert (at_reader.state, at_reader.error_code) == (PaymentState.EXPIRED, "paid_otherwise")
    assert not told_to_ask(provider, reader)


def test_a_phone_and_a_card_at_once_pay_one_session_and_the_other_hold_is_freed(provider, tariff, connector, reader):
    phone = checkout(connector)
    plug(connector)
    looks()
    at_reader = asked(reader)
    provider.pays(phone)
    taps(provider, reader)
    billing.refresh(payment=phone)
    looks()
    work()
    at_reader.refresh_from_db()
    phone.refresh_from_db()
    assert {phone.state, at_reader.state} == {PaymentState.AUTHORIZED, PaymentState.RELEASED}
    assert connector.station.commands.filter(kind="StartCharging").count() == 1


def test_a_reader_without_connection_asks_nobody_and_is_shown_offline(provider, tariff, connector, reader):
    provider.control(f"readers/{reader.provider_id}", status="offline")
    plug(connector)
    looks()
    looks()
    reader.refresh_from_db()
    assert (reader.state, reader.asking) == (ReaderState.OFFLINE, None)
    assert not Payment.objects.exclude(state=PaymentState.EXPIRED, error_code="reader_offline").exists()
    provider.control(f"readers/{reader.provider_id}", status="online")
    billing.watch_readers()
    looks(1)
    assert asked(reader) is not None


def test_a_reader_that_goes_off_while_it_asks_gives_the_hold_up(provider, tariff, connector, reader):
    plug(connector)
    looks()
    payment = asked(reader)
    provider.control(f"readers/{reader.provider_id}", status="offline")
    looks()
    payment.refresh_from_db()
    assert (payment.state, payment.error_code) == (PaymentState.EXPIRED, "reader_offline")
    assert provider.intent(payment).status == "canceled"


def test_a_reader_that_somebody_else_uses_is_waited_for(provider, tariff, connector, reader):
    mine = provider.api.payment_intents.create(
        {"amount": 500, "currency": "eur", "allowed_payment_method_types": ["card_present"]}
    )
    provider.api.terminal.readers.process_payment_intent(reader.provider_id, {"payment_intent": mine.id})
    plug(connector)
    looks()
    assert asked(reader).state == PaymentState.CREATED
    taps(provider, reader)
    looks()
    looks()
    assert told_to_ask(provider, reader)
    assert asked(reader).state == PaymentState.CHECKOUT


def test_a_station_that_refuses_the_start_frees_the_hold(provider, tariff, connector, car, reader):
    payment = holding(provider, connector, reader)
    car.answers_start(payment.attempt, accepted=False)
    work()
    payment.refresh_from_db()
    assert payment.state == PaymentState.RELEASED
    assert provider.intent(payment).status == "canceled"


def test_the_webhook_of_a_tap_starts_the_station_before_anybody_looks(provider, tariff, connector, client, reader):

    plug(connector)
    looks()
    payment = asked(reader)
    taps(provider, reader)
    event = next(each for each in provider.events()[::-1] if each.type == "terminal.reader.action_succeeded")
    assert post(client, event.to_dict()).status_code == 200
    billing.apply_webhooks()
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED
    assert payment.attempt is not None
    reader.refresh_from_db()
    assert reader.due_at <= clock.now()


def test_the_budget_guard_watches_a_readers_hold(provider, tariff, connector, car, reader):
    payment = holding(provider, connector, reader)
    car.answers_start(payment.attempt)
    car.starts(payment.attempt)
    work()
    later(minutes=40)
    car.draws(59 * KWH, power=50_000)
    work()
    assert stops_asked(car.session).exists()


DEATHS = [
    (tapping, "_open", True),
    (StripeGateway, "create_present_hold", True),
    (tapping, "_make_hold", True),
    (StripeGateway, "ask_tap", False),
    (StripeGateway, "ask_tap", True),
    (tapping, "_asked", False),
]


@pytest.mark.parametrize(("module", "name", "after"), DEATHS)
def test_a_worker_that_dies_while_asking_asks_once(
    provider, tariff, connector, reader, monkeypatch, module, name, after
):
    plug(connector)
    later(seconds=4)
    killed_at(monkeypatch, module, name, after)
    with pytest.raises(Killed):
        billing.run_readers()
    looks(70)
    payment = asked(reader)
    assert Payment.objects.count() == 1
    assert (payment.state, told_to_ask(provider, reader)) == (PaymentState.CHECKOUT, True)
    taps(provider, reader)
    looks()
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED
    intents = provider.api.payment_intents.list({"limit": 100}).auto_paging_iter()
    assert [each.id for each in intents if payment.public_id in str(each.metadata)] == [payment.intent_id]


TAP_DEATHS = [
    (tapping, "_tapped", False),
    (payments, "payment_authorized", False),
    (payments, "start", True),
    (payments, "payment_authorized", True),
    (tapping, "_over", False),
]


@pytest.mark.parametrize(("module", "name", "after"), TAP_DEATHS)
def test_a_worker_that_dies_after_the_tap_starts_once(
    provider, tariff, connector, reader, monkeypatch, module, name, after
):
    plug(connector)
    looks()
    payment = asked(reader)
    taps(provider, reader)
    later(seconds=4)
    killed_at(monkeypatch, module, name, after)
    with pytest.raises(Killed):
        billing.run_readers()
    looks(70)
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED
    assert asked(reader) is None
    assert connector.station.commands.filter(kind="StartCharging").count() == 1


END_DEATHS = [
    (StripeGateway, "stop_asking", True),
    (StripeGateway, "cancel", False),
    (StripeGateway, "cancel", True),
    (tapping, "_expire", False),
    (tapping, "_over", False),
]


@pytest.mark.parametrize(("module", "name", "after"), END_DEATHS)
def test_a_worker_that_dies_while_giving_up_leaves_no_hold_and_no_question(
    provider, tariff, connector, reader, monkeypatch, module, name, after
):
    plug(connector)
    looks()
    payment = asked(reader)
    unplug(connector)
    later(seconds=4)
    killed_at(monkeypatch, module, name, after)
    with pytest.raises(Killed):
        billing.run_readers()
    looks(70)
    payment.refresh_from_db()
    assert payment.state == PaymentState.EXPIRED
    assert asked(reader) is None
    assert provider.intent(payment).status == "canceled"
    assert not told_to_ask(provider, reader)


@pytest.mark.parametrize("call", ["create", "process_payment_intent", "set_reader_display"])
def test_answers_that_are_lost_are_read_back(provider, tariff, connector, reader, call):
    match = {"create": "POST /v1/payment_intents"}.get(call, call)
    plug(connector)
    provider.fault(drop_response_after_effect=1, match=match)
    looks()
    looks(15)
    assert told_to_ask(provider, reader)
    assert Payment.objects.get().state == PaymentState.CHECKOUT


def test_a_payment_that_no_reader_asks_for_any_more_is_given_up(provider, tariff, connector, reader):
    plug(connector)
    looks()
    payment = asked(reader)
    CardReader.objects.update(asking=None, archived_at=clock.now())
    looks(200)
    payment.refresh_from_db()
    assert (payment.state, payment.error_code) == (PaymentState.EXPIRED, "reader_gone")
    assert provider.intent(payment).status == "canceled"


def test_a_free_connector_asks_for_no_card(provider, tariff, connector, reader):
    tariff.assignments.all().delete()
    plug(connector)
    looks()
    assert asked(reader) is None
    assert not Payment.objects.exists()


def test_the_house_keeps_quiet_about_a_reader_without_payment_settings(provider, settings, tariff, connector, reader):
    settings.PAYMENTS_ON = False
    plug(connector)
    assert looks() == 0
    assert billing.watch_readers() == 0


def test_a_known_card_held_to_the_station_stops_the_question(provider, tariff, connector, car, reader, organization):
    from sessions.models import IdToken

    IdToken.objects.create(organization=organization, value="CAFE01", folded="CAFE01")
    plug(connector)
    looks()
    payment = asked(reader)
    car.starts(token="CAFE01")
    delivery.deliver_due()
    looks()
    payment.refresh_from_db()
    assert payment.error_code == "paid_otherwise"


def test_a_turn_that_nobody_took_counts_as_no_declined_card(provider, tariff, connector, reader, client, owner):
    client.force_login(owner.user)
    plug(connector)
    looks()
    looks(95)
    page = client.get("/money/").content.decode()
    assert "no card was tapped in time" in page
    assert "no card was tapped in time" not in client.get("/money/?state=declined").content.decode()
    looks(10)
    for _ in range(3):
        taps(provider, reader, NO_MONEY)
        looks()
    assert "the bank declined the card" in client.get("/money/?state=declined").content.decode()


def test_the_payments_page_says_at_which_reader_it_was(provider, tariff, connector, reader, client, owner):
    payment = holding(provider, connector, reader)
    client.force_login(owner.user)
    page = client.get(f"/money/{payment.public_id}/").content.decode()
    assert "card reader at the station · Kade" in page
    assert "Visa •••• 4242" in page


def test_two_workers_at_once_open_one_payment(provider, tariff, connector, reader):
    plug(connector)
    later(seconds=4)
    CardReader.objects.update(due_at=clock.now())
    started = threading.Barrier(2)

    def worker():
        started.wait()
        try:
            tapping.look_at(reader_id=reader.pk)
        finally:
            connections.close_all()

    both = [threading.Thread(target=worker) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert Payment.objects.count() == 1
    assert told_to_ask(provider, reader)
