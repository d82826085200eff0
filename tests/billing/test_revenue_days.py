"""Days of revenue are what the bills say: counted once, corrected late, counted by two, or not counted at all."""

from datetime import timedelta
from random import Random

import pytest
from django.core.management import call_command
from django.db.models import Count, F, Sum
from django.db.models.functions import TruncDate

from billing import revenue as arithmetic
from billing.models import Bill, LateBill, RevenueDay, RevenueMark, SiteRevenueDay
from billing.queries import insight
from billing.services import bills, count_revenue, recount_revenue, revenue
from billing.vocabulary import BillState, FundingSource
from evcms.core import clock
from evcms.core.access import Role
from sessions.models import ChargingSession
from stations.models import Site, SiteGrant
from tests.billing.past import past_sessions
from tests.billing.test_insight import scope_of
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def weeks(owner, tariff, connector):
    """Four weeks of bills, every way to pay, two sites and none, unpaid parts, two that still run."""
    random = Random(7)
    sites = [
        connector.station.site,
        Site.objects.create(
            organization=owner.organization, name="Other", latitude=52, longitude=5, time_zone="Europe/Amsterdam"
        ),
        None,
    ]
    made = past_sessions(tariff, connector, 120, every=timedelta(hours=5, minutes=37))
    for session in made:
        ChargingSession.objects.filter(pk=session.pk).update(site=random.choice(sites))
        row = Bill.objects.get(session=session)
        row.source = random.choice(FundingSource.values)
        row.shortfall_minor = random.choice((0, 0, row.total_minor))
        row.waived_minor = row.shortfall_minor // 2
        if random.random() < 0.1:
            row.total_minor = row.net_minor = row.tax_minor = 0
        row.save()
    Bill.objects.filter(session__in=made[:2]).update(state=BillState.OPEN)
    return owner


def days(scope):
    first = (clock.now() - timedelta(days=30)).astimezone(scope.zone).date()
    return {"since": first.isoformat(), "until": clock.now().astimezone(scope.zone).date().isoformat()}


def told(access, **said):
    """Every figure of the page, by the names that it gives them."""
    scope = scope_of(access, **days(scope_of(access)) | said)
    return (
        insight.by_site(scope), insight.by_day(scope), insight.by_tariff(scope), insight.mix(scope),
        insight.values(scope), insight.revenue_before(scope),
    )  # fmt: skip


def from_bills(access):
    """The page's figures in one statement each, over the bills."""
    zone = scope_of(access).zone
    rows = Bill.objects.filter(organization=access.organization).exclude(state=BillState.OPEN).order_by()
    rows = rows.annotate(day=TruncDate("session__ended_at", tzinfo=zone))
    sums = {
        "n": Count("pk"), "energy": Sum("session__energy_mwh"), "net": Sum("net_minor"), "billed": Sum("total_minor"),
        "unpaid": Sum(F("shortfall_minor") - F("waived_minor")),
    }  # fmt: skip
    return {
        name: {row[0]: row[1:] for row in rows.values_list(column).annotate(**sums)}
        for name, column in (("day", "day"), ("site", "session__site"), ("tariff", "snapshot__tariff"),
                             ("source", "source"))
    }  # fmt: skip


def counted(access):
    scope = scope_of(access, **days(scope_of(access)))
    return {
        name: {
            value: (row.sessions, row.energy_mwh, row.net, row.billed, row.unpaid)
            for value, row in scope.reader.by(name).items()
        }
        for name in ("day", "site", "tariff", "source")
    }


def test_counted_days_say_what_the_bills_say_to_the_cent(weeks):
    before = told(weeks)
    assert counted(weeks) == from_bills(weeks)  # nothing is counted yet: the bills themselves
    assert count_revenue() > 20
    assert told(weeks) == before
    assert counted(weeks) == from_bills(weeks)


def test_the_page_reads_no_bill_of_a_counted_day(weeks, django_assert_num_queries):
    count_revenue()
    Bill.objects.filter(session__ended_at__lt=clock.now() - timedelta(days=3)).update(net_minor=0)  # behind its back
    assert insight.sums(scope_of(weeks)).revenue > 0
    scope = scope_of(weeks)
    with django_assert_num_queries(3 + 3 + 2):  # mark, late, today; three groups; names of sites and tariffs
        insight.by_day(scope), insight.values(scope), insight.mix(scope), insight.by_tariff(scope)
        insight.by_site(scope), insight.revenue_before(scope)


