"""Days made of hours: known by hand, on days of 23 and 25 hours, in zones of half hours, and after what comes late."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from evcms.core import clock
from evcms.core.access import Role
from sessions import clockhours, services, usage
from sessions.models import ChargingSession, LateHour, NetworkDay, RollupMark, SiteDay
from sessions.services import rollups
from stations.models import Site, SiteGrant
from stations.scope import Scope
from tests.stations.conftest import make_access, make_station

from .helpers import KWH, ago, begin, finish, read

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
COLUMNS = (
    "ports", "there_seconds", "occupied_seconds", "charging_seconds", "energy_mwh", "deliverable_mwh",
    "sessions_started", "sessions_ended", "stay_seconds", "ended_mwh", "hours", "stays", "energies",
)  # fmt: skip


@pytest.fixture(autouse=True)
def afternoon():
    """Counting begins a day before the first UTC hour: by night that is an empty day more than by the local one."""
    clock.advance(timedelta(hours=(14 - clock.now().hour) % 24))


def charge(station, begins, ends, kwh, *, evse=1, heard=None, name=None):
    name = name or f"{station.pk}-{evse}-{begins:%d%H%M%S}"
    begin(station, begins, transaction_id=name, evse=evse, received_at=heard)
    finish(station, ends, int(kwh * KWH), transaction_id=name, received_at=heard)


def day_of(site, day):
    return SiteDay.objects.get(site=site, day=day)


def old(station, moment):
    """The station stood there long before."""
    station.evses.update(heard_since=moment - timedelta(days=300))


def test_a_day_by_hand(station, site):
    t = datetime(2026, 3, 4, 10, 30, tzinfo=AMSTERDAM)
    old(station, t)
    charge(station, t, t + timedelta(hours=2), 11)
    charge(station, t, t + timedelta(minutes=10), 0.5, evse=2)
    rollups.count_day(organization=site.organization, day=t.date())
    row = day_of(site, t.date())
    assert (row.ports, row.there_seconds) == (2, 2 * 86_400)
    assert row.hours["occupied"][10:13] == [1800 + 600, 3600, 1800]
    assert (row.sessions_started, row.sessions_ended, row.stay_seconds) == (2, 2, 7800)
    assert row.energy_mwh == row.ended_mwh == 11.5 * KWH
    assert row.stays == [1, 0, 0, 1, 0, 0, 0, 0]
    assert row.energies == [1, 0, 0, 1, 0, 0, 0, 0]
    power = max(station.connectors.values_list("max_power_w", flat=True))
    assert row.deliverable_mwh == pytest.approx(row.charging_seconds * power / 3.6, rel=1e-6)
    network = NetworkDay.objects.get(day=t.date())
    assert [getattr(network, name) for name in COLUMNS] == [getattr(row, name) for name in COLUMNS]


@pytest.mark.parametrize(
    ("day", "length", "twice"), [(date(2026, 3, 29), 23, 0), (date(2025, 10, 26), 25, 2), (date(2026, 3, 30), 24, 1)]
)
def test_the_days_on_which_clocks_change_have_their_true_length(station, site, day, length, twice):
    t = datetime(day.year, day.month, day.day, tzinfo=AMSTERDAM)
    old(station, t)
    charge(station, t, datetime(day.year, day.month, day.day, 5, tzinfo=AMSTERDAM).astimezone(UTC), 9)
    rollups.count_day(organization=site.organization, day=day)
    row = day_of(site, day)
    assert row.there_seconds == 2 * length * 3600
    assert row.hours["there"][2] == 2 * twice * 3600
    assert row.hours["occupied"][2] == twice * 3600  # the hour that is missing, or comes twice
    assert row.occupied_seconds == (length - 19) * 3600


@pytest.mark.parametrize(("zone", "minutes"), [("Asia/Kolkata", 30), ("Asia/Kathmandu", 45)])
def test_zones_of_half_and_quarter_hours_share_an_hour_out_between_two_days(station, site, zone, minutes):
    Site.objects.filter(pk=site.pk).update(time_zone=zone)
    midnight = datetime(2026, 5, 6, tzinfo=ZoneInfo(zone))
    begins = midnight.astimezone(UTC).replace(minute=0)
    old(station, begins)
    charge(station, begins, begins + timedelta(hours=1), 6)
    for day in (5, 6):
        rollups.count_day(organization=site.organization, day=date(2026, 5, day))
    before, after = day_of(site, date(2026, 5, 5)), day_of(site, date(2026, 5, 6))
    early = minutes if minutes == 30 else 15
    assert before.hours["occupied"][23] == early * 60
    assert after.hours["occupied"][0] == 3600 - early * 60
    assert before.energy_mwh + after.energy_mwh == 6 * KWH


def test_the_pieces_of_any_hour_are_an_hour():
    for zone in map(ZoneInfo, ("Europe/Amsterdam", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns")):
        start = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
        for second in range(start, start + 366 * 86_400, 3600):
            pieces = clockhours.pieces(second, zone)
            assert sum(quarters for *_, quarters in pieces) == 4
            assert sum(clockhours.shared(1001, tuple(n for *_, n in pieces))) == 1001


def everything():
    """Whole days: today grows while it is looked at."""
    whole = {"day__lt": ago(days=1).date()}
    return [
        [tuple(getattr(row, name) for name in ("day", key, *COLUMNS)) for row in rows.order_by("day", key)]
        for rows, key in ((SiteDay.objects.filter(**whole), "site_id"), (NetworkDay.objects.filter(**whole), "zone"))
    ]


def from_scratch():
    for model in (SiteDay, NetworkDay, RollupMark):
        model.objects.all().delete()
    services.count_days()
    return everything()


def test_what_comes_late_counts_its_days_again(station, site, other_site):
    """Replayed, corrected by a person, ended late, read late: the same days as a count from scratch."""
    second = make_station("CP-OTHER", other_site)
    for one in (station, second):
        old(one, ago(days=1))
    charge(station, ago(days=6), ago(days=6, hours=-3), 9, name="a")
    begin(station, ago(days=5), transaction_id="open", evse=2)
    read(station, ago(days=5, hours=-2), 3 * KWH, transaction_id="open", evse=2)
    services.count_days()
    assert RollupMark.objects.get().day > ago(days=3).date()
    assert not LateHour.objects.exists()

    now = ago(seconds=1)
    charge(second, ago(days=8), ago(days=7, hours=12), 20, heard=now, name="replayed")
    finish(station, ago(days=4, hours=6), 7 * KWH, transaction_id="open", received_at=now)
    read(station, ago(days=6, hours=-1), 4 * KWH, transaction_id="a", received_at=now)
    session = ChargingSession.objects.get(transaction_id="a")
    services.correct_energy(session=session, energy_mwh=2 * KWH, reason="meter", access=make_access(site.organization))
    assert LateHour.objects.exists()
    services.count_days()
    assert not LateHour.objects.exists()
    kept = everything()
    assert kept == from_scratch()
    assert sum(row.energy_mwh for row in SiteDay.objects.all()) == 29 * KWH
    assert sum(row.sessions_ended for row in SiteDay.objects.all()) == 3


def test_an_estimate_that_is_corrected_moves_to_the_day_of_its_true_end(station, site):
    old(station, ago(days=9))
    begin(station, ago(days=8), transaction_id="x")
    read(station, ago(days=8, hours=-1), KWH, transaction_id="x")
    services.close(session=ChargingSession.objects.get(), why="silent")
    services.count_days()
    first = [row.day for row in SiteDay.objects.filter(sessions_ended=1)]
    finish(station, ago(days=6), 2 * KWH, transaction_id="x", received_at=ago(minutes=1))
    services.count_days()
    second = [row.day for row in SiteDay.objects.filter(sessions_ended=1)]
    assert second[0] - first[0] >= timedelta(days=1)
    kept = everything()
    assert kept == from_scratch()


def test_a_count_that_is_cut_short_goes_on_and_twice_is_once(station):
    old(station, ago(days=9))
    charge(station, ago(days=8), ago(days=8, hours=-3), 9)
    for _ in range(3):
        assert services.count_days(budget_s=0) == 1
    assert SiteDay.objects.count() == 1  # today
    services.count_days()
    kept = everything()
    assert kept[0]
    services.count_days()
    assert everything() == kept == from_scratch()


def test_a_station_is_there_from_when_it_was_founded(station, site):
    charge(station, ago(days=3), ago(days=3, hours=-1), 5)  # used before anybody entered it
    services.count_days()
    days = {row.day: row.ports for row in SiteDay.objects.all()}
    used = ago(days=3).astimezone(AMSTERDAM).date()
    assert days[used] == 2 or days[used] == 1
    assert used + timedelta(days=1) not in days or days[used + timedelta(days=1)] <= 1


@pytest.fixture
def weeks(station, site):
    """Every Monday of four weeks one of two ports is taken from 17:00 to 19:30."""
    monday = (ago(days=28).astimezone(AMSTERDAM) - timedelta(days=ago(days=28).astimezone(AMSTERDAM).weekday())).date()
    old(station, ago(days=60))
    for week in range(4):
        day = monday + timedelta(weeks=week)
        t = datetime(day.year, day.month, day.day, 17, tzinfo=AMSTERDAM)
        charge(station, t, t + timedelta(minutes=150), 10)
    services.count_days()
    return monday


def scope(access, since, days, site=None):
    start = datetime(since.year, since.month, since.day, tzinfo=AMSTERDAM)
    end = start.date() + timedelta(days=days)
    return Scope(access, start, datetime(end.year, end.month, end.day, tzinfo=AMSTERDAM), site)


def test_the_week_shows_when_ports_are_taken(weeks, site):
    owner = make_access(site.organization)
    found = usage.pattern(scope(owner, weeks, 28))
    assert [round(share, 2) for share in found.taken[0][16:21]] == [0, 0.5, 0.5, 0.25, 0]
    assert sum(share for row in found.taken[1:] for share in row) == 0
    assert found.started[0][17] == 1
    assert found.stays[4] == 4
    typical = usage.typical_week([site.pk], weeks=5)
    assert typical[site.pk][0][17] > 0.3
    assert usage.typical_week([]) == {}


def test_figures_of_a_period_and_the_one_before(weeks, site):
    owner = make_access(site.organization)
    now = scope(owner, weeks + timedelta(weeks=2), 14)
    sums = usage.sums(now)
    assert (sums.sessions_started, sums.energy_mwh, sums.session_mwh, sums.stay_s) == (2, 20 * KWH, 10 * KWH, 9000)
    assert sums.taken == pytest.approx(2 * 9000 / (2 * 14 * 86_400))
    assert usage.sums(now.before) == sums
    assert usage.sums(scope(owner, weeks, 28, site)).sessions_started == 4
    ports = usage.by_port(scope(owner, weeks, 28), site)
    assert [port.sums.sessions_started for port in ports] == [4, 0]
    assert ports[0].sums.taken == pytest.approx(4 * 9000 / (28 * 86_400))
    rows = usage.by_site(now, now.before)
    assert [(row.name, row.ports, row.sums, row.before) for row in rows] == [(site.name, 2, sums, sums)]
    assert len(usage.by_day(now)) == 14


def test_nobody_sees_the_days_of_sites_that_are_not_his(weeks, site, other_site, rival):
    member = make_access(site.organization, Role.VIEWER, all_sites=False)
    SiteGrant.objects.create(membership=member.membership, site=other_site)
    for access in (make_access(rival), member):
        asked = scope(access, weeks, 28)
        assert usage.sums(asked).sessions_started == 0
        assert usage.by_site(asked, asked.before) == []


def test_two_who_count_the_same_day_agree(station, site):
    old(station, ago(days=9))
    charge(station, ago(days=2), ago(days=2, hours=-1), 5)
    day = ago(days=2).astimezone(AMSTERDAM).date()
    for _ in range(2):
        rollups.count_day(organization=site.organization, day=day)
    assert SiteDay.objects.filter(site=site, day=day).count() == 1
