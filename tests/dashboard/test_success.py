"""The success page: the numbers add up, each leads to as many attempts, and it stays cheap. And one attempt's page."""

import html
import re
from datetime import timedelta

import pytest

from evcms.core import clock
from evcms.core.access import Role
from sessions import success
from sessions.models import Attempt
from sessions.verdicts import RULES, Clue, Stage
from stations.models import SiteGrant
from stations.scope_forms import ScopeForm
from tests.dashboard.conftest import browser, words
from tests.stations.conftest import make_access, make_station, other_site

pytestmark = pytest.mark.django_db
__all__ = ["other_site"]
FIGURE = re.compile(r'<a[^>]*href="([^"]+)"[^>]*data-figure="(\d+)"')


@pytest.fixture
def here(site, other_site):
    return [
        make_station("A-1", site, model="Alpha", firmware_version="1.0"),
        make_station("B-1", other_site, model="Beta", firmware_version="2.0"),
    ]


def attempt(station, *, at=None, stage=Stage.ENDED_WELL, rule=None, **more):
    by = {each.clue: each for each in RULES}.get(rule)
    told = {"state": "ended"} if by is None else {"state": "failed", "party": by.cause.value, "rule": rule}
    told |= {"counted": by.counted} if by else {}
    return Attempt.objects.create(
        **{
            "organization": station.organization, "station": station, "site": station.site, "model": station.model,
            "firmware": station.firmware_version, "kind": "tap", "at": at or clock.now() - timedelta(hours=5),
            "stage": stage, "judge_at": None, "judged_at": clock.now(), "clues": rule or "",
        } | told | more
    )  # fmt: skip


@pytest.fixture
def tried(here):
    """13 attempts of now (one of them tried twice, one under way), 2 of the period before."""
    a, b = here
    for _number in range(6):
        attempt(a)
    attempt(b)
    lead = attempt(b, at=clock.now() - timedelta(hours=1))
    attempt(b, stage=Stage.SIGN, rule=Clue.TOKEN_REFUSED, part_of=lead)
    attempt(b, stage=Stage.SIGN, rule=Clue.TOKEN_REFUSED)
    attempt(b, stage=Stage.SIGN, rule=Clue.ABANDONED, kind="scan")
    attempt(b, stage=Stage.AUTHORIZED, rule=Clue.NOT_PLUGGED)
    attempt(a, stage=Stage.STARTED, rule=Clue.CAR_PAUSED)
    attempt(b, stage=Stage.ENERGY, rule=Clue.EMERGENCY)
    attempt(a, stage=Stage.PLUGGED, state="requested")
    attempt(a, at=clock.now() - timedelta(days=30))
    attempt(a, at=clock.now() - timedelta(days=30), stage=Stage.AUTHORIZED, rule=Clue.OFFLINE)
    return lead


def scope(access, **asked):
    return ScopeForm(asked or None, access=access).scope()


def test_the_rate_counts_what_counts_and_everything_adds_up(tried, owner):
    look = success.look(scope(owner))
    figures = look.figures
    assert (figures.attempts, figures.counted, figures.well, figures.rate) == (13, 11, 8, "72.7 %")
    assert [look.reached(stage) for stage in range(6)] == [13, 11, 10, 10, 9, 8]
    for stage in range(5):
        assert look.reached(stage) - look.reached(stage + 1) == look.lost(stage).total()
    assert sum(rules.total() for rules in look.causes().values()) == figures.counted - figures.well
    assert look.left_out().total() == figures.uncounted == 2
    assert success.under_way(scope(owner)) == 1
    before = success.look(scope(owner).before).figures
    assert (before.attempts, before.rate) == (2, "50.0 %")
    for groups in (success.by_site, success.by_model, success.by_hour):
        sums = [group.figures for group in groups(scope(owner))]
        assert sum(each.attempts for each in sums) == 13
        assert sum(each.well for each in sums) == 8


def test_every_figure_leads_to_as_many_attempts(tried, owner, site):
    client, asked = browser(owner), {}
    for address in ("/analytics/success/", f"/analytics/success/?site={site.pk}"):
        found = FIGURE.findall(words(client.get(address)))
        assert len(found) > 20
        for url, number in found:
            asked.setdefault(url, set()).add(int(number))
    for url, numbers in asked.items():
        assert {client.get(html.unescape(url)).context["page"].paginator.count} == numbers, url


def test_the_sentence_and_the_sheets_say_the_same(tried, owner):
    client = browser(owner)
    page = words(client.get("/analytics/success/"))
    assert "72.7 % of attempts ended well: 8 of the 11 that count." in page
    assert "In the period before it was 50.0 %." in page
    for table, rows in (("", 7), ("sites", 3), ("models", 3), ("hours", 25)):
        text = client.get(f"/analytics/success/?export=csv&table={table}").content.decode()
        assert len(text.splitlines()) == rows, table
        assert client.get(f"/analytics/success/?export=xlsx&table={table}").content[:2] == b"PK"


def test_nobody_sees_the_attempts_of_other_sites(tried, organization, site):
    few = make_access(organization, Role.VIEWER, all_sites=False)
    SiteGrant.objects.create(membership=few.membership, site=site)
    assert success.look(scope(few)).figures.attempts == 7
    client = browser(few)
    for url, number in FIGURE.findall(words(client.get("/analytics/success/"))):
        assert client.get(html.unescape(url)).context["page"].paginator.count == int(number)
    assert client.get(f"/attempts/{tried.pk}/").status_code == 404


def test_the_page_costs_the_same_however_many_there_are(tried, here, owner, django_assert_max_num_queries):
    client = browser(owner)
    client.get("/analytics/success/")
    for number in range(60):
        attempt(here[number % 2], at=clock.now() - timedelta(hours=number))
    for address in ("/analytics/success/", "/attempts/"):
        with django_assert_max_num_queries(20):
            client.get(address)


def test_an_empty_network_says_so(owner):
    assert "Nobody tried to charge then" in words(browser(owner).get("/analytics/success/"))


def test_an_attempts_page_tells_its_story(tried, here, owner):
    client = browser(owner)
    page = words(client.get(f"/attempts/{tried.pk}/"))
    assert "It worked at B-1." in page
    part = tried.parts.get()
    assert client.get(f"/attempts/{part.pk}/").headers["Location"] == f"/attempts/{tried.pk}/"
    failed = attempt(here[0], stage=Stage.ENERGY, rule=Clue.EMERGENCY, conflicting=True)
    page = words(client.get(f"/attempts/{failed.pk}/"))
    assert "Cause: station. The emergency stop was pressed." in page
    assert "The evidence names different causes." in page


def test_a_narrowing_that_no_field_shows_can_be_taken_off(tried, owner):
    page = words(browser(owner).get("/attempts/?hour=0&counted=no&rule=abandoned&reached=2"))
    for told in ("Hour: 00:00", "In the success rate: no", "Rule: The payment page was left", "At least: plugged in"):
        assert told in page
