"""The planner's page: from a site's sessions to a recommendation, and what it says when they are too few."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from evcms.core import clock
from evcms.core.access import Role
from evcms.dashboard.views import planner
from sessions.demand_seen import demand_seen
from sessions.models import ChargingSession, SqueezeDay
from sessions.planning.demand import Layout
from stations.models import Connector, Site, StatusChange
from stations.services import derive_availability
from tests.dashboard.conftest import browser, words
from tests.sessions.planning.truth import SLOW, demand, layout, watched
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db
KWH = 1_000_000


@pytest.fixture(scope="module")
def seen_in_four_weeks():
    """(start, end) of the charges at one port to which 90 drivers come in a week."""
    wanted = demand(90, cars=SLOW)
    starts, taken, *_ = watched(wanted, layout(1, SLOW), 4, seed=2)
    return list(zip(starts, [one.end for one in taken], strict=False))


@pytest.fixture
def busy(station, site, seen_in_four_weeks):
    """A site with one port, taken most of the time."""
    evse = station.evses.order_by("number").first()
    late = clock.now() - seen_in_four_weeks[-1][1]
    ChargingSession.objects.bulk_create(
        ChargingSession(
            organization=station.organization, site=site, station=station, evse=evse, transaction_id=str(n),
            protocol="ocpp1.6", state="ended", started_at=begin + late, ended_at=end + late,
            energy_mwh=6 * KWH, charging_seconds=int((end - begin).total_seconds() * 0.7) or 1,
        )
        for n, (begin, end) in enumerate(seen_in_four_weeks)
    )  # fmt: skip
    Connector.objects.exclude(evse=evse).update(archived_at=clock.now())
    return site


def page(site, access, **said):
    return words(browser(access).get(f"/planner/{site.pk}/", said))


def test_a_plan_says_what_comes_what_waits_and_what_to_build(busy, owner):
    text = page(busy, owner)
    assert "What should I build at" in text
    assert "recommended" in text
    assert "today" in text
    assert "Find all ports taken" in text


def test_more_ports_leave_fewer_drivers_without_one_and_the_part_is_only_the_answer(busy, owner):
    text = page(busy, owner, part="answer", ports=3, growth=100, **sliders())
    assert "<html" not in text
    assert "chosen" in text
    shares = [row["values"] for row in charts(busy, owner, growth=100)["series"]]
    assert shares[0] == sorted(shares[0], reverse=True)


def sliders(**more):
    return {
        "port_kw": 22, "shared": "on", "stays": 50, "patience": 15, "margin": "0.20", "port_cost": 9000,
        "grid_cost": 400, "upkeep": 300, "years": 8,
    } | more  # fmt: skip


def charts(site, access, **more):
    answer = browser(access).get(f"/planner/{site.pk}/", sliders(ports=2, growth=0) | more)
    return answer.context["by_ports"]


def test_a_box_that_is_not_ticked_is_no(busy, owner):
    """A browser sends nothing for it."""
    client, said = browser(owner), sliders(ports=2, growth=0, grid_kw=11)
    together = client.get(f"/planner/{busy.pk}/", said).context["chosen"].layout
    apart = (
        client.get(f"/planner/{busy.pk}/", {k: v for k, v in said.items() if k != "shared"}).context["chosen"].layout
    )
    assert (together.shared, apart.shared) == (True, False)
    assert together.limit_w == 2 * apart.limit_w


def test_what_stands_there_costs_nothing_whatever_its_power(busy, owner):
    Connector.objects.update(max_power_w=3680)
    busy.grid_limit_w = 7_450
    busy.save()
    chosen = browser(owner).get(f"/planner/{busy.pk}/").context["chosen"]
    assert chosen.layout == Layout(1, 3680, 7450)
    assert (chosen.invest_minor, chosen.gain_minor) == (0, 0)


def test_figures_that_cannot_be_are_answered_with_a_sentence(busy, owner):
    text = page(busy, owner, **sliders(ports=0, growth="much", years=99))
    assert "cannot be read" in text
    assert "greater than or equal to 1" in text


def test_the_busy_evening_hides_drivers_whom_the_estimate_finds(busy):
    until = clock.now()
    seen = demand_seen(busy, until - timedelta(weeks=12), until)
    assert seen.today.ports == 1
    assert len(seen.visits) == seen.sessions
    assert seen.estimate.weekly > seen.estimate.seen_weekly


def test_time_in_which_a_port_was_down_is_no_time_without_demand(busy, station):
    """Nobody came on six of the days: because there was nothing to come to."""
    until = clock.now()
    begin, end = until - timedelta(days=12), until - timedelta(days=6)
    ChargingSession.objects.filter(started_at__gte=begin, started_at__lt=end).delete()
    before = demand_seen(busy, until - timedelta(weeks=12), until).estimate.weekly
    connector = Connector.objects.get(archived_at=None)
    for status, at in (("faulted", begin), ("available", end)):
        StatusChange.objects.create(station=station, connector=connector, status=status, at=at, happened_at=at)
    derive_availability()
    assert demand_seen(busy, until - timedelta(weeks=12), until).estimate.weekly > 1.1 * before


def test_too_few_sessions_say_so(site, station, owner):
    text = page(site, owner)
    assert "at least 30 are needed" in text


def test_the_list_has_the_sites_that_one_sees(site, owner, rival):
    assert site.name in words(browser(owner).get("/planner/"))
    assert site.name not in words(browser(make_access(rival)).get("/planner/"))
    assert browser(make_access(rival)).get(f"/planner/{site.pk}/").status_code == 404


def test_the_list_begins_where_most_drivers_were_turned_away(site, owner):
    other_site = Site.objects.create(organization=site.organization, name="Zuid", latitude=52, longitude=4)
    assert "Choose a site" in words(browser(owner).get("/planner/"))
    for where, missed in ((site, 12_400), (other_site, 86_500)):
        day = {"site": where, "day": clock.now().date(), "power_class": "", "ports": 2, "full_seconds": 5400}
        SqueezeDay.objects.create(missed=missed, **day)
    answer = browser(owner).get("/planner/")
    assert [(row.name, row.missed) for row in answer.context["page"]] == [(other_site.name, 86), (site.name, 12)]
    assert f"{other_site.name} turned most drivers away: about 86 in 28 days." in words(answer)
    assert "1 h 30 min" in words(answer)


def test_an_operator_plans_without_the_money_and_hears_the_same_advice(busy, owner, organization):
    operator = make_access(organization, Role.OPERATOR, email="operator@example.org")
    theirs, text = browser(owner).get(f"/planner/{busy.pk}/").context, page(busy, operator)
    mine = browser(operator).get(f"/planner/{busy.pk}/").context
    assert mine["best"].layout == theirs["best"].layout
    assert "recommended" in text
    assert "those who may see money see the amounts" in text
    for amount in ("Leaves a year", "To build", "Back after", "A kWh leaves", "A new port costs", " €"):
        assert amount not in text
    assert not [name for name, _value in mine["assumed"] if "cost" in name]
    tried = browser(operator).get(f"/planner/{busy.pk}/", sliders(ports=2, growth=0, margin="9", port_cost=0)).context
    assert tried["form"].cleaned_data["margin"] == mine["form"].cleaned_data["margin"]
    head = words(browser(operator).get(f"/planner/{busy.pk}/", {"export": "csv"})).splitlines()[0]
    assert "mean_wait_s" in head
    assert not {"leaves", "build", "gain", "margin", "cost"} & set(head.replace(",", "_").split("_"))


def test_where_nobody_ever_waits_the_charts_say_so_in_a_sentence(busy, owner, monkeypatch):
    monkeypatch.setattr(planner, "_by_ports", lambda options, told=planner._by_ports: told(options[-1:]))
    text = page(busy, owner, **sliders(ports=6, growth=-90))
    assert "Never: at no hour of the week" in text
    assert "None, with any of these numbers of ports" in text


def test_one_page_asks_few_questions(busy, owner, django_assert_max_num_queries):
    client = browser(owner)
    client.get("/planner/")
    with django_assert_max_num_queries(20):
        client.get(f"/planner/{busy.pk}/")


def test_what_a_kwh_left_here_is_the_first_figure(busy, owner, monkeypatch):
    from billing.queries import insight

    sums = insight.Sums(sessions=10, energy_mwh=100 * KWH, revenue=4000, margin=2500)
    monkeypatch.setattr(insight, "sums", lambda scope: sums)
    form = browser(owner).get(f"/planner/{busy.pk}/").context["form"]
    assert form.data["margin"] == Decimal("0.250")


def test_a_plan_is_taken_away_with_what_it_assumes(busy, owner):
    client = browser(owner)
    text = words(client.get(f"/planner/{busy.pk}/", {"export": "csv", "ports": 2, "growth": 50} | sliders()))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["ports"] for row in rows][:3] == ["1", "2", "3"]
    assert [row["recommended"] for row in rows].count("yes") == 1
    assert {row["assumed_growth"] for row in rows} == {"50"}
    assert {row["assumed_shared"] for row in rows} == {"yes"}
    assert float(rows[0]["find_all_taken_percent"]) > float(rows[2]["find_all_taken_percent"])
    assert client.get(f"/planner/{busy.pk}/", {"export": "xlsx"}).content[:2] == b"PK"


def test_the_page_says_what_it_rests_on_and_offers_sliders(busy, owner):
    text = page(busy, owner)
    assert "What this rests on" in text
    assert "no limit" in text
    assert 'data-slider="1 10 1"' in text
    assert "data-print" in text


@pytest.mark.parametrize(
    ("less", "more", "figure"),
    [
        ({"ports": 1}, {"ports": 3}, "lost"),
        ({"port_kw": 3}, {"port_kw": 22}, "lost"),
        ({"grid_kw": 8, "ports": 3}, {"grid_kw": 66, "ports": 3}, "lost"),
        ({"growth": 100}, {"growth": 0}, "lost"),
        ({"grid_kw": 12, "ports": 3, "shared": ""}, {"grid_kw": 12, "ports": 3, "shared": "on"}, "lost"),
    ],
)
def test_each_slider_changes_the_answer(busy, owner, less, more, figure):
    def answer(said):
        asked = sliders(ports=1, growth=0) | said
        asked = {name: value for name, value in asked.items() if value != ""}
        return getattr(browser(owner).get(f"/planner/{busy.pk}/", asked).context["chosen"].outcome, figure)

    assert answer(less) > answer(more) + 0.005


def test_the_first_day_is_told_in_the_sites_zone(busy, owner):
    Site.objects.filter(pk=busy.pk).update(time_zone="Pacific/Auckland")
    first = ChargingSession.objects.order_by("started_at").first().started_at.astimezone(ZoneInfo("Pacific/Auckland"))
    assert f"since {first.day} {first:%B} {first.year}" in page(busy, owner)
