"""The simulator over the demo's past: every bill to the cent, by the tariff that was in force."""

from datetime import timedelta

import pytest

from billing import services as billing
from billing.models import Bill, SimulationRun
from billing.vocabulary import BillState
from evcms.core.models import Organization
from evcms.demo import past, till
from stations.models import Site
from tests.demo.conftest import keep_cards
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_tariff_in_force_reproduces_every_bill_of_the_demo_exactly(built, history, provider, tmp_path):
    street, cards, on_file = built
    with till.opened(tmp_path / "provider.sqlite3") as cash:
        keep_cards(cash, on_file, history)
        past.load(street, cards, history, cash, lambda words: None, on_file=on_file)
    organization = Organization.objects.get()
    run = billing.simulate(
        access=make_access(organization), name="Proof", draft=None, currency=organization.currency, tariff=None,
        sites=list(Site.objects.all()), since=history.first.date() - timedelta(days=1),
        until=history.last.date() + timedelta(days=1),
    )  # fmt: skip
    assert billing.run_simulations() == 1
    run = SimulationRun.objects.get()
    assert run.error == ""
    judged = Bill.objects.exclude(snapshot=None).exclude(state__in=(BillState.OPEN, BillState.REVIEW))
    judged = judged.exclude(source="free")
    assert run.done == judged.count() > 10
    assert run.skipped == 0
    assert run.result["all"]["billed"] == sum(judged.values_list("total_minor", flat=True)) > 0
    assert run.result["all"]["draft_net"] == sum(judged.values_list("net_minor", flat=True))
    assert (run.result["cheaper"], run.result["dearer"]) == (0, 0)
