"""Is everything all right? The overview says so in a sentence, from rows, the worst thing first."""

import html
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Sum
from django.test import Client, override_settings

from alerts.models import Incident, Notification
from alerts.vocabulary import Severity
from billing.models import Bill
from evcms.core import clock
from evcms.core.access import Role
from evcms.core.models import Organization, User
from evcms.dashboard.queries import network as numbers
from evcms.dashboard.queries.tape import tape
from sessions import queries as sessions
from sessions.models import Driver
from stations.models import Evse, SiteGrant, Station
from stations.vocabulary import ConnectorStatus
from tests.dashboard.conftest import browser, words
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db


def test_a_stranger_at_the_door_is_led_to_the_map():
    answer = Client().get("/")
    assert (answer.status_code, answer.url) == (302, "/map")


def test_who_belongs_to_no_organization_is_told_what_to_do():
    client = Client()
    client.force_login(
        User.objects.create_user("lost@example.org", "x"), backend="django.contrib.auth.backends.ModelBackend"
    )
    page = words(client.get("/"))
    assert "not a member of any organization" in page
    assert "lost@example.org" in page


def test_a_driver_without_organization_is_led_to_his_account(network):
    user = User.objects.create_user("anna@example.org", "x")
    Driver.objects.create(organization=network.organization, user=user, name="Anna")
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/").headers["Location"] == "/account/"


