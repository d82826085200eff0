"""Drivers' pages: what is shown without a login, without JavaScript, to whoever stands in the street."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import translation

from alerts.models import Destination, Notification, Subscription
from billing.models import Payment, Tariff, TariffAssignment
from evcms.core import clock
from evcms.public.places import Place
from stations import services
from stations.models import Connection, Connector, MaintenanceWindow, Site, Station
from tests.stations.conftest import make_station
from tests.tariffs import flat

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connector(linked, station):
    Connector.objects.filter(station=station).update(status="available")
    return station.connectors.select_related("evse").order_by("evse__number").first()


@pytest.fixture
def tariff(organization):
    row = Tariff.objects.create(
        organization=organization,
        name="Standard",
        currency="EUR",
        **flat(per_kwh="0.49", per_minute="0.02", per_start="0.35"),
    )
    TariffAssignment.objects.create(organization=organization, tariff=row)
    return row


@pytest.fixture
def paying(settings):
    settings.PAYMENTS_ON = True
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = "sk_test_1", "whsec_1"


def page(path, **more) -> str:
    answer = Client().get(path, **more)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_the_map_lists_every_public_place_without_a_script(connector, site):
    text = page("/map")
    assert site.name in text
    assert "2 of 2 free" in text


def test_two_plugs_of_one_evse_have_their_own_names_wherever_a_driver_reads_them(connector, site):
    other = Connector.objects.create(
        evse=connector.evse, station=connector.station, number=2, plug="CHADEMO", status="available"
    )
    names = re.findall(r"<strong>(.+?)</strong>", page(f"/map/{site.pk}/"))
    assert [name.replace("\N{NO-BREAK SPACE}", " ") for name in names[:2]] == [str(connector), str(other)]
    assert str(other).endswith(" · 1.2")
    assert str(other) in page(f"/c/{other.code}")


def test_a_site_that_is_not_public_is_nowhere(connector, site):
    Site.objects.filter(pk=site.pk).update(public=False)
    assert site.name not in page("/map")
    assert Client().get(f"/map/{site.pk}/").status_code == 404
    assert Client().get(f"/c/{connector.code}").status_code == 404
    assert json.loads(page("/map/points.geojson"))["features"] == []


def test_the_points_say_how_many_are_free_and_where(connector, site):
    feature = json.loads(page("/map/points.geojson"))["features"][0]
    assert feature["geometry"]["coordinates"] == [site.longitude, site.latitude]
    assert (feature["properties"]["free"], feature["properties"]["total"]) == (2, 2)


@pytest.mark.parametrize(
    ("query", "seen"),
    [("free=on", True), ("power=50000", False), ("plug=NONSENSE", True), ("q=kad", True), ("q=zzz", False)],
)
def test_the_map_filters_and_nonsense_filters_nothing(connector, site, query, seen):
    assert (site.name in page(f"/map?{query}")) == seen


def test_the_connector_page_tells_plug_state_and_the_price_in_the_legal_order(connector, tariff, paying):
    text = page(f"/c/{connector.code}")
    assert "Free. Plug in, pay, go." in text
    order = [text.index(word) for word in ("per kWh", "per minute of charging", "per session")]
    assert order == sorted(order)
    assert "Pay and start" in text


def test_a_code_may_be_typed_in_small_letters(connector):
    assert Client().get(f"/c/{connector.code.lower()}").status_code == 200
    assert Client().get("/c/NOSUCH1").status_code == 404


def test_without_a_payment_provider_the_page_says_so_and_shows_no_button(connector, tariff, settings):
    settings.PAYMENTS_ON = False
    text = page(f"/c/{connector.code}")
    assert "Card payment is not switched on here." in text
    assert "Pay and start" not in text


def test_without_a_tariff_nobody_can_pay_and_the_page_says_why(connector, paying):
    text = page(f"/c/{connector.code}")
    assert "has not set a price" in text
    assert "Pay and start" not in text


@pytest.mark.parametrize(
    ("status", "words"),
    [("faulted", "Out of order."), ("charging", "Somebody is charging here."), ("unavailable", "Not in service.")],
)
def test_a_connector_that_cannot_be_used_says_so_first(connector, tariff, paying, status, words):
    Connector.objects.filter(pk=connector.pk).update(status=status)
    text = page(f"/c/{connector.code}")
    assert words in text
    assert "Pay and start" not in text


def test_maintenance_is_shown_on_map_and_page(connector, organization, station):
    now = clock.now()
    MaintenanceWindow.objects.create(
        organization=organization,
        station=station,
        title="New cable",
        note="Back at noon",
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=1),
    )
    assert "Maintenance" in page("/map")
    text = page(f"/c/{connector.code}")
    assert "New cable" in text
    assert "Back at noon" in text


def test_a_connector_shows_its_own_stations_window_not_another_stations(connector, organization, site, station):
    other = make_station("ES-OTHER", site)
    now = clock.now()
    span = {"starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(hours=1)}
    MaintenanceWindow.objects.create(organization=organization, station=other, title="The neighbour's", **span)
    MaintenanceWindow.objects.create(organization=organization, station=station, title="Our own", **span)
    text = page(f"/c/{connector.code}")
    assert "Our own" in text
    assert "The neighbour" not in text


def test_work_that_is_planned_is_told_at_the_connector_and_at_its_site_before_it_begins(
    connector, organization, site, station
):
    other = make_station("ES-OTHER", site)
    begin = clock.now() + timedelta(days=2)
    span = {"starts_at": begin, "ends_at": begin + timedelta(hours=1)}
    MaintenanceWindow.objects.create(organization=organization, station=other, note="Next door", title="-", **span)
    MaintenanceWindow.objects.create(organization=organization, station=station, note="Here", title="INTERNAL", **span)
    far = {"starts_at": begin + timedelta(days=60), "ends_at": begin + timedelta(days=61)}
    MaintenanceWindow.objects.create(organization=organization, station=station, note="Far away", title="-", **far)
    text = page(f"/c/{connector.code}")
    assert "Planned work" in text
    assert "Here" in text
    assert "INTERNAL" not in text
    assert "Next door" not in text
    at_site = page(f"/map/{site.pk}/")
    assert "Here" in at_site
    assert "Next door" in at_site
    assert "Far away" not in at_site + text


def test_a_subscription_is_asked_for_and_confirmed_by_mail(connector):
    answer = Client().post(f"/c/{connector.code}/subscribe", {"email": "d@example.org", "topic": ["free"]}, follow=True)
    assert "press the button in the mail" in answer.content.decode()
    assert Subscription.objects.get().connector_id == connector.pk
    assert Notification.objects.get().template == "confirm"
    assert Destination.objects.get().confirmed_at is None


def test_a_wrong_address_is_answered_with_a_sentence(connector):
    answer = Client().post(f"/c/{connector.code}/subscribe", {"email": "nonsense", "topic": ["free"]}, follow=True)
    assert "valid" in answer.content.decode()
    assert not Subscription.objects.exists()


def test_a_refused_wish_keeps_what_was_typed_and_says_why_in_its_card(connector):
    Connector.objects.update(status="charging")
    wish = {"email": "not-an-address", "topic": ["broken"]}
    text = Client().post(f"/c/{connector.code}/subscribe", wish).content.decode()
    card = text[text.index('id="subscribe"') :]
    assert "valid" in card
    assert 'value="not-an-address"' in card
    assert 'value="broken" checked' in card
    assert 'value="free" checked' not in card
    assert Client().get(f"/c/{connector.code}/subscribe").headers["Location"] == f"/c/{connector.code}#subscribe"


def test_free_again_is_offered_only_where_it_is_not_free(connector, tariff, paying):
    assert "when it is free again" not in page(f"/c/{connector.code}")
    Connector.objects.update(status="charging")
    assert "when it is free again" in page(f"/c/{connector.code}")


def test_a_slash_at_the_end_of_a_code_does_no_harm(connector):
    text = Client().get(f"/c/{connector.code}/", follow=True).content.decode()
    assert f"Connector {connector.code}" in text


def test_a_code_that_does_not_exist_is_answered_with_how_codes_look():
    assert "seven letters and digits" in Client().get("/c/NOSUCH1").content.decode()
    assert "seven letters and digits" not in Client().get("/r/guessed").content.decode()


def test_who_came_to_no_connector_types_the_code_again_with_what_stands_between_its_letters(connector):
    assert 'name="code"' in Client().get("/c/NOSUCH1").content.decode()
    code = connector.code
    answer = Client().get("/c/", {"code": f" {code[:3].lower()}-{code[3:]} "})
    assert (answer.status_code, answer.url) == (302, f"/c/{code}")
    wrong = Client().get("/c/", {"code": "NOSUCH1"})
    assert wrong.status_code == 404
    assert 'name="code"' in wrong.content.decode()
    assert Client().get("/c/").url == "/map"


def test_a_place_where_one_charges_and_the_others_are_broken_is_not_said_to_be_full_of_cars(connector, site):
    Connector.objects.filter(station=connector.station).update(status="faulted")
    Connector.objects.filter(pk=connector.pk).update(status="charging")
    assert "1 taken, 1 out of use" in page("/map")
    Connector.objects.update(status="charging")
    assert "all 2 taken" in page("/map")


def test_who_finds_it_taken_hears_first_what_is_free_right_beside_it(connector, site, tariff, paying):
    Connector.objects.filter(pk=connector.pk).update(status="charging")
    beside = page(f"/c/{connector.code}").split("Free nearby")[1]
    assert site.name in beside
    assert "right here" in beside
    Connector.objects.update(status="charging")
    assert "Free nearby" not in page(f"/c/{connector.code}")


def test_without_card_payment_a_free_connector_does_not_say_pay(connector, tariff, settings):
    settings.PAYMENTS_ON = False
    text = page(f"/c/{connector.code}")
    assert "Free. Plug in and hold up your card." in text
    assert "Plug in, pay, go" not in text
    assert "Free nearby" not in text


def test_a_distance_is_written_as_the_language_writes_numbers():
    place = Place(site=None, connectors=[], prices={}, metres=3_240)
    assert place.far == "3.2 km"
    with translation.override("es"):
        assert place.far == "3,2 km"


def test_who_cancels_at_the_provider_hears_that_nothing_was_held(connector):
    assert "Nothing was held" in page(f"/c/{connector.code}?cancelled=1")
    assert "Nothing was held" not in page(f"/c/{connector.code}")


@pytest.mark.parametrize("status", ["faulted", "charging"])
def test_where_nobody_can_pay_no_hold_is_promised(connector, tariff, paying, status):
    assert "on your card" in page(f"/c/{connector.code}")
    Connector.objects.update(status=status)
    text = page(f"/c/{connector.code}")
    assert "on your card" not in text
    assert "Somebody else is charging" not in text  # the headline says it once


def test_map_and_site_page_tell_the_price(connector, tariff, site):
    assert "from 0.49 €/kWh" in page("/map")
    assert "0.49 €/kWh" in page(f"/map/{site.pk}/")
    assert "from 0.49 €/kWh" in json.loads(page("/map/points.geojson"))["features"][0]["properties"]["note"]


def test_the_more_particular_price_is_the_one_on_the_map(connector, tariff, organization):
    cheap = Tariff.objects.create(organization=organization, name="Here", currency="EUR", **flat(per_kwh="0.39"))
    TariffAssignment.objects.create(organization=organization, tariff=cheap, connector=connector)
    assert "from 0.39 €/kWh" in page("/map")


def test_a_filtered_map_counts_what_matches_and_keeps_the_city_in_view(connector, site):
    assert "2 chargers match" in page("/map?q=kad")
    text = page("/map?q=zzz")
    assert "0 chargers match" in text
    assert f'data-centre="{site.latitude:.5f},{site.longitude:.5f}"' in text
    assert ">Search</button>" in text


def test_free_nearby_has_the_same_plug_first(connector, site, organization, gateway):
    Connector.objects.update(status="charging", plug="IEC_62196_T2")
    for name, plug, away in (("Near", "CHADEMO", 0.01), ("Far", "IEC_62196_T2", 0.5)):
        other = Site.objects.create(
            organization=organization, name=name, public=True,
            latitude=site.latitude + away, longitude=site.longitude,
        )  # fmt: skip
        station = make_station(f"{name}-1", other)
        services.connected(station_id=station.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address=None)
        Connector.objects.filter(station=station).update(status="available", plug=plug)
    text = page(f"/c/{connector.code}")
    assert text.index("Far") < text.index("Near")


def test_an_offline_station_tells_when_it_was_heard_and_an_online_one_since_when(connector, station):
    Connector.objects.update(status_at=clock.now())
    text = page(f"/c/{connector.code}")
    assert "Since " in text
    assert "Last word" not in text
    Connection.objects.update(closed_at=clock.now())
    Station.objects.update(last_seen_at=clock.now() - timedelta(minutes=5), offline_since=clock.now())
    text = page(f"/c/{connector.code}")
    assert "Last word of the station: 5 min ago" in text
    assert "Since " not in text


def test_a_link_that_nobody_gave_opens_nothing():
    for path in (
        "/s/guessed",
        "/r/guessed",
        "/r/guessed.pdf",
        "/pay/guessed/back",
        "/u/guessed/",
        "/u/confirm/guessed/",
    ):
        assert Client().get(path).status_code == 404, path
    assert Client().post("/s/guessed/stop").status_code == 404


def test_paying_while_the_provider_is_unreachable_says_so_and_charges_nothing(connector, tariff, paying, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    answer = Client().post(f"/c/{connector.code}/pay", follow=True)
    assert "nothing was charged" in answer.content.decode()
    assert not Payment.objects.filter(state="authorized").exists()


def test_buttons_need_the_pages_token(connector):
    client = Client(enforce_csrf_checks=True)
    assert client.post(f"/c/{connector.code}/pay").status_code == 403
    assert client.post(f"/c/{connector.code}/subscribe", {"email": "d@example.org"}).status_code == 403


@pytest.mark.parametrize("path", ["/map", "/c/{code}", "/map/{site}/"])
def test_a_drivers_page_loads_nothing_from_elsewhere_and_runs_no_inline_script(connector, tariff, site, path):
    answer = Client().get(path.format(code=connector.code, site=site.pk))
    text = answer.content.decode()
    assert not re.search(r"""(src=|<link[^>]*href=)["']https?://""", text)
    assert not re.search(r"<script(?![^>]*(src=|application/json))", text)
    assert " style=" not in text
    assert "unsafe" not in answer["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "most"),
    [("/map", 8), ("/map?part=list", 7), ("/map/points.geojson", 7), ("/c/{code}", 20), ("/map/{site}/", 9)],
)
def test_a_page_costs_few_queries_however_many_stations(
    connector, tariff, site, path, most, django_assert_max_num_queries
):
    for number in range(20):
        make_station(f"MANY-{number}", site)
    with django_assert_max_num_queries(most):
        Client().get(path.format(code=connector.code, site=site.pk))


def test_a_site_tells_the_way_in_the_drivers_language(site, station):
    Station.objects.filter(pk=station.pk).update(offline_since=clock.now())
    Site.objects.filter(pk=site.pk).update(access_notes="Behind the church", access_notes_in={"nl": "Achter de kerk"})
    said = {code: Client(headers={"accept-language": code}).get(f"/map/{site.pk}/").text for code in ("nl", "de")}
    assert "Achter de kerk" in said["nl"]
    assert "Behind the church" in said["de"]


def test_the_map_leads_to_help_and_receipts_like_every_other_page(connector):
    for path in ("/map", f"/c/{connector.code}"):
        text = page(path)
        assert 'href="/receipt"' in text, path
        assert 'href="/help/drivers/"' in text, path
