"""Insight counts what is in the rows, by the organization's days, and never tells of fewer than five people."""

import io
import zipfile
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from billing.insight_forms import InsightForm
from billing.models import Bill, SitePricing
from billing.queries import customers, insight, patrons
from billing.services import vouchers
from billing.vocabulary import FundingSource
from evcms.core import clock
from evcms.core.access import Role
from sessions import services as sessions
from sessions.models import ChargingSession, Driver
from stations import services as stations
from stations.models import Connector, PlugType, Site
from stations.vocabulary import ConnectorStatus, StatusReport
from tests.billing.conftest import KWH, Car, later, paid, work
from tests.billing.past import past_sessions
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def finance(client, organization):
    client.force_login(make_access(organization, Role.FINANCE).user)
    return client


def stands_free(station, gateway):
    stations.gateway_alive(gateway_id=gateway.pk)
    free = StatusReport(1, 1, ConnectorStatus.AVAILABLE, clock.now(), clock.now())
    stations.status_reported(station_id=station.pk, report=free)


@pytest.fixture
def month(owner, tariff, connector, linked, gateway, provider):
    """Two card payments, one voucher, one card without a way to pay."""
    for _number in range(2):
        stands_free(linked, gateway)
        car = Car(linked)
        payment = paid(provider, connector)
        car.starts(payment.attempt)
        later(minutes=4)
        car.ends(KWH)
        work()
    code = vouchers.make_vouchers(access=owner, count=1, value_minor=1000)[0].code
    stands_free(linked, gateway)
    car = Car(linked)
    car.starts(vouchers.start_with_voucher(connector=connector, code=code).attempt)
    later(minutes=4)
    car.ends(KWH)
    sessions.create_token(access=owner, value="04A1")
    car = Car(linked)
    car.starts(token="04A1")
    later(minutes=4)
    car.ends(KWH)
    work()
    return owner


def scope_of(access, **said):
    form = InsightForm(said or None, access=access)
    return form.scope()


def test_the_sums_are_those_of_the_bills(month, site):
    SitePricing.objects.create(site=site, energy_cost="0.10")
    found = insight.sums(scope_of(month))
    bills = list(Bill.objects.all())
    assert (found.sessions, found.energy_mwh) == (4, 4 * KWH)
    assert found.billed == sum(bill.total_minor for bill in bills)
    assert found.revenue == sum(bill.net_minor for bill in bills)
    assert found.margin == found.revenue - 40
    assert found.unpaid == 159
    assert found.value == found.billed // 4
    assert sum(row.revenue for row in insight.by_day(scope_of(month))) == found.revenue
    assert sum(row.revenue for row in insight.by_tariff(scope_of(month))) == found.revenue
    assert sum(count for _low, _high, count in insight.values(scope_of(month))) == 4


def test_without_a_cost_of_energy_there_is_no_margin(month):
    assert insight.sums(scope_of(month)).margin is None


def test_the_ways_to_pay_are_counted_once_each(month):
    ways = {row.source: row.sessions for row in insight.mix(scope_of(month))}
    assert ways == {FundingSource.SCAN: 2, FundingSource.VOUCHER: 1, FundingSource.NONE: 1}


def test_a_period_before_the_sessions_is_empty(month):
    long_ago = (clock.now() - timedelta(days=400)).date().isoformat()
    scope = scope_of(month, since=long_ago, until=long_ago)
    assert insight.sums(scope).sessions == 0
    assert [row.sessions for row in insight.by_day(scope)] == [0]


def test_the_pages_and_their_files_show_it(month, finance):
    text = finance.get("/money/insight/").text
    assert "Voucher" in text or "voucher" in text
    csv = finance.get("/money/insight/?export=csv&table=days").text
    assert csv.splitlines()[0].startswith("day (Europe/Amsterdam),sessions,energy_kwh,revenue_net (EUR)")
    xlsx = finance.get("/money/insight/?export=xlsx&table=sites").content
    assert zipfile.is_zipfile(io.BytesIO(xlsx))
    assert finance.get("/money/customers/").status_code == 200


@pytest.mark.parametrize(("path", "most"), [("/money/insight/", 30), ("/money/customers/", 16)])
def test_a_page_costs_few_queries_however_many_sessions(
    path, most, finance, tariff, connector, django_assert_max_num_queries
):
    past_sessions(tariff, connector, 3)
    with django_assert_max_num_queries(most) as few:
        finance.get(path)
    past_sessions(tariff, connector, 60)
    with django_assert_max_num_queries(len(few)):
        assert finance.get(path).status_code == 200


