"""What people may read of charging, and the figures of pages."""

from datetime import timedelta

import pytest
from django.db.models import Sum

from evcms.core.access import Role
from sessions import queries
from sessions.models import ChargingSession, Discrepancy, Driver, IdToken
from stations import services as stations
from stations.models import SiteGrant
from tests.stations.conftest import make_access, make_station

from .helpers import KWH, ago, begin, finish, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def visits(site, other_site):
    """One ended at one site, one running at the other."""
    here, there = make_station("HERE", site), make_station("THERE", other_site)
    begin(here, ago(hours=3))
    for minute in range(1, 60):
        read(here, ago(hours=3) + timedelta(minutes=minute), minute * KWH // 10, power_w=6000 + minute)
    finish(here, ago(hours=2), 6 * KWH)
    begin(there, ago(minutes=20), token="SOMEBODY")
    read(there, ago(minutes=10), KWH, power_w=7000)
    return here, there


def test_a_member_sees_the_sessions_of_his_sites_and_nobody_elses(visits, organization, rival, site):
    owner = make_access(organization)
    assert queries.sessions(owner).count() == 2
    assert queries.running(owner).get().station.identity == "THERE"
    limited = make_access(organization, Role.VIEWER, all_sites=False)
    assert queries.sessions(limited).count() == 0
    SiteGrant.objects.create(membership=limited.membership, site=site)
    assert queries.sessions(limited).get().station.identity == "HERE"
    assert queries.attempts(limited).count() == 1
    stranger = make_access(rival)
    for lists in (queries.sessions, queries.attempts, queries.usage, queries.tokens, queries.discrepancies):
        assert not lists(stranger).exists()
    with pytest.raises(ChargingSession.DoesNotExist):
        queries.session(stranger, ChargingSession.objects.first().public_id)


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ({"state": "running"}, ["THERE"]),
        ({"state": "ended"}, ["HERE"]),
        ({"search": "somebo"}, ["THERE"]),
        ({"search": "here"}, ["HERE", "THERE"]),
        ({"flag": "unauthorized"}, ["HERE", "THERE"]),
        ({"flag": "estimated"}, []),
        ({"flag": "disputed"}, ["HERE"]),
    ],
)
def test_lists_are_narrowed(visits, organization, wish, found):
    session = ChargingSession.objects.get(station=visits[0])
    Discrepancy.objects.create(station=visits[0], session=session, kind="register_jump")
    rows = queries.filtered(queries.sessions(make_access(organization)), **wish)
    assert sorted(row.station.identity for row in rows) == found


@pytest.mark.parametrize("most", [0, 5_000])
def test_words_find_cards_ids_stations_and_people(visits, organization, monkeypatch, most):
    """Also where so many are called so that nobody names them one by one."""
    monkeypatch.setattr(queries, "MOST_KEYS", most)
    here, there = (ChargingSession.objects.get(station=station) for station in visits)
    ChargingSession.objects.filter(pk=here.pk).update(token_value="ABCDEF0099", transaction_id="Tx-77aB")
    card = IdToken.objects.create(organization=organization, value="X-Blue-1", folded="X-BLUE-1")
    driver = Driver.objects.create(organization=organization, name="Ada Lovelace", email="ada@example.org")
    ChargingSession.objects.filter(pk=there.pk).update(id_token=card, driver=driver)
    rows = queries.sessions(make_access(organization))
    for words, found in {
        "abc": here, "abcdef0099": here, "tx-77ab": here, here.public_id: here, "blue": there, "lovel": there,
        "ADA@": there, "THER": there,
    }.items():  # fmt: skip
        assert found in queries.filtered(rows, search=words), words
    assert not queries.filtered(rows, search="0099").exists()  # an unknown card is found by its beginning


def test_lists_are_narrowed_by_time_and_place(visits, organization, site):
    rows = queries.sessions(make_access(organization))
    assert queries.filtered(rows, since=ago(hours=1)).get().station.identity == "THERE"
    assert queries.filtered(rows, until=ago(hours=1), site=site.pk).get().station.identity == "HERE"
    assert not queries.filtered(rows, station=visits[0].pk, since=ago(hours=1)).exists()


def test_a_curve_is_thinned_and_keeps_its_peak_and_its_end(visits):
    session = ChargingSession.objects.get(station=visits[0])
    whole = queries.curve(session)
    assert len(whole) == 61
    thin = queries.curve(session, most=10)
    assert len(thin) <= 10
    assert thin[-1].energy_mwh == whole[-1].energy_mwh == 6 * KWH
    assert max(point.power_w or 0 for point in thin) == 6059


def test_what_flows_now(visits, organization, gateway):
    owner = make_access(organization)
    assert queries.now(owner) == queries.Now(1, 0, unheard=1)
    stations.connected(station_id=visits[1].pk, gateway_id=gateway.pk, protocol="ocpp1.6", address=None)
    assert queries.now(owner) == queries.Now(1, 7000)
    assert queries.usage(owner).aggregate(total=Sum("energy_mwh"))["total"] == 7 * KWH


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 6, 1), 24)])
def test_a_local_day_has_its_true_hours(day, hours):
    from datetime import date

    since, until = queries.day_bounds(date(*day), "Europe/Amsterdam")
    assert until.timestamp() - since.timestamp() == hours * 3600


def test_a_timeline_tells_what_happened_in_order(visits):
    session = ChargingSession.objects.get(station=visits[0])
    assert [moment.kind for moment in queries.timeline(session)] == ["start", "end"]
