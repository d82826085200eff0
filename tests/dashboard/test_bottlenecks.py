"""The page of bottlenecks: each site in a sentence, the worst first; looks of drivers that leave nothing of them."""

from datetime import timedelta

import pytest
from django.test import Client

from evcms.core import clock
from evcms.core.access import Role
from sessions.models import QueueSign, SqueezeDay
from sessions.vocabulary import SessionState
from stations.models import Connector, SiteGrant
from tests.dashboard.conftest import browser, words
from tests.sessions.helpers import begin
from tests.stations.conftest import facts, gateway, linked, make_access, other_site

__all__ = ["facts", "gateway", "linked", "other_site"]
pytestmark = pytest.mark.django_db
PHONE = {"HTTP_USER_AGENT": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605"}
PAGE = "/analytics/bottlenecks/"


def squeeze(site, *, full_h=2, missed=None, hour=17, back=7, kind="", **more):
    hours = {name: [0] * 24 for name in ("full", "free", "starts")}
    hours["full"][hour : hour + full_h] = [3600] * full_h
    low, high = (None, None) if missed is None else (missed * 800, missed * 1300)
    return SqueezeDay.objects.create(
        site=site, day=clock.now().date() - timedelta(days=back), power_class=kind, ports=2,
        full_seconds=full_h * 3600, hours=hours, missed=None if missed is None else missed * 1000, missed_low=low,
        missed_high=high, **more,
    )  # fmt: skip


def test_the_worst_site_comes_first_and_says_why(site, other_site, owner):
    squeeze(other_site, missed=4)
    squeeze(site, missed=20, short_seconds=7200)
    squeeze(site, missed=20, back=14, hour=17)
    squeeze(site, full_h=3, kind="high")
    text = words(browser(owner).get(PAGE))
    assert "About 44 drivers found no free port, 91 % of them at Kade" in text
    assert text.index("Kade</a>") < text.index("Haven</a>")
    assert "All ports were taken or down for 4 h, most on " in text
    assert " from 17 to 19; about 40 drivers (27 to 56) found no free port" in text
    assert "its ports of 150 kW and more alone were all taken for 3 h" in text
    assert "power was short for 2 h" in text
    assert f"/planner/{site.pk}/" in text


def test_what_is_not_known_is_not_said(site, owner):
    squeeze(site)
    assert "too little is known of who comes to say whom that cost" in words(browser(owner).get(PAGE))


def test_a_site_that_was_full_for_a_moment_was_hardly_ever_full(site, owner):
    row = squeeze(site, full_h=1)
    SqueezeDay.objects.filter(pk=row.pk).update(full_seconds=180)
    text = words(browser(owner).get(PAGE))
    assert "It was hardly ever full: for 3 min in all." in text
    assert "too little is known" not in text


def test_nothing_is_too_small(site, owner):
    assert "Nobody had to wait" in words(browser(owner).get(PAGE))


def test_the_table_is_taken_away(site, owner):
    squeeze(site, missed=20)
    text = words(browser(owner).get(PAGE, {"export": "csv"}))
    assert "Kade,2,2,20,12,29,0,0,0,0" in text
    assert browser(owner).get(PAGE, {"export": "xlsx"}).content[:2] == b"PK"


def test_a_member_sees_his_sites_only_and_may_plan_them(site, other_site, rival):
    squeeze(site, missed=20)
    member = make_access(site.organization, Role.VIEWER, all_sites=False)
    SiteGrant.objects.create(membership=member.membership, site=other_site)
    for access in (member, make_access(rival)):
        assert "Kade" not in words(browser(access).get(PAGE))
    viewer = make_access(site.organization, Role.VIEWER)
    assert f"/planner/{site.pk}/" in words(browser(viewer).get(PAGE)).split("The worst first")[1]


def test_the_page_costs_the_same_for_many_sites(site, other_site, owner, django_assert_max_num_queries):
    for back in range(1, 20):
        squeeze(site, missed=3, back=back)
        squeeze(other_site, missed=2, back=back)
    client = browser(owner)
    client.get(PAGE)
    with django_assert_max_num_queries(20):
        client.get(PAGE)


@pytest.fixture
def busy(linked, station, silent):
    begin(station, clock.now() - timedelta(minutes=20), state=SessionState.CHARGING)
    connector = Connector.objects.get(station=station, evse__number=1)
    Connector.objects.filter(pk=connector.pk).update(status="charging")
    return connector


def looked(busy, client=None, path="", **headers):
    answer = (client or Client()).get(f"/c/{busy.code}{path}", **{**PHONE, **headers})
    assert answer.status_code == 200
    return sum(QueueSign.objects.values_list("looks", flat=True))


@pytest.fixture
def local_cache(settings):
    from django.core.cache import cache

    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


def test_a_look_at_a_busy_port_is_a_sign_of_a_queue_once_a_browser(busy, local_cache, owner):
    assert looked(busy) == 1
    assert looked(busy) == 1
    assert looked(busy, REMOTE_ADDR="10.9.8.7") == 2
    squeeze(busy.station.site)
    assert "2 looks at ports that were busy" in words(browser(owner).get(PAGE))


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("", {"HTTP_USER_AGENT": "Mozilla/5.0 (compatible; Googlebot/2.1)"}),
        ("", {"HTTP_USER_AGENT": ""}),
        ("", {"HTTP_SEC_PURPOSE": "prefetch"}),
        ("", {"HTTP_HX_REQUEST": "true"}),
        ("?part=state", {}),
    ],
)
def test_robots_and_pages_that_reload_themselves_are_no_drivers(busy, local_cache, path, headers):
    assert looked(busy, path=path, **headers) == 0


def test_a_free_port_leaves_no_sign(linked, station, local_cache):
    connector = Connector.objects.filter(station=station).first()
    Connector.objects.filter(pk=connector.pk).update(status="available")
    assert looked(connector) == 0
