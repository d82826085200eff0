"""What one page says of the same thing in two places is the same: links, powers, costs, and that something is wrong."""

import re
from datetime import timedelta

import pytest

from alerts.models import Incident
from billing.models import Bill
from billing.vocabulary import BillState
from evcms.core import clock
from evcms.dashboard.queries import street
from evcms.dashboard.queries.places import places
from evcms.templatetags import figures
from sessions import queries as sessions
from sessions.models import ChargingSession, UsageHour
from stations import queries
from stations import services as stations
from stations.models import Connector, Evse
from tests.dashboard.conftest import browser, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def dark(network):
    """A station loses its link while a car charges there."""
    session = ChargingSession.objects.filter(ended_at=None, power_w__gt=0, station__connection__isnull=False).first()
    stations.disconnected(connection_id=session.station.connection_id, reason="the line is cut")
    clock.advance(timedelta(minutes=2))
    session.refresh_from_db()
    return session


def row_of(network, session):
    return queries.stations(network.owner).select_related("connection").get(pk=session.station_id)


def test_power_of_a_station_without_a_link_is_the_last_known_and_counts_nowhere_as_power_now(network, dark):
    others = ChargingSession.objects.filter(ended_at=None, station__connection__isnull=False)
    assert others.exists()
    flow = sessions.now(network.owner)
    assert (flow.sessions, flow.unheard) == (6, 1)
    assert flow.power_w == sum(max(0, row.power_w or 0) for row in others)
    [place] = places(network.owner, [dark.site])
    here = others.filter(site=dark.site)
    assert (place.sessions, place.unheard) == (here.count() + 1, 1)
    assert place.power_w == sum(max(0, row.power_w or 0) for row in here)
    client = browser(network.owner)
    assert "1 at an offline station, its power is not known" in words(client.get("/"))
    assert "1 at an offline station, its power is not known" in words(client.get(f"/sites/{dark.site_id}/"))
    page = words(client.get(f"/stations/{dark.station.identity}/"))
    assert "Last known power" in page
    assert "<dt>Power</dt>" not in page


def test_head_and_plugs_of_an_offline_station_name_one_moment(network, dark):
    station = row_of(network, dark)
    cards = street.cards(network.owner, station, with_cost=False)
    assert {card.since for card in cards} == {station.dark_since}
    assert street.health(station, cards) == "It went offline 2 min ago."
    clock.advance(timedelta(minutes=2, seconds=40))
    assert street.health(station, cards) == f"It went offline {figures.ago(cards[0].since)}."
    page = words(browser(network.owner).get(f"/stations/{dark.station.identity}/"))
    assert "last message" in page
    assert "last heard" not in page


def test_nothing_is_wrong_is_said_only_where_the_sentence_says_so_too(network, dark):
    Incident.objects.all().delete()
    page = words(browser(network.owner).get("/"))
    assert "stations offline" in page
    assert "othing is wrong" not in page
    assert "No incident is open" in page
    assert "none is open" in page


def test_a_running_session_costs_in_each_list_what_its_own_page_says(network):
    client = browser(network.owner)
    session = ChargingSession.objects.filter(ended_at=None).first()
    cost = client.get(f"/sessions/{session.public_id}/").context["money"].cost.total
    rows = {row.pk: row for row in client.get("/sessions/", {"state": "running"}).context["page"]}
    assert rows[session.pk].so_far == cost
    part = client.get(f"/stations/{session.station.identity}/", {"part": "sessions", "page": "1"})
    assert {row.pk: row for row in part.context["page"]}[session.pk].so_far == cost
    text = words(part)
    assert "<html" not in text
    assert "so far" in text
    assert "part=sessions" not in text


def test_a_session_without_a_price_is_not_free(network):
    bill = Bill.objects.exclude(session__ended_at=None).select_related("session").first()
    none = {"state": BillState.REVIEW, "snapshot": None, "total_minor": 0, "final_at": clock.now()}
    Bill.objects.filter(pk=bill.pk).update(**none)
    page = words(browser(network.owner).get("/sessions/", {"q": bill.session.public_id}))
    assert "no price" in page
    assert "0.00 €" not in page


def test_costs_of_many_sessions_take_as_many_queries_as_of_one(network, django_assert_max_num_queries):
    client = browser(network.owner)
    client.get("/sessions/")
    with django_assert_max_num_queries(16):
        client.get("/sessions/")
    identity = Connector.objects.filter(sessions__ended_at=None).first().station.identity
    with django_assert_max_num_queries(16):
        client.get(f"/stations/{identity}/", {"part": "sessions"})


def test_the_smallest_network_reads_figures_that_say_something(network):
    UsageHour.objects.all().delete()
    evse = Evse.objects.filter(station__organization=network.organization).first()
    hour = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    UsageHour.objects.create(evse=evse, hour=hour, energy_mwh=300_000, occupied_seconds=1_200, charging_seconds=1_100)
    client = browser(network.owner)
    assert "0.30" in words(client.get("/"))
    week = words(client.get("/?part=week"))
    assert "0.30 kWh delivered, 300 W in the strongest hour" in week
    assert re.search(r"Fullest on \w+: 0\.\d % of the time plugged in", week)


def test_a_week_without_a_car_names_no_fullest_day(network):
    UsageHour.objects.all().delete()
    week = words(browser(network.owner).get("/?part=week"))
    assert "How full was it?" in week
    assert "Fullest" not in week
    assert "0 kWh delivered" in week


@pytest.mark.parametrize(
    ("mwh", "said"),
    [
        (None, "–"), (0, "0 kWh"), (300_000, "0.30 kWh"), (1_690_000, "1.69 kWh"), (16_940_000, "16.9 kWh"),
        (9_999_000, "10.0 kWh"), (99_960_000, "100 kWh"), (1_240_400_000, "1,240 kWh"), (-300_000, "-0.30 kWh"),
    ],
)  # fmt: skip
def test_a_sum_of_energy_has_the_decimals_of_its_size(mwh, said):
    assert figures.sum_kwh(mwh) == said
