"""A station that was let in says neither plug nor power: nobody is told our guess, and the operator is asked."""

import pytest

from billing.queries.prices import offer
from stations import services
from stations.models import Connector, PlugType, Station
from tests.dashboard.conftest import browser, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def plain(network):
    """A station as it stands after Approve: two connectors that its status reports made."""
    station = Station.objects.get(identity="RIV-0001")
    Connector.objects.filter(station=station).update(
        **{name: Connector._meta.get_field(name).get_default() for name in ("plug", "power_type", "max_power_w")}
    )
    return station


def test_no_page_says_22_kw_of_a_plug_that_nobody_described(network, plain, client):
    connector = plain.connectors.first()
    operator = browser(network.owner)
    station = words(operator.get("/stations/RIV-0001/"))
    assert "22 kW" not in station
    assert "Plug unknown · power not known yet" in station
    assert "power not known yet" in words(operator.get("/stations/RIV-0001/edit/"))
    assert "22 kW" not in words(client.get(f"/c/{connector.code}")).split("Free nearby")[0]
    assert "22 kW" not in words(operator.get("/stations/RIV-0001/qr/"))
    assert "20 kWh in 40 min" in offer(connector=connector).example


def test_a_power_that_somebody_said_is_told_whatever_the_plug(network, plain):
    Connector.objects.filter(station=plain).update(max_power_w=50_000)
    assert plain.connectors.first().told_power_w == 50_000
    Connector.objects.filter(station=plain).update(plug=PlugType.IEC_62196_T2, max_power_w=22_000)
    assert plain.connectors.first().told_power_w == 22_000


def test_overview_list_and_station_ask_the_operator_for_it(network, plain):
    client = browser(network.owner)
    overview = words(client.get("/"))
    assert "the plugs of 2 connectors are not known yet" in overview
    assert "/stations/?status=undescribed" in overview
    rows = client.get("/stations/", {"status": "undescribed"}).context["rows"]
    assert [row.identity for row, _segments in rows] == ["RIV-0001"]
    page = words(client.get("/stations/RIV-0001/"))
    assert "What plugs 2 connectors have and what they give is not known yet" in page
    assert "/stations/RIV-0001/connectors/" in page


def test_who_names_the_plug_names_its_power_too(network, plain):
    client = browser(network.owner)
    url = "/stations/RIV-0001/connectors/"
    form = client.get(url).context["forms"][0]
    assert form["max_power_w"].value() is None
    sent = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "0", "form-0-evse": "1", "form-0-connector": "1"}
    sent |= {"form-0-plug": "IEC_62196_T2_COMBO", "form-0-power_type": "DC", "form-0-max_power_w": ""}
    assert "What can it give at most?" in words(client.post(url, sent))
    assert client.post(url, sent | {"form-0-max_power_w": "50000"}).status_code == 302
    assert "not known yet" not in words(client.get("/stations/RIV-0001/"))


def test_after_approve_the_station_itself_is_shown(network):
    station = services.quarantine(identity="NEW-1", address="10.0.0.9", protocol="ocpp2.0.1")
    sent = {"site": network.sites[0].pk, "name": "New", "security_profile": "1", "how": "none"}
    answer = browser(network.owner).post(f"/quarantine/{station.pk}/", sent)
    assert answer.headers["Location"] == "/stations/NEW-1/"
