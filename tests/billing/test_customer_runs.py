"""Customers of a large network are counted by a task; their page shows the newest answer at once."""

from datetime import timedelta

import pytest

from billing import services
from billing.insight_forms import InsightForm
from billing.models import CustomerRun
from billing.queries import customer_runs, customers
from evcms.core import clock
from evcms.core.access import Role
from sessions.models import ChargingSession, Driver
from stations.models import SiteGrant
from tests.billing.past import past_sessions
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/money/customers/"


@pytest.fixture
def finance(client, organization):
    client.force_login(make_access(organization, Role.FINANCE).user)
    return client


@pytest.fixture
def large(monkeypatch, organization, tariff, connector):
    monkeypatch.setattr(customer_runs, "MOST_AT_ONCE", 0)
    people = [Driver.objects.create(organization=organization, name=f"D{n}") for n in range(7)]
    for place, session in enumerate(past_sessions(tariff, connector, 30, every=timedelta(days=2))):
        ChargingSession.objects.filter(pk=session.pk).update(driver=people[place % 7])


def test_nothing_is_said_before_a_worker_has_counted(large, finance):
    assert "Not counted yet" in finance.get(PAGE).text
    assert not CustomerRun.objects.exists()  # a look asks for nothing
    assert finance.post(PAGE).status_code == 302
    finance.post(PAGE)  # twice is once
    assert CustomerRun.objects.count() == 1
    assert "It waits for a worker" in finance.get(PAGE).text
    assert services.count_customers() == 1
    page = finance.get(PAGE)
    assert "Count again" in page.text
    assert page.context["sums"].people == 7
    assert finance.get(f"{PAGE}?export=csv").status_code == 200


def test_what_is_kept_is_what_the_bills_say(large, finance, owner, monkeypatch):
    said = {"segment": "regular", "since": "", "until": ""}
    finance.post(f"{PAGE}?segment=regular")
    services.count_customers()
    kept = customers.Figures.from_json(CustomerRun.objects.get().result)
    scope = InsightForm(said, access=owner).scope(usual_days=180)
    assert kept == customers.figures(customers.look(scope, "regular"))
    assert kept.cohorts
    shown = finance.get(f"{PAGE}?segment=regular").context
    monkeypatch.setattr(customer_runs, "MOST_AT_ONCE", 10_000)
    counted = finance.get(f"{PAGE}?segment=regular").context
    for name in ("sums", "cohorts", "spend", "likes", "months_chart", "spend_chart"):
        assert shown[name] == counted[name]
    assert "Not counted yet" in _large(finance, monkeypatch, f"{PAGE}?segment=all").text  # another question


def _large(finance, monkeypatch, address):
    monkeypatch.setattr(customer_runs, "MOST_AT_ONCE", 0)
    return finance.get(address)


def test_a_failed_count_says_so_and_may_be_asked_again(large, finance, monkeypatch):
    finance.post(PAGE)
    with monkeypatch.context() as patch:
        patch.setattr(customers, "look", lambda *_said: 1 / 0)
        services.count_customers()
    assert "ZeroDivisionError" in finance.get(PAGE).text
    finance.post(PAGE)
    services.count_customers()
    assert "ZeroDivisionError" not in finance.get(PAGE).text


def test_who_sees_one_site_gets_the_answer_of_that_site_only(large, client, organization, connector):
    mine = make_access(organization, Role.FINANCE, all_sites=False)
    client.force_login(mine.user)
    grant = SiteGrant.objects.create(membership=mine.membership, site=connector.station.site)
    client.post(PAGE)
    services.count_customers()
    assert client.get(PAGE).context["sums"].people == 7
    client.post(PAGE)
    grant.delete()  # while it waits
    services.count_customers()
    assert CustomerRun.objects.filter(state="failed", error__contains="other sites").count() == 1
    assert "Not counted yet" in client.get(PAGE).text  # nor is what was counted before shown


def test_the_nights_ask_for_large_networks_only_and_forget_old_answers(large, owner, finance, monkeypatch):
    assert services.ask_customers_nightly() == 1
    services.count_customers()
    assert finance.get(PAGE).context["sums"].people == 7
    CustomerRun.objects.update(created_at=clock.now() - timedelta(days=31))
    monkeypatch.setattr(customer_runs, "MOST_AT_ONCE", 1000)
    assert services.ask_customers_nightly() == 0
    assert not CustomerRun.objects.exists()
