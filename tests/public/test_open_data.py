"""The open data of the network: one feature per recharging point, what stands there and what can be used."""

import pytest
from django.test import Client

from billing.models import Tariff, TariffAssignment
from stations.models import Connector, Evse, Site
from tests.tariffs import flat

pytestmark = pytest.mark.django_db(transaction=True)
STATIC, DYNAMIC = "/open-data/stations.geojson", "/open-data/status.geojson"


@pytest.fixture
def network(organization, site, linked):
    tariff = Tariff.objects.create(
        organization=organization, name="S", currency="EUR", **flat(per_kwh="0.49", per_start="0.35")
    )
    TariffAssignment.objects.create(organization=organization, tariff=tariff)
    Site.objects.update(opening_hours="Mo-Fr 06:00-22:00", city="Den Haag")
    Evse.objects.filter(number=1).update(evse_id="NL*CTY*E1*1")
    Connector.objects.filter(evse__number=1).update(status="available")
    Connector.objects.filter(evse__number=2).update(status="faulted")
    return linked


def feed(path):
    answer = Client().get(path)
    assert answer["Access-Control-Allow-Origin"] == "*"
    return answer.json()


def test_what_stands_there_has_hours_plugs_and_a_price(network, site):
    Connector.objects.filter(evse__evse_id="NL*CTY*E1*1").update(plug="IEC_62196_T2")
    told = feed(STATIC)
    first, second = told["features"]
    assert [first["id"], second["id"]] == ["NL*CTY*E1*1", "KADE-01*2"]
    assert first["geometry"]["coordinates"] == [site.longitude, site.latitude]
    assert first["properties"]["city"] == "Den Haag"
    week = first["properties"]["opening_times"]["regular_hours"]
    assert week[0] == {"weekday": 1, "period_begin": "06:00", "period_end": "22:00"}
    assert [each["weekday"] for each in week] == [1, 2, 3, 4, 5]
    plug = first["properties"]["connectors"][0]
    assert (plug["id"], plug["max_power_w"], plug["format"]) == ("NL*CTY*E1*1-1", 22_000, "SOCKET")
    price = told["tariffs"][plug["tariff"]]
    assert price["currency"] == "EUR"
    assert price["elements"][0]["price_components"][0]["type"] == "ENERGY"


def test_what_can_be_used_now_is_joined_by_the_same_ids(network):
    told = {each["id"]: each["properties"] for each in feed(DYNAMIC)["features"]}
    assert told["NL*CTY*E1*1"]["status"] == "AVAILABLE"
    assert told["KADE-01*2"]["connectors"][0]["status"] == "OUTOFORDER"
    assert told.keys() == {each["id"] for each in feed(STATIC)["features"]}


def test_what_is_not_public_is_in_neither(network, site):
    Site.objects.update(public=False)
    assert feed(STATIC)["features"] == feed(DYNAMIC)["features"] == []


@pytest.mark.parametrize("path", [STATIC, DYNAMIC])
def test_what_did_not_change_costs_no_body(network, path):
    client = Client()
    first = client.get(path)
    assert client.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert client.get(path, headers={"If-Modified-Since": first["Last-Modified"]}).status_code == 304
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


def test_a_changed_status_is_told_at_once(network):
    client = Client()
    tag = client.get(DYNAMIC)["ETag"]
    Connector.objects.update(status="charging")
    answer = client.get(DYNAMIC, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert {each["properties"]["status"] for each in answer.json()["features"]} == {"CHARGING"}
