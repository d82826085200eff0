"""Insight counts what is in the rows, by the organization's days, and never tells of fewer than five people."""

import io
import zipfile
from datetime import timedelta

import pytest

from billing.insight_forms import InsightForm
from billing.models import Bill, SitePricing
from billing.queries import customers, insight
from billing.services import vouchers
from billing.vocabulary import FundingSource
from evcms.core import clock
from evcms.core.access import Role
from sessions import services as sessions
from sessions.models import Driver
from stations import services as stations
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


@pytest.mark.parametrize(("path", "most"), [("/money/insight/", 30), ("/money/customers/", 20)])
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


def visit(who, number=0, total=1000, **fields):
    now = clock.now()
    said = {
        "who": who, "ended_at": now + timedelta(minutes=number), "started_at": now, "total": total, "site_id": 1,
        "site": "Kade", "plug": "cType2", "power_w": 22_000, "source": FundingSource.SCAN,
    }  # fmt: skip
    return customers.Visit(**(said | fields))


def test_preferences_of_fewer_than_five_people_are_hidden(owner):
    seen = [visit(f"d{number}") for number in range(5)] + [visit("d9", site="Secret"), visit("d9", site="Secret")]
    usual = customers.preferences(seen, scope_of(owner))[0]
    assert [(row.label, row.people) for row in usual.rows] == [("Kade", 5)]
    assert usual.hidden_in_words == "fewer than 5"


def test_the_power_class_is_that_of_the_plug_up_to_its_border(owner):
    powers = {11_000: "≤ 11 kW", 11_001: "≤ 22 kW", 150_000: "≤ 150 kW", 150_001: "> 150 kW"}
    for power, words in powers.items():
        seen = [
            visit(f"d{number}", power_w=power, started_at=clock.now().replace(month=1, hour=8)) for number in range(5)
        ]
        usual = {each.title: each.rows[0].label for each in customers.preferences(seen, scope_of(owner))}
        assert (usual["Power class"], usual["Usual hour of the start"]) == (words, "09:00")  # UTC + 1 in winter


def test_each_person_counts_once_with_what_he_does_most(owner):
    seen = [visit(f"d{number}", site=site) for number in range(5) for site in ("Kade", "Kade", "Plein")]
    usual = customers.preferences(seen, scope_of(owner))[0]
    assert [(row.label, row.people) for row in usual.rows] == [("Kade", 5)]


def test_spending_is_told_of_five_people_and_its_spread_of_fifty():
    assert customers.spend([visit(f"d{number}") for number in range(4)]) is None
    few = customers.spend([visit(f"d{number}", total=100 * number) for number in range(1, 6)])
    assert (few.median, few.mean, few.top_tenth, few.deciles) == (300, 300, None, [])
    many = customers.spend([visit(f"d{number}", total=100 if number < 45 else 1100) for number in range(50)])
    assert many.top_tenth == 55
    assert many.deciles == [100] * 9 + [1100]


def test_new_and_returning_customers_by_their_first_session_ever(owner):
    scope = scope_of(owner)
    seen = [visit("d1"), visit("d1"), visit("d2")]
    first = {"d1": scope.since - timedelta(days=1), "d2": clock.now()}
    found = customers.customers(scope, seen, first)
    assert (found.people, found.new, found.returning, found.visits) == (2, 1, 1, 3)


def test_a_cohort_says_who_came_back_in_later_months(owner):
    scope = scope_of(owner)
    start = clock.now().replace(day=5, hour=12)
    before = start - timedelta(days=31)
    people = [f"d{number}" for number in range(5)]
    seen = [visit(who, ended_at=before) for who in people] + [visit(who, ended_at=start) for who in people[:2]]
    cohort = customers.retention(scope, seen, dict.fromkeys(people, before))[0]
    assert (cohort.people, cohort.percents) == (5, [40])


def test_guests_are_told_apart_by_mail_and_drivers_by_themselves(month, organization):
    driver = Driver.objects.create(organization=organization, name="Ada")
    Bill.objects.filter(source=FundingSource.VOUCHER).first().session.__class__.objects.filter(
        bill__source=FundingSource.VOUCHER
    ).update(driver=driver)
    who = {each.who[0] for each in customers.visits(scope_of(month))}
    assert who == {"d", "e", "t"}
