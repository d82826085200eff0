"""The public status page: true, cheap, and silent about everything that is not meant for the public."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.core.cache import cache

from alerts import services
from alerts.models import AlertSettings
from alerts.vocabulary import IncidentKind
from evcms.core import clock
from evcms.core.models import Organization
from stations import availability
from stations import services as stations
from stations.models import Connection, Connector, MaintenanceWindow, Site, Station, StatusChange
from stations.services.availability import EVER, touch
from tests.alerts.conftest import make_contact
from tests.stations.conftest import make_station

pytestmark = pytest.mark.django_db
URL = "/status/city/"


@pytest.fixture
def page(organization):
    return AlertSettings.objects.create(organization=organization, status_page=True, status_intro="We care.")


@pytest.fixture
def connector(linked, station):
    return station.connectors.order_by("evse__number").first()


def read(client, url=URL, **headers):
    cache.clear()
    answer = client.get(url, **headers)
    assert answer.status_code == 200
    return answer.content.decode()


def outage(station, owner, note="A cable was stolen. We are on it."):
    incident = services.open_incident(
        kind=IncidentKind.STATION_OFFLINE, key="k", title="INTERNAL-TITLE router 10.0.0.7 dead",
        organization_id=station.organization_id, station_ids=[station.pk], site_id=station.site_id, recovery=(),
        detail={"error_code": "INTERNAL-CODE"},
    )  # fmt: skip
    services.add_note(access=owner, incident=incident, text="INTERNAL-NOTE blame the cleaner")
    services.publish_note(access=owner, incident=incident, public=True, note=note)
    return incident


def test_there_is_no_page_unless_the_operator_wants_one(client, organization):
    assert client.get(URL).status_code == 404
    assert client.get(f"{URL}feed.atom").status_code == 404
    AlertSettings.objects.create(organization=organization, status_page=False)
    assert client.get(URL).status_code == 404
    assert client.get("/status/nobody/").status_code == 404


def test_it_says_how_many_connectors_can_be_used_and_where_there_is_trouble(client, page, linked):
    Connector.objects.filter(station=linked).update(status="available", status_at=clock.now())
    said = read(client)
    assert "2 of 2 connectors can be used" in said
    assert "Everything works" in said
    Connector.objects.filter(station=linked, evse__number=1).update(status="faulted")
    said = read(client)
    assert "1 of 2 connectors can be used" in said
    assert "1 of 2 connectors out of order" in said
    assert "We care." in said


def test_a_station_that_never_spoke_is_nobodys_trouble(client, page, linked):
    Connector.objects.filter(station=linked).update(status="available", status_at=clock.now())
    make_station("PLANNED-01", linked.site)
    assert "2 of 2 connectors can be used" in read(client)
    assert client.get(f"/map/{linked.site_id}/").content.count(b"PLANNED-01") == 0
    planned = Connector.objects.filter(station__identity="PLANNED-01").first()
    assert client.get(f"/c/{planned.code}").status_code == 200  # who stands before it reads that it is not connected


def test_a_public_incident_shows_its_notes_and_nothing_internal_leaks(client, page, station, owner, organization):
    make_contact(organization, "INTERNAL-contact@x.org")
    incident = outage(station, owner)
    services.publish_note(access=owner, incident=incident, public=True, note="Parts arrive on Monday.")
    for url in (URL, f"{URL}feed.atom"):
        said = read(client, url)
        assert "A cable was stolen." in said
        assert "Parts arrive on Monday." in said
        assert "INTERNAL" not in said
        assert owner.user.email not in said
        assert str(incident.pk) + "/act" not in said


def test_an_incident_that_is_not_public_is_not_there(client, page, station, owner):
    incident = outage(station, owner)
    services.publish_note(access=owner, incident=incident, public=False, note="A cable was stolen. We are on it.")
    assert "stolen" not in read(client)


def test_a_site_that_is_not_public_is_named_nowhere(client, page, station, owner):
    Site.objects.update(public=False)
    outage(station, owner, note="Something is wrong.")
    MaintenanceWindow.objects.create(
        organization=station.organization, site=station.site, title="x", starts_at=clock.now(),
        ends_at=clock.now() + timedelta(hours=1),
    )  # fmt: skip
    said = read(client)
    assert "Kade" not in said
    assert "Something is wrong." in said
    assert "No public charger yet" in said


def test_what_is_over_stays_for_two_weeks(client, page, station, owner):
    outage(station, owner)
    services.resolve_key(key="k", text="INTERNAL-END")
    said = read(client)
    assert "Recently solved" in said
    assert "INTERNAL" not in said
    clock.advance(timedelta(days=15))
    assert "stolen" not in read(client)


def test_planned_work_is_shown_with_what_is_done_and_its_note(client, page, station):
    now = clock.now()
    MaintenanceWindow.objects.create(
        organization=station.organization, station=station, title="Swap of board", note="New cables.",
        starts_at=now + timedelta(days=2), ends_at=now + timedelta(days=2, hours=3),
    )  # fmt: skip
    said = read(client)
    assert "New cables." in said
    assert "Swap of board" in said
    assert "Runs now" not in said
    MaintenanceWindow.objects.update(state="running", starts_at=now)
    assert "Runs now" in read(client)


def test_a_series_is_shown_by_its_next_date_and_a_date_that_was_moved_by_itself(client, page, owner, station):
    first = clock.now() + timedelta(days=1)
    plan = stations.plan_recurring(
        access=owner, title="Weekly look", site=station.site, station=None, rhythm="weekly", every=1, note="",
        starts_on=first.date(), at=first.time(), minutes=30, time_zone="UTC", ends_on=None,
    )  # fmt: skip
    assert plan.windows.count() > 2
    said = read(client)
    assert said.count("Weekly look") == 1
    assert plan.rhythm_words in said
    moved = plan.windows.order_by("starts_at")[2]
    stations.change_maintenance(
        access=owner, window=moved, title=moved.title, note="", starts_at=moved.starts_at + timedelta(hours=2),
        ends_at=moved.ends_at + timedelta(hours=2),
    )  # fmt: skip
    assert read(client).count("Weekly look") == 2


def test_the_page_is_found_without_knowing_its_name(client, page, connector, organization, rival, settings, tmp_path):
    rival.delete()
    assert client.get("/status").headers["Location"] == client.get("/status/").headers["Location"] == URL
    settings.DEMO, settings.DATA_DIR = True, tmp_path
    for door in ("/map", f"/c/{connector.code}", "/try/"):
        assert URL in client.get(door).content.decode(), door
    assert "City Charging" in client.get("/map").content.decode()  # and not the product's name
    other = Organization.objects.create(name="Rival", slug="rival")
    AlertSettings.objects.create(organization=other, status_page=True)
    said = client.get("/status").content.decode()
    assert "/status/city/" in said
    assert "/status/rival/" in said
    assert 'href="/status"' in client.get("/map").content.decode()
    AlertSettings.objects.update(status_page=False)
    assert client.get("/status").status_code == 404
    assert "/status" not in client.get("/map").content.decode()


def test_the_feed_is_atom_with_an_entry_per_note(client, page, station, owner):
    incident = outage(station, owner)
    services.publish_note(access=owner, incident=incident, public=True, note="Parts arrive on Monday.")
    tree = ElementTree.fromstring(read(client, f"{URL}feed.atom"))
    entries = tree.findall("{http://www.w3.org/2005/Atom}entry")
    assert len(entries) == 2
    assert len({entry.find("{http://www.w3.org/2005/Atom}id").text for entry in entries}) == 2


def titles(client):
    tree = ElementTree.fromstring(read(client, f"{URL}feed.atom"))
    return [entry.findtext("{http://www.w3.org/2005/Atom}title") for entry in tree]


def test_an_entry_of_the_feed_says_how_it_was_at_its_time(client, page, station, owner):
    incident = outage(station, owner)
    clock.advance(timedelta(hours=1))
    services.resolve_key(key="k", text="INTERNAL-END")
    told = [title for title in titles(client) if title]
    assert told == ["Over: Kade", "Trouble: Kade"]
    clock.advance(timedelta(minutes=5))
    services.publish_note(access=owner, incident=incident, public=True, note="All is well again.")
    assert [title for title in titles(client) if title] == told


def test_planned_work_stands_in_the_feed(client, page, station):
    now = clock.now()
    window = MaintenanceWindow.objects.create(
        organization=station.organization, station=station, title="New cable", starts_at=now + timedelta(hours=1),
        ends_at=now + timedelta(hours=3),
    )  # fmt: skip
    assert f"Planned work: {station}" in titles(client)
    assert "New cable" in read(client, f"{URL}feed.atom")
    MaintenanceWindow.objects.filter(pk=window.pk).update(state="running", starts_at=now)
    assert f"Work runs now: {station}" in titles(client)


@pytest.mark.parametrize(
    ("language", "word"),
    [
        ("de", "Nichts ist für die nächsten 30 Tage geplant"),
        ("nl", "Voor de komende 30 dagen is niets gepland"),
        ("fr", "Rien n’est prévu pour les 30 prochains jours"),
        ("es", "No hay nada previsto para los próximos 30 días"),
    ],
)
def test_it_speaks_the_drivers_language(language, word, client, page, station):
    assert word in read(client, headers={"accept-language": language})


# Ninety days -----------------------------------------------------------------------------------------------

DAY = timedelta(days=1)


def at(day, hour=0):
    return datetime(2026, 5, day, hour, tzinfo=UTC)


def test_a_days_share_is_the_ports_time_without_the_outages():
    bounds = [at(1), at(2), at(3)]
    two = [(at(1), at(3))] * 2
    assert availability.shares([], two, bounds) == [1000, 1000]
    assert availability.shares([(at(1, 12), at(2, 12))], two[:1], bounds) == [500, 500]
    assert availability.shares([(at(1, 12), at(2, 12))], two * 2, bounds) == [875, 875]
    assert availability.shares([(at(1) - DAY, at(3) + DAY)], two[:1], bounds) == [0, 0]
    assert availability.shares([], [(at(2, 12), at(3))], bounds) == [None, 1000]  # it came on the second day


def test_a_short_day_of_summer_time_counts_its_23_hours():
    bounds = availability.bounds_of("Europe/Amsterdam", 2, datetime(2026, 3, 29, 21, tzinfo=UTC))
    assert bounds[1] - bounds[0] == DAY
    outage = (bounds[1], bounds[1] + (bounds[2] - bounds[1]) / 2)
    assert availability.shares([outage], [(bounds[0], bounds[2])], bounds)[1] == 500


def days_of(organization, days):
    touch(Station.objects.values_list("pk", flat=True), EVER)  # rows that no service wrote
    stations.derive_availability()
    [shares] = availability.site_days(organization.pk, days=days).values()
    return shares


def change(connector, status, ago, station=None):
    when = clock.now() - ago
    return StatusChange.objects.create(
        connector=connector, station=station or connector.station, status=status, at=when, happened_at=when
    )


def test_the_days_come_from_what_the_chargers_said(page, station, organization):
    first, second = station.connectors.order_by("evse__number")
    now = clock.now()
    change(first, "faulted", timedelta(days=200))  # since long ago
    change(second, "available", timedelta(days=200))
    change(second, "faulted", 3 * DAY)
    change(second, "unavailable", 3 * DAY - timedelta(hours=1))
    change(second, "available", 2 * DAY)
    shares = days_of(organization, 90)
    assert len(shares) == 90
    assert shares[:85] == [500] * 85
    assert sum(1000 - share for share in shares[86:89]) in range(1990, 2011)  # one whole and one whole day of two
    assert now


def linked_from(station, gateway, *spans):
    """Links of a station: (days ago it opened, days ago it closed; None while it is open)."""
    for opened, closed in spans:
        Connection.objects.create(
            station=station, gateway=gateway, protocol="ocpp1.6", opened_at=clock.now() - opened * DAY,
            closed_at=None if closed is None else clock.now() - closed * DAY,
        )  # fmt: skip


def lost(shares):
    """Whole days lost, newest first left aside: sums of what is missing of each day."""
    return sum(1000 - share for share in shares)


def test_the_time_without_a_link_counts_and_before_the_first_link_nothing_does(page, station, organization, gateway):
    linked_from(station, gateway, (20, 10), (10.2, 6), (3, 2.9995), (2.999, None))
    shares = days_of(organization, 30)
    assert shares[:22] == [1000] * 22
    assert lost(shares) in range(2980, 3021)  # three days, and two reconnects that count for nothing


def test_a_station_that_was_dark_before_the_first_day_is_dark_until_its_link_is_back(
    page, station, organization, gateway
):
    linked_from(station, gateway, (60, 50), (2, None))
    shares = days_of(organization, 10)
    assert shares[0] == 0
    assert shares[-1] == 1000
    assert days_of(organization, 1) == [1000]


def test_a_station_that_is_dark_still_and_faulted_too_is_lost_once(page, station, organization, gateway):
    linked_from(station, gateway, (60, 5))
    change(None, "faulted", 4 * DAY, station)
    shares = days_of(organization, 5)
    assert shares == [0] * 5


def test_a_word_about_the_whole_station_covers_its_connectors_once(page, station, organization):
    first, _second = station.connectors.order_by("evse__number")
    change(None, "unavailable", 10 * DAY, station)
    change(first, "faulted", 10 * DAY)
    shares = days_of(organization, 5)
    assert shares == [0] * 5


def test_the_ninety_days_are_read_once_in_a_while(client, page, station, django_assert_max_num_queries):
    read(client)
    with django_assert_max_num_queries(12):
        client.get(URL)
    assert Station.objects.count() == 1


def test_a_network_that_is_all_being_serviced_does_not_say_that_everything_works(client, page, linked, organization):
    now = clock.now()
    MaintenanceWindow.objects.create(
        organization=organization, title="New firmware", state="running", starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=1), created_at=now - timedelta(days=1),
    )  # fmt: skip
    said = read(client)
    assert "Everything works" not in said
    assert "0 of 2 connectors can be used" in said
