"""The usage page: figures known by hand, the week, comparisons, and that it stays cheap."""

import csv
import io
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from evcms.core import clock
from evcms.core.access import Role
from sessions import services
from sessions.models import RollupMark
from stations.models import Evse, SiteGrant
from tests.dashboard.conftest import browser, words
from tests.sessions.helpers import KWH, begin, finish
from tests.stations.conftest import make_access, make_station, other_site

__all__ = ["other_site"]
pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Europe/Amsterdam")


def last_monday():
    today = clock.now().astimezone(ZONE).date()
    return today - timedelta(days=today.weekday() + 7)


@pytest.fixture
def monday(station, site, silent):
    """One of two ports is taken from 17:00 to 19:30 on the Monday of the week before this one."""
    day = last_monday()
    Evse.objects.update(heard_since=clock.now() - timedelta(days=90))
    t = datetime(day.year, day.month, day.day, 17, tzinfo=ZONE)
    begin(station, t, transaction_id="m")
    finish(station, t + timedelta(minutes=150), 12 * KWH, transaction_id="m")
    services.count_days()
    return day


def asked(day, **more):
    return {"since": day.isoformat(), "until": (day + timedelta(days=6)).isoformat()} | more


def test_the_answer_stands_in_a_sentence_and_the_week_in_a_table_of_words_and_figures(monday, owner):
    text = words(browser(owner).get("/analytics/usage/", asked(monday)))
    assert "Ports were taken 0.7 % of their time, most on Monday from 17 to 18 (50 %)" in text
    assert 'title="Monday, 17–18: 50 % of the ports’ time taken">50</td>' in text
    assert "2 h 30 min" in text
    assert "12.0" in text
    assert 'scope="row"' in text


@pytest.mark.parametrize(
    ("measure", "cell"),
    [
        ("charging", "Monday, 18–19: 50 % of the ports’ time charging"),
        ("started", "Monday, 17–18: 1.0 sessions begin in such an hour"),
        ("energy_mwh", "Monday, 17–18: 5 kWh in such an hour"),
    ],
)
def test_the_week_shows_what_was_asked(monday, owner, measure, cell):
    assert cell in words(browser(owner).get("/analytics/usage/", asked(monday, measure=measure)))


def test_sites_and_periods_are_compared(monday, owner, site, other_site):
    make_station("HAVEN-1", other_site).evses.update(heard_since=clock.now() - timedelta(days=90))
    RollupMark.objects.all().delete()  # as if it had been there when the days were counted
    services.count_days()
    text = words(browser(owner).get("/analytics/usage/", asked(monday, site=site.pk, versus=other_site.pk)))
    assert "1 point more than at Haven" in text
    assert text.count("data-heat") == 2
    text = words(browser(owner).get("/analytics/usage/", asked(monday + timedelta(days=7))))
    assert "in the period before" in text


def test_tables_are_taken_away(monday, owner, site):
    client = browser(owner)

    def table(**more):
        answer = client.get("/analytics/usage/", asked(monday, export="csv", **more))
        return list(csv.DictReader(io.StringIO(answer.content.decode())))

    week = table(table="week")
    assert [(r["hour"], r["ports_taken_percent"]) for r in week if r["weekday"] == "Monday"][17] == ("17", "50.0")
    assert [(r["site"], r["sessions"], r["energy_kwh"]) for r in table()] == [("Kade", "1", "12")]
    assert sum(int(r["sessions"]) for r in table(table="ports", site=site.pk)) == 1
    assert len(table(table="days")) == 7
    assert client.get("/analytics/usage/", asked(monday, export="xlsx")).content[:2] == b"PK"


def test_a_member_of_another_site_sees_nothing_of_it(monday, site, other_site, rival):
    member = make_access(site.organization, Role.VIEWER, all_sites=False)
    SiteGrant.objects.create(membership=member.membership, site=other_site)
    for access in (member, make_access(rival)):
        text = words(browser(access).get("/analytics/usage/", asked(monday, site=site.pk)))
        assert "Kade" not in text
        assert "No port was there then" in text or "0 %" in text


def test_the_page_costs_the_same_for_many_sites(monday, owner, site, django_assert_max_num_queries):
    client = browser(owner)
    for number in range(12):
        make_station(f"MANY-{number}", site)
    services.count_days()
    client.get("/analytics/usage/")
    for query in ({}, {"site": site.pk}, asked(monday, site=site.pk, versus=site.pk), {"since": "nonsense"}):
        with django_assert_max_num_queries(20):
            client.get("/analytics/usage/", query)


def test_days_that_nobody_said_are_shown_beside_the_site(monday, owner, site):
    form = browser(owner).get("/analytics/usage/", {"site": site.pk}).context["form"]
    assert form["since"].value() < form["until"].value() == clock.now().astimezone(ZONE).date().isoformat()


def test_the_address_cut_short_leads_to_the_first_page(owner):
    answer = browser(owner).get("/analytics/")
    assert (answer.status_code, answer.url) == (302, "/analytics/usage/")
