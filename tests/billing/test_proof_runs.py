"""A period is proven by a task; its page shows the newest result at once."""

from datetime import timedelta

import pytest

from billing import services
from billing.models import ProofRun
from billing.proof import from_json
from billing.queries import proof as proofs
from evcms.core import clock
from evcms.core.access import Role
from tests.billing.past import past_sessions
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/money/proof/"


@pytest.fixture
def finance(client, organization):
    client.force_login(make_access(organization, Role.FINANCE).user)
    return client


@pytest.fixture
def months(tariff, connector):
    past_sessions(tariff, connector, 3)


def test_nothing_is_said_before_a_worker_has_checked(months, finance):
    assert "Not checked yet" in finance.get(PAGE).text
    assert not ProofRun.objects.exists()  # a look asks for nothing
    assert finance.post(PAGE).status_code == 302
    finance.post(PAGE)  # twice is once
    assert ProofRun.objects.count() == 1
    assert "Waiting for a worker" in finance.get(PAGE).text
    assert services.run_proofs() == 1
    text = finance.get(PAGE).text
    assert "Check again" in text
    assert "All energy" in text


def test_what_is_kept_is_what_the_checks_say(months, owner, finance):
    finance.post(PAGE)
    services.run_proofs()
    run = ProofRun.objects.get()
    proof = from_json(run.result)
    assert proof.to_json() == run.result
    made = proofs.prove(organization=owner.organization, since=proof.since, until=proof.until)
    assert made.to_json() == proof.to_json()


def test_a_worker_that_died_leaves_its_run_to_the_next(months, finance, owner):
    finance.post(PAGE)
    ProofRun.objects.update(state="running", due_at=clock.now() + services.proofs.LEASE, started_at=clock.now())
    assert services.run_proofs() == 0  # somebody works on it
    assert "Being checked now" in finance.get(PAGE).text
    ProofRun.objects.update(due_at=clock.now())
    assert services.run_proofs() == 1


def test_the_page_asks_how_far_it_is_until_there_is_something_to_read(months, finance):
    for _time in range(2):
        finance.post(PAGE)
        part = finance.get(PAGE, {"part": "progress"})
        assert 'hx-trigger="every 2s"' in part.text
        assert "<html" not in part.text
        assert "HX-Refresh" not in part.headers
        services.run_proofs()
        assert finance.get(PAGE, {"part": "progress"}).headers["HX-Refresh"] == "true"
    finance.post(PAGE)
    ProofRun.objects.filter(state="waiting").update(state="running", started_at=clock.now() - timedelta(seconds=75))
    assert "for 1 min; the last one took" in finance.get(PAGE, {"part": "progress"}).text
    assert "hx-trigger" not in finance.get(PAGE, {"since": "2001-01-01", "until": "2001-01-02"}).text


def test_a_failed_check_says_so_and_may_be_asked_again(months, finance, monkeypatch):
    finance.post(PAGE)
    monkeypatch.setattr(proofs, "prove", lambda **_said: 1 / 0)
    services.run_proofs()
    assert "ZeroDivisionError" in finance.get(PAGE).text
    monkeypatch.undo()
    finance.post(PAGE)
    services.run_proofs()
    assert "ZeroDivisionError" not in finance.get(PAGE).text


def test_the_nights_ask_for_this_month_and_the_last_of_everybody(tariff, connector, rival):
    past_sessions(tariff, connector, 3)
    assert services.prove_nightly() == 4
    again = ProofRun.objects.count()
    services.prove_nightly()
    assert ProofRun.objects.count() == again