def test_nonsense_in_the_filter_is_said_and_the_usual_period_shown(month, finance):
    text = finance.get("/money/insight/?since=2026-05-02&until=2026-05-01").text
    assert "The end comes before the beginning" in text


def test_others_than_finance_are_refused(client, organization):
    client.force_login(make_access(organization, Role.OPERATOR).user)
    assert client.get("/money/insight/").status_code == 403
    assert client.get("/money/customers/").status_code == 403


# Customers ------------------------------------------------------------------------------------------------------------

NOON = datetime(2026, 7, 15, 12, tzinfo=ZoneInfo("Europe/Amsterdam"))


@pytest.fixture
def comes(organization, tariff, connector):
    """`comes("Ada", at)`: a session of that driver began then, for half an hour."""
    drivers = {}

    def comes(name, at, *, where=connector, **bill):
        if name and name not in drivers:
            drivers[name] = Driver.objects.create(organization=organization, name=name, email=f"{name}@x.example")
        (session,) = past_sessions(tariff, where, 1)
        ChargingSession.objects.filter(pk=session.pk).update(
            driver=drivers.get(name), started_at=at, ended_at=at + timedelta(minutes=30)
        )
        Bill.objects.filter(session=session).update(total_minor=1000, **bill)
        return session

    return comes


def seen_by(owner, first="2026-07-01", last="2026-07-31", segment="all", **said):
    form = InsightForm({"since": first, "until": last} | said, access=owner)
    return customers.look(form.scope(), segment)


def usual(looked, title):
    return {each.title: each for each in customers.preferences(looked)}[title]


def test_preferences_of_fewer_than_five_people_are_hidden(owner, site, connector, comes):
    far = Site.objects.create(organization=site.organization, name="Secret", latitude=52.1, longitude=4.3)
    for number in range(5):
        comes(f"d{number}", NOON)
    for _twice in range(2):
        ChargingSession.objects.filter(pk=comes("d9", NOON).pk).update(site=far)
    told = usual(seen_by(owner), "Usual site")
    assert [(row.label, row.people) for row in told.rows] == [(site.name, 5)]
    assert told.hidden_in_words == "fewer than 5"


@pytest.mark.parametrize(
    ("power", "words"), [(11_000, "≤ 11 kW"), (11_001, "≤ 22 kW"), (150_000, "≤ 150 kW"), (150_001, "> 150 kW")]
)
def test_the_power_class_is_that_of_the_plug_up_to_its_border(owner, connector, comes, power, words):
    Connector.objects.filter(pk=connector.pk).update(max_power_w=power, plug=PlugType.CHADEMO)
    for number in range(5):
        comes(f"d{number}", NOON)
    looked = seen_by(owner)
    assert usual(looked, "Power class").rows == [(words, 5)]
    assert usual(looked, "Plug").rows == [("CHAdeMO", 5)]


@pytest.mark.parametrize("month", [1, 3, 7, 10])
def test_hours_are_those_of_the_clock_on_the_wall_on_both_sides_of_a_change(owner, comes, month):
    zone = ZoneInfo("Europe/Amsterdam")
    for number in range(5):
        comes(f"d{number}", datetime(2026, month, 2 + 6 * number, 9, 10, tzinfo=zone))
    looked = seen_by(owner, f"2026-{month:02}-01", f"2026-{month:02}-28")
    assert usual(looked, "Usual hour of the start").rows == [("09:00", 5)]


def test_each_person_counts_once_with_what_he_does_most(owner, comes):
    for number in range(5):
        for hour in (8, 8, 17):
            comes(f"d{number}", NOON.replace(hour=hour))
    assert usual(seen_by(owner), "Usual hour of the start").rows == [("08:00", 5)]


def person(spent, **said):
    return customers.Person(**({"known": 1, "first": 0, "last": 0, "visits": 1, "spent": spent} | said))


def test_spending_is_told_of_five_people_and_its_spread_of_fifty():
    assert customers.spend([person(1000)] * 4) is None
    few = customers.spend([person(100 * number) for number in range(1, 6)])
    assert (few.median, few.mean, few.top_tenth, few.deciles) == (300, 300, None, [])
    many = customers.spend([person(100 if number < 45 else 1100) for number in range(50)])
    assert many.top_tenth == 55
    assert many.deciles == [100] * 9 + [1100]


