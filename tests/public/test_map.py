"""The drivers' map and its list: by viewport, drawn together by the server, one set of wishes for both."""

import time
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client

from billing.models import CardReader, Tariff, TariffAssignment
from evcms.core import clusters
from evcms.core.clusters import Box
from stations.models import Connector, Site
from tests.public.big import country
from tests.tariffs import flat

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday


@pytest.fixture
def street(organization, gateway):
    """Three sites: two side by side, one far away."""
    sites = country(organization, gateway, 3)
    for site, name, place in zip(
        sites, ("Kade 10", "Kade 2", "Verweg"), ((52, 4.5), (52.001, 4.501), (53, 6)), strict=True
    ):
        site.name, (site.latitude, site.longitude) = name, place
        site.opening_hours, site.accessible = "", False
    Site.objects.bulk_update(sites, ["name", "latitude", "longitude", "opening_hours", "accessible"])
    Connector.objects.update(status="available")
    return sites


def price(organization, amount, **where):
    tariff = Tariff.objects.create(organization=organization, name=str(amount), currency="EUR", **flat(per_kwh=amount))
    TariffAssignment.objects.create(organization=organization, tariff=tariff, **where)


def points(**query):
    return Client().get("/map/points.geojson", query).json()["features"]


def listed(query=""):
    return Client().get(f"/map?part=list&{query}").content.decode()


def names(query=""):
    text = listed(query)
    return [name for name in ("Kade 2", "Kade 10", "Verweg") if f">{name}<" in text]


def test_places_that_stand_close_are_one_mark_with_what_is_free_until_one_comes_near(street):
    near, far = sorted(points(bbox="3,50,7,54", zoom=7), key=lambda each: "name" in each["properties"])
    assert (near["properties"]["cluster"], near["properties"]["free"], near["properties"]["total"]) == (2, 4, 4)
    assert near["properties"]["box"] == [4.5, 52, 4.501, 52.001]
    assert far["properties"]["name"] == "Verweg"
    assert far["properties"]["word"] == "2 of 2 free"
    assert {each["properties"]["name"] for each in points(bbox="4.4,51.9,4.6,52.1", zoom=16)} == {"Kade 10", "Kade 2"}


def test_a_mark_keeps_its_name_when_the_map_moves(street):
    key = points(bbox="4,51,5,53", zoom=9)[0]["properties"]["key"]
    assert points(bbox="4.4,51.5,5.2,52.5", zoom=9)[0]["properties"]["key"] == key


@pytest.mark.parametrize("query", ["bbox=1,2,3&zoom=9", "bbox=a,b,c,d", "zoom=-1", "zoom=999", "near=north", "page=0",
                                   "kwh=-3", "most=NaN", "minutes=1e9", "bbox=999,0,999,0&near=1,2,3"])  # fmt: skip
def test_nonsense_in_the_address_leaves_the_other_wishes_alone(street, query):
    features = Client().get(f"/map/points.geojson?{query}&q=kade").json()["features"]
    assert sum(each["properties"].get("cluster", 1) for each in features) == 2
    assert names(f"{query}&q=kade") == ["Kade 2", "Kade 10"]


@pytest.mark.parametrize(("query", "name"), [("power=abc", "Power"), ("plug=x", "Plug"), ("kwh=-3", "Energy (kWh)"),
                                             ("bbox=a", "Part of the map"), ("near=north", "Your place")])  # fmt: skip
def test_nonsense_in_the_address_is_said_and_not_dropped_in_silence(street, query, name):
    assert f"Left out because it cannot be read: {name}." in listed(query)
    assert "Left out" not in listed("power=11000&q=kade")


def test_a_box_over_the_date_line_holds_both_of_its_sides():
    box = Box(170, -20, -170, 0)
    assert box.holds(-10, 175)
    assert box.holds(-10, -175)
    assert not box.holds(-10, 0)


def test_never_more_marks_than_a_phone_can_draw():
    rows = [clusters.pin(52 + place / 10_000, 4 + place % 100 / 1000) for place in range(3000)]
    marks = clusters.marks(rows, 18, lambda row: row)
    assert len(marks) <= clusters.MOST
    assert sum(len(mark.items) for mark in marks) == 3000


def test_the_list_sorts_numbers_by_their_worth_and_the_nearest_first_when_somebody_says_where_he_is(street):
    text = listed()
    assert text.index(">Kade 2<") < text.index(">Kade 10<") < text.index(">Verweg<")
    text = listed("near=53.001,6.0")
    assert text.index(">Verweg<") < text.index(">Kade 2<")
    assert "110 m" in text


def test_the_list_shows_what_the_map_shows(street):
    assert names("bbox=5,52.5,7,54") == ["Verweg"]