def test_staff_without_organization_is_led_to_the_administration():
    client = Client()
    client.force_login(
        User.objects.create_user("root@example.org", "x", is_staff=True),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    assert 'href="/admin/"' in words(client.get("/"))


def test_five_tiles_are_laid_out_as_five(network):
    assert "ev-tiles-five" not in words(browser(network.owner).get("/"))
    assert "ev-tiles-five" in words(browser(network.member(Role.VIEWER, "v@example.org")).get("/"))


def test_an_empty_organization_is_shown_how_to_begin():
    owner = make_access(Organization.objects.create(name="New", slug="new"))
    page = words(browser(owner).get("/"))
    assert "No station is connected yet." in page
    assert "/setup/stations/new/" in page


def test_the_sentence_names_the_worst_thing_first(network):
    page = words(browser(network.owner).get("/"))
    sentence = page[page.index('class="ev-sentence"') : page.index("ev-sub")]
    assert sentence.index("1 of 12 stations offline") < sentence.index("1 connector faulted")
    assert "/stations/?status=offline" in sentence


def test_each_worry_leads_to_as_many_rows_as_it_says(network):
    Incident.objects.filter(kind="connector_faulted").update(severity=Severity.CRITICAL)
    client = browser(network.owner)
    found = re.findall(r'href="(/incidents/[^"]+)">(\d+) (?:critical )?incidents?', words(client.get("/")))
    assert len(found) == 2
    for url, number in found:
        assert client.get(html.unescape(url)).context["page"].paginator.count == int(number), url


def test_when_all_is_well_the_sentence_says_so(network):
    Incident.objects.all().delete()
    network.status(network.stations[2], 2, ConnectorStatus.AVAILABLE)
    network.link(network.stations[7])
    assert "All 12 stations</a> are online and nothing waits for you." in words(browser(network.owner).get("/"))


def today_begins():
    zone = "Europe/Amsterdam"
    return sessions.day_bounds(clock.now().astimezone(ZoneInfo(zone)).date(), zone)[0]


def test_the_figures_are_the_rows(network):
    page = words(browser(network.owner).get("/"))
    flow = sessions.now(network.owner)
    assert flow.sessions == 6
    assert "6 sessions" in page
    assert "858 kW grid limit" in page
    today = numbers.today(network.owner, "Europe/Amsterdam")
    hours = sessions.usage(network.owner).filter(hour__gte=today_begins())
    assert today.energy_mwh == hours.aggregate(total=Sum("energy_mwh"))["total"] > 0
    assert sum(today.energy_curve) == today.energy_mwh


def test_a_week_is_the_hours_of_its_days(network):
    week = numbers.week(network.owner, "Europe/Amsterdam")
    hours = sessions.usage(network.owner).filter(hour__gte=today_begins() - timedelta(days=6))
    assert week.energy_mwh == hours.aggregate(total=Sum("energy_mwh"))["total"]
    today = hours.filter(hour__gte=today_begins()).aggregate(total=Sum("occupied_seconds"))["total"] or 0
    ports = Evse.objects.filter(station__organization=network.organization, station__archived_at=None).count()
    passed = (clock.now() - today_begins()).total_seconds()
    assert round(100 * today / ports / passed) == pytest.approx(week.occupied[-1], abs=1)


def test_every_part_can_be_fetched_alone(network):
    client = browser(network.owner)
    for part in ("now", "flow", "incidents", "tape", "lines", "week"):
        page = words(client.get(f"/?part={part}", headers={"X-Requested-With": "evcms-live"}))
        assert "<html" not in page


def test_the_week_that_comes_after_the_page_brings_its_charts_as_attributes(network):
    """The browser's htmx drops every script, data in one too: a chart that reads its data there stays empty."""
    page = words(browser(network.owner).get("/?part=week", headers={"HX-Request": "true"}))
    assert page.count("data-values=") == 2
    assert "<script" not in page


def test_the_overview_costs_few_queries(network, django_assert_max_num_queries):
    client = browser(network.owner)
    client.get("/")
    with django_assert_max_num_queries(21):
        client.get("/")
    with django_assert_max_num_queries(15):
        client.get("/?part=now", headers={"X-Requested-With": "evcms-live"})
    with django_assert_max_num_queries(10):
        client.get("/?part=tape", headers={"X-Requested-With": "evcms-live"})


def test_the_tape_says_what_happened_and_can_be_narrowed(network):
    lines = [line.text for line in tape(network.owner)]
    assert any("is faulted: GroundFailure" in line for line in lines)
    assert any(line.startswith("Session started at ") for line in lines)
    assert all("ession" in line.text for line in tape(network.owner, "sessions"))
    assert {line.status for line in tape(network.owner, "links")} <= {"online", "offline"}


def test_the_tape_is_blank_for_another_organization(network):
    rival = make_access(Organization.objects.create(name="Rival", slug="rival"))
    assert tape(rival) == []


def test_a_member_of_one_site_sees_only_that_site(network):
    viewer = network.member(Role.VIEWER, "bo@example.org", all_sites=False)
    SiteGrant.objects.create(membership=viewer.membership, site=network.sites[0])
    client = browser(viewer)
    page = words(client.get("/"))
    assert "3 stations</a> are online" in page
    assert [each["properties"]["name"] for each in client.get("/overview/points.geojson").json()["features"]] == [
        "Kade Noord"
    ]
    assert "Havenweg" not in " ".join(line.text for line in tape(viewer))


def test_captured_money_is_for_those_who_may_see_money(network):
    assert "Captured today" in words(browser(network.owner).get("/"))
    assert "Captured today" not in words(browser(network.member(Role.VIEWER, "v@example.org")).get("/"))


@override_settings(MAIL_ON=False, PAYMENTS_ON=False)
def test_what_is_not_set_up_is_said_with_how_many_mails_wait(network):
    Notification.objects.all().delete()
    Notification.objects.create(organization=network.organization, key="k", template="t", to="a@example.org")
    page = words(browser(network.owner).get("/"))
    assert "Mail is not set up: 1 message waits." in page
    assert "Card payment is off" in page


def test_what_of_money_waits_for_a_person_is_counted_in_the_menu_and_said(network):
    bill = Bill.objects.first()
    Bill.objects.filter(pk=bill.pk).update(state="review")
    page = words(browser(network.owner).get("/"))
    assert "1 bill waits for a person" in page
    assert page.count("ev-menu-badge") == 2  # incidents, money
    money = words(browser(network.owner).get("/payers/"))
    assert re.search(r'href="/money/" aria-current="page"', money)


def test_a_station_in_quarantine_waits_in_the_sentence_and_the_menu(network):
    Station.objects.create(organization=network.organization, identity="STRANGER")
    page = words(browser(network.owner).get("/"))
    assert "1 station wants to be let in" in page
    assert page.count("ev-menu-badge") == 2


def test_the_map_shows_trouble_before_free_places(network):
    features = browser(network.owner).get("/overview/points.geojson").json()["features"]
    states = {each["properties"]["name"]: each["properties"]["status"] for each in features}
    assert states["Havenweg"] == "offline"
    assert states["Parkeergarage Oost"] == "faulted"
    assert states["Kade Noord"] in ("available", "charging")


def test_a_gateway_that_is_lost_is_one_line_and_its_incident_opens(network):
    Incident.objects.create(
        organization=network.organization, kind="gateway_lost", key="g", title="The gateway is lost", severity=4
    )
    client = browser(network.owner)
    assert "1 critical incident" in words(client.get("/"))
    assert "The gateway is lost" in words(client.get(f"/incidents/{Incident.objects.get(key='g').pk}/"))


def test_the_wall_screen_has_the_same_sentence(network):
    page = words(browser(network.owner).get("/?wall=1"))
    assert 'class="ev-wall"' in page
    assert "1 of 12 stations offline" in page


def test_a_change_reaches_the_next_fetch(network):
    client = browser(network.owner)
    assert "1 connector faulted" in words(client.get("/?part=now"))
    network.status(network.stations[3], 1, ConnectorStatus.FAULTED, error="OverVoltage")
    assert "2 connectors faulted" in words(client.get("/?part=now"))


def test_a_monitor_may_ask_by_head(network):
    for path in ("/", "/map"):
        assert Client().head(path).status_code < 400