def test_who_is_new_and_who_came_back(owner, comes):
    comes("old", NOON - timedelta(days=60))  # before the period
    comes("old", NOON)
    comes("loyal", NOON)  # new, and back on another day
    comes("loyal", NOON + timedelta(days=1))
    comes("twice", NOON)  # twice on one day is one coming
    comes("twice", NOON + timedelta(hours=3))
    comes("once", NOON)
    comes("later", NOON + timedelta(days=60))  # after the period
    comes("", NOON)
    found = customers.customers(seen_by(owner))
    assert (found.people, found.new, found.returned, found.visits, found.unknown) == (4, 3, 2, 6, 1)


@pytest.mark.parametrize("first", ["2026-07-01", "2026-01-01", "2024-01-01"])
def test_a_longer_period_makes_nobody_less_loyal(owner, comes, first):
    """All that is known may lie within the period: who came again has come back all the same."""
    for days in (0, 20, 40):
        comes("loyal", NOON - timedelta(days=days))
    comes("once", NOON)
    found = customers.customers(seen_by(owner, first))
    assert (found.people, found.returned) == (2, 1)


def test_days_are_days_of_the_organization(owner, comes):
    comes("late", NOON.replace(hour=23, minute=0))  # ends at 23:30, which is 21:30 in UTC
    comes("late", NOON.replace(hour=23, minute=45))  # ends at 00:15 the next day, 22:15 in UTC
    assert customers.customers(seen_by(owner)).returned == 1
    assert customers.customers(seen_by(owner, "2026-07-16", "2026-07-16")).visits == 1


def test_a_cohort_says_who_came_back_in_later_months(owner, comes):
    for number in range(5):
        comes(f"d{number}", NOON)
    for number in range(2):
        comes(f"d{number}", NOON + timedelta(days=31))
        comes(f"d{number}", NOON + timedelta(days=33))
    comes("d7", NOON + timedelta(days=31))
    looked = seen_by(owner, last="2026-09-30")
    (cohort,) = customers.retention(looked)
    assert (cohort.month, cohort.people, cohort.percents) == (date(2026, 7, 1), 5, [40, 0])
    assert customers.months(looked) == [(date(2026, 7, 1), 5, 0), (date(2026, 8, 1), 1, 2)]


@pytest.mark.parametrize(("segment", "people"), [("all", 4), ("new", 3), ("regular", 2), ("frequent", 1)])
def test_a_segment_has_its_people_and_what_they_do(owner, comes, segment, people):
    comes("old", NOON - timedelta(days=60))
    for name, times in {"old": 2, "once": 1, "some": 7, "often": 8}.items():
        for number in range(times):
            comes(name, NOON + timedelta(hours=number))
    looked = seen_by(owner, segment=segment)
    assert len(looked.part) == people
    assert sum(looked.found.usual["hour"].values()) == people


def test_only_what_is_asked_for_counts_but_who_is_new_is_known_from_everywhere(owner, site, comes):
    far = Site.objects.create(organization=site.organization, name="Far", latitude=52.1, longitude=4.3)
    ChargingSession.objects.filter(pk=comes("Ada", NOON - timedelta(days=40)).pk).update(site=far)
    comes("Ada", NOON)
    comes("Bob", NOON, state="open")
    comes("Cem", NOON, currency="JPY")
    found = customers.customers(seen_by(owner, site=str(site.pk)))
    assert (found.people, found.new, found.returned) == (1, 0, 1)
    assert customers.customers(seen_by(owner, site=str(far.pk))).people == 0


def test_guests_are_told_apart_by_mail_and_drivers_by_themselves(month, organization):
    driver = Driver.objects.create(organization=organization, name="Ada")
    ChargingSession.objects.filter(bill__source=FundingSource.VOUCHER).update(driver=driver)
    rows = patrons._rows(scope_of(month))
    assert {row["who"][:1] for row in rows} == {"d", "e", "t"}


@pytest.mark.postgres
def test_on_both_databases_the_page_says_the_same(comes, owner, finance):
    for number in range(6):
        comes(f"d{number}", NOON)
        comes(f"d{number}", NOON + timedelta(days=number))
    text = finance.get("/money/customers/?since=2026-07-01&until=2026-07-31").text
    assert "6 of them new; 5 came back" in text