def test_open_now_goes_by_the_sites_own_clock_and_leaves_out_what_nobody_can_read(street):
    for site, words in zip(street, ("Mo-Fr 13:00-14:00", "Mo 06:00-12:30", "ask inside"), strict=True):
        Site.objects.filter(pk=site.pk).update(opening_hours=words)
    with time_machine.travel(NOON, tick=False):  # 13:00 in Amsterdam
        assert names("open=on") == ["Kade 10"]
        assert "closed now" in listed("q=Kade 2")
        assert "Mon – Fri" in Client().get(f"/map/{street[0].pk}/").content.decode()
        assert "ask inside" in Client().get(f"/map/{street[2].pk}/").content.decode()


def test_the_price_is_that_of_my_usual_charge_by_the_real_tariff(street, organization):
    price(organization, "0.50")
    price(organization, "0.30", site=street[2])
    assert "≈ 10.00 € for 20 kWh" in listed("q=kade 2")
    assert "≈ 15.00 € for 50 kWh" in listed("q=verweg&kwh=50&minutes=60")
    assert names("most=6") == ["Verweg"]
    assert names("most=10") == ["Kade 2", "Kade 10", "Verweg"]


def test_ways_to_pay_are_those_that_work_there(street, organization, settings):
    settings.PAYMENTS_ON = True
    price(organization, "0.50")
    free = Tariff.objects.create(organization=organization, name="Free", currency="EUR", **flat(per_kwh="0"))
    TariffAssignment.objects.create(organization=organization, tariff=free, site=street[2])
    CardReader.objects.create(organization=organization, label="R", provider_id="r", site=street[1], state="online")
    assert names("pay=scan") == ["Kade 2", "Kade 10"]
    assert names("pay=reader") == ["Kade 2"]
    assert names("pay=free") == ["Verweg"]
    assert names("pay=account") == ["Kade 2", "Kade 10", "Verweg"]
    settings.PAYMENTS_ON = False
    assert names("pay=scan") == []


