"""Maintenance for calendars and readers: what is public, nothing else."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from icalendar import Calendar

from alerts.models import AlertSettings
from evcms.core import clock
from stations import services
from stations.models import Site

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def plan(owner):
    def make(title, **more):
        start = clock.now() + HOUR
        return services.plan_maintenance(access=owner, title=title, starts_at=start, ends_at=start + HOUR, **more)

    return make


def events(answer):
    assert answer["Content-Type"].startswith("text/calendar")
    return {str(each["summary"]): each for each in Calendar.from_ical(answer.content).walk("VEVENT")}


def entries(answer):
    return [each.findtext(f"{ATOM}title") for each in ElementTree.fromstring(answer.content).iter(f"{ATOM}entry")]


def test_a_calendar_follows_what_is_planned_and_called_off(client, plan, owner, site, station):
    window = plan("New cable; careful, please", station=station, note="Use\nthe other one")
    plan("Paint", site=site)
    found = events(client.get("/maintenance/city.ics"))
    assert set(found) == {"KADE-01: New cable; careful, please", "Kade: Paint"}
    event = found["KADE-01: New cable; careful, please"]
    assert event.decoded("dtstart") == window.starts_at.replace(microsecond=0)
    said = str(event["description"])
    assert said.startswith("New cable; careful, please\nKade\nUse\nthe other one\n")
    assert said.endswith(f"/map/{site.pk}/")
    assert str(event["status"]) == "CONFIRMED"
    AlertSettings.objects.create(organization=owner.organization, status_page=True)
    event = events(client.get("/maintenance/city.ics"))["KADE-01: New cable; careful, please"]
    assert str(event["description"]).endswith("/status/city/")
    services.cancel_maintenance(access=owner, window=window)
    assert (
        str(events(client.get("/maintenance/city.ics"))["KADE-01: New cable; careful, please"]["status"]) == "CANCELLED"
    )


def test_a_window_that_was_moved_moves_in_calendars_and_comes_up_in_readers(client, plan, owner, station):
    window = plan("Paint", station=station)
    first = events(client.get("/maintenance/city.ics"))["KADE-01: Paint"]
    updated = ElementTree.fromstring(client.get("/maintenance/city.atom").content).findtext(
        f"{ATOM}entry/{ATOM}updated"
    )
    clock.advance(timedelta(minutes=5))
    start = window.starts_at + 3 * HOUR
    services.change_maintenance(
        access=owner, window=window, title="Paint", note="", starts_at=start, ends_at=start + HOUR
    )
    moved = events(client.get("/maintenance/city.ics"))["KADE-01: Paint"]
    assert (int(first["sequence"]), int(moved["sequence"])) == (0, 1)
    assert str(first["uid"]) == str(moved["uid"])
    assert moved.decoded("dtstart") == start.replace(microsecond=0)
    assert moved.decoded("dtstamp") > first.decoded("dtstamp")
    after = ElementTree.fromstring(client.get("/maintenance/city.atom").content).findtext(f"{ATOM}entry/{ATOM}updated")
    assert after > updated


def test_a_reader_follows_it_too(client, plan, station):
    plan("<b>Cable</b>", station=station)
    assert entries(client.get("/maintenance/city.atom")) == ["KADE-01: <b>Cable</b> (planned)"]


def test_one_site_and_what_concerns_all(client, plan, site, other_site):
    plan("Here", site=site)
    plan("There", site=other_site)
    plan("Everywhere")
    assert len(entries(client.get("/maintenance/city.atom"))) == 3
    assert sorted(entries(client.get(f"/maintenance/city.atom?site={site.pk}"))) == [
        "City Charging: Everywhere (planned)",
        "Kade: Here (planned)",
    ]


def test_what_is_not_public_is_not_there(client, plan, site, other_site, rival):
    plan("Secret", site=site)
    Site.objects.filter(pk=site.pk).update(public=False)
    assert entries(client.get("/maintenance/city.atom")) == []
    for path in ("nobody.ics", f"city.ics?site={site.pk}", f"rival.ics?site={site.pk}", "city.ics?site=x"):
        assert client.get(f"/maintenance/{path}").status_code == 404