def test_a_late_correction_is_seen_at_once_and_counted_then(weeks):
    count_revenue()
    old = Bill.objects.filter(session__ended_at__lt=clock.now() - timedelta(days=5)).exclude(source="free").first()
    bill = bills.lock(old.session_id)
    bill.total_minor, bill.net_minor = bill.total_minor + 5000, bill.net_minor + 4000
    bills.close(bill, BillState.UNPAID, "late readings", shortfall=5000)
    assert LateBill.objects.count() == 1
    assert counted(weeks) == from_bills(weeks)
    assert count_revenue() == 1
    assert not LateBill.objects.exists()
    assert counted(weeks) == from_bills(weeks)


def test_a_bill_that_closes_with_its_session_leaves_no_mark(weeks):
    session = ChargingSession.objects.order_by("-ended_at").first()
    ChargingSession.objects.filter(pk=session.pk).update(ended_at=clock.now() - timedelta(minutes=5))
    bills.close(bills.lock(session.pk), BillState.PAID, "")
    assert not LateBill.objects.exists()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_to_bills_in_whatever_order_counting_again_gives_the_same(weeks, seed):
    random = Random(seed)
    pks = list(ChargingSession.objects.values_list("pk", flat=True))
    for _round in range(25):
        deed = random.random()
        if deed < 0.2:
            count_revenue(budget_s=random.choice((0.0, 60.0)))  # killed after a day, or whole
        elif deed < 0.3:
            recount_revenue()
        else:
            bill = bills.lock(random.choice(pks))
            bill.net_minor, bill.total_minor = random.randint(0, 5000), random.randint(0, 7000)
            bill.source = random.choice(FundingSource.values)
            bills.close(bill, random.choice((BillState.PAID, BillState.UNPAID, BillState.OPEN)), "")
        assert counted(weeks) == from_bills(weeks)
    count_revenue()
    kept = sorted(RevenueDay.objects.values_list("day", "source", "step", "sessions", "net_minor", "unpaid_minor"))
    call_command("recount_revenue")
    again = sorted(RevenueDay.objects.values_list("day", "source", "step", "sessions", "net_minor", "unpaid_minor"))
    assert again == kept
    sums = [model.objects.aggregate(n=Sum("sessions"), net=Sum("net_minor")) for model in (RevenueDay, SiteRevenueDay)]
    assert sums[0] == sums[1]


def test_an_end_that_moved_to_another_day_is_right_the_next_morning(weeks):
    count_revenue()
    session = ChargingSession.objects.filter(ended_at__lt=clock.now() - timedelta(days=5)).first()
    ChargingSession.objects.filter(pk=session.pk).update(ended_at=session.ended_at - timedelta(days=2))
    recount_revenue()
    assert counted(weeks) == from_bills(weeks)


def test_days_of_another_zone_are_forgotten_and_counted_again(weeks):
    count_revenue()
    organization = weeks.organization
    organization.time_zone = "Pacific/Auckland"
    organization.save()
    assert counted(weeks) == from_bills(weeks)  # from the bills: no counted day is a day there
    count_revenue()
    assert RevenueMark.objects.get().zone == "Pacific/Auckland"
    assert counted(weeks) == from_bills(weeks)


def test_who_sees_one_site_reads_its_rows_only(weeks, connector):
    site = connector.station.site
    count_revenue()
    mine = make_access(weeks.organization, Role.FINANCE, all_sites=False)
    SiteGrant.objects.create(membership=mine.membership, site=site)
    assert [row.site_id for row in insight.by_site(scope_of(mine, **days(scope_of(mine))))] == [site.pk]
    whole, part = (insight.mix(scope_of(access, **days(scope_of(access)))) for access in (weeks, mine))
    assert 0 < sum(row.sessions for row in part) < sum(row.sessions for row in whole)
    assert sum(row.sessions for row in part) == sum(row.sessions for row in told(weeks, site=str(site.pk))[3])


def test_a_price_on_the_border_belongs_to_the_class_below():
    borders = [100, 300]
    steps = [arithmetic.step_of(total, borders) for total in (-5, 0, 1, 100, 101, 300, 301)]
    assert steps == [arithmetic.NOTHING, arithmetic.NOTHING, 0, 0, 1, 1, 2]


def test_no_service_saves_a_bill_past_the_count():
    from pathlib import Path

    folder = Path(revenue.__file__).parent
    found = [path.name for path in folder.rglob("*.py") if "bill.save(" in path.read_text()]
    assert found == ["revenue.py"]