def test_what_did_not_change_is_not_sent_again(street):
    client, path = Client(), "/map/points.geojson?bbox=3,50,7,54&zoom=7"
    tag = client.get(path)["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    Connector.objects.filter(station__site=street[2]).update(status="charging")
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_an_empty_list_names_the_filter_only_where_one_is_set(street):
    assert "No station fits these wishes. Clear the filter" in listed("q=Nowhere")
    assert "No station in this part of the map." in listed("bbox=100,10,101,11&zoom=12")
    Site.objects.update(public=False)
    assert "No station is on the map yet." in listed()


def test_many_places_come_by_the_page(organization, gateway):
    country(organization, gateway, 60)
    text = listed("accessible=on&q=plein")
    assert "1–20 of 20 places" not in text
    assert "More places" not in text
    text = listed()
    assert "1–25 of 60 places" in text
    assert "page=2" in text
    assert "26–50 of 60 places" in listed("page=2")


def test_a_status_is_read_again_only_after_a_while_and_what_stands_later_still(
    street, organization, settings, django_assert_num_queries
):
    assert len(points()) == 3
    settings.MAP_FRESH_SECONDS = 60
    with django_assert_num_queries(0):
        points()
    settings.MAP_FRESH_SECONDS = 0
    Site.objects.filter(pk=street[2].pk).update(public=False)
    assert len(points()) == 2


@pytest.mark.long
def test_ten_thousand_stations_answer_within_the_budget(organization, gateway, settings, django_assert_max_num_queries):
    country(organization, gateway, 10_000)
    price(organization, "0.50")
    client = Client()
    with django_assert_max_num_queries(20):
        begin = time.perf_counter()
        assert client.get("/map").status_code == 200
        print(f"cold page {time.perf_counter() - begin:.3f} s")
    settings.MAP_FRESH_SECONDS, slow = 2, []
    views = ("bbox=3,50,8,54&zoom=8", "bbox=4.8,52,5.2,52.4&zoom=12", "bbox=4.8,52,5.2,52.4&zoom=16")
    pages = ["/map", "/map?part=list&free=on", "/map?most=12&kwh=30"]
    for path in pages + [f"/map/points.geojson?{view}" for view in views]:
        spent, waited = [], []
        for _ in range(50):
            clocks = time.thread_time(), time.perf_counter()
            answer = client.get(path)
            spent.append(time.thread_time() - clocks[0])  # of this thread alone: other loads do not count
            waited.append(time.perf_counter() - clocks[1])
            assert answer.status_code == 200
        p95 = sorted(spent)[47]
        clock = sorted(waited)[47]
        print(f"{path}: p95 {p95 * 1000:.0f} ms of CPU, {clock * 1000:.0f} ms in all, {len(answer.content)} bytes")
        slow += [path] * (p95 >= 0.3)
    assert not slow
    assert len(client.get("/map/points.geojson").json()["features"]) <= clusters.MOST


def test_a_plug_that_nobody_described_is_found_by_no_power_and_no_page_names_one(street):
    here = Connector.objects.filter(station__site=street[0])
    here.update(plug="UNKNOWN", max_power_w=22_000)
    assert names() == ["Kade 2", "Kade 10", "Verweg"]
    assert names("power=11000") == ["Kade 2", "Verweg"]
    assert "Plug unknown" in listed()
    assert "22 kW" not in Client().get(f"/map/{street[0].pk}/").content.decode()
    [point] = [each for each in points(bbox="4.4,51.9,4.6,52.1", zoom=16) if each["properties"]["name"] == "Kade 10"]
    assert "kW" not in point["properties"]["note"].split("€")[0]
    told = Client().get("/open-data/stations.geojson").json()
    ours = [
        one for each in told["features"] for one in each["properties"]["connectors"] if one["standard"] == "UNKNOWN"
    ]
    assert {(one["max_power_w"], one["power_type"]) for one in ours} == {(None, None)}


def plug(site, number=1, **what):
    """Names what one of its plugs is; the sites of `country` have two."""
    row = Connector.objects.filter(station__site=site).order_by("pk")[number - 1]
    Connector.objects.filter(pk=row.pk).update(**what)
    return row


def test_plug_power_and_price_in_the_list_are_those_of_one_plug(street, organization):
    slow = plug(street[0], 1, plug="IEC_62196_T2", power_type="AC_3_PHASE", max_power_w=22_000)
    fast = plug(street[0], 2, plug="IEC_62196_T2_COMBO", power_type="DC", max_power_w=50_000)
    price(organization, "0.65", connector=fast)
    price(organization, "0.44", connector=slow)
    text = listed("q=kade 10")
    assert "Type 2 · 22 kW · <span" in text
    assert "from 0.44 €/kWh" in text
    assert "also CCS up to 50 kW" in text
    note = points(q="kade 10")[0]["properties"]["note"]
    assert note == "Type 2 · 22 kW · from 0.44 €/kWh · also CCS up to 50 kW"
    assert "CCS · 50 kW · <span" in listed("q=kade 10&plug=IEC_62196_T2_COMBO")
    assert "from 0.65 €/kWh" in listed("q=kade 10&plug=IEC_62196_T2_COMBO")


def test_minutes_hold_only_where_the_power_of_the_plug_can_do_it(street, organization):
    price(organization, "0.50")
    plug(street[0], 1, plug="IEC_62196_T2", power_type="AC_3_PHASE", max_power_w=22_000)
    plug(street[0], 2, plug="IEC_62196_T2", power_type="AC_3_PHASE", max_power_w=11_000)
    assert "≈ 25.00 € for 50 kWh in 273 min" in listed("q=kade 10&kwh=50&minutes=20")
    plug(street[0], 2, power_type="DC", max_power_w=150_000)
    assert "≈ 25.00 € for 50 kWh in 20 min" in listed("q=kade 10&kwh=50&minutes=20")


def test_a_price_by_the_minute_is_for_as_long_as_the_plug_needs(street, organization):
    tariff = Tariff.objects.create(organization=organization, name="M", currency="EUR", **flat(per_minute="0.10"))
    TariffAssignment.objects.create(organization=organization, tariff=tariff)
    Connector.objects.update(power_type="AC_3_PHASE", max_power_w=11_000)
    assert "≈ 10.90 € for 20 kWh in 109 min" in listed("q=kade 10&minutes=10")
    assert names("most=10") == []


def test_what_he_calls_his_usual_charge_is_the_example_on_the_connectors_page_too(street, organization):
    price(organization, "0.50")
    plug(street[0], 2, power_type="AC_3_PHASE", max_power_w=11_000)
    code = plug(street[0], 1, plug="IEC_62196_T2", power_type="AC_3_PHASE", max_power_w=22_000).code
    driver = Client()
    assert "20 kWh in 109 min ≈ 10.00 €" in driver.get(f"/c/{code}").content.decode()
    driver.get("/map?part=list&kwh=50&minutes=20")
    text = driver.get(f"/c/{code}").content.decode()
    assert "50 kWh in 273 min ≈ 25.00 €" in text
    assert "11 kW, the most that most cars take" in text
    assert "for 50 kWh in 273 min" in driver.get("/map?part=list&q=kade 10").content.decode()
    for nonsense in ("0-0", "999-1", "x", "²-3", "50", "-5-5"):
        stranger = Client()
        stranger.cookies["usual-charge"] = nonsense
        assert "20 kWh in 109 min" in stranger.get(f"/c/{code}").content.decode()


def test_the_field_for_the_highest_price_names_its_money(street, organization):
    price(organization, "0.50")
    assert "At most (EUR)" in Client().get("/map").content.decode()
    other = Tariff.objects.create(organization=organization, name="F", currency="CHF", **flat(per_kwh="0.6"))
    TariffAssignment.objects.create(organization=organization, tariff=other, site=street[2])
    assert "At most<" in Client().get("/map").content.decode()


def test_the_list_says_how_it_is_ordered(street):
    Connector.objects.filter(station__site=street[1]).update(status="charging")
    text = listed()
    assert "Free ones first, then by name." in text
    assert text.index(">Kade 10<") < text.index(">Kade 2<")
    assert "Free ones first, the nearest on top." in listed("near=53.001,6.0")
