"""A simulation in the real worker's process, as the schedule or a nudge starts it."""

import pytest

from billing import services as billing
from billing.models import SimulationRun
from billing.vocabulary import RunState
from evcms.core import clock
from tests.billing.past import past_sessions
from tests.fixtures.processes import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def test_a_worker_takes_a_run_and_writes_its_result(celery_worker_process, owner, tariff, site, connector):
    past_sessions(tariff, connector, 25)
    today = clock.now().date()
    run = billing.simulate(
        access=owner, name="Proof", draft=None, currency="EUR", tariff=None, sites=[site],
        since=today.replace(year=today.year - 1), until=today,
    )  # fmt: skip
    until(lambda: SimulationRun.objects.get().finished_at, timeout=40, what="the worker to end the run")
    run.refresh_from_db()
    assert (run.state, run.done, run.result["dearer"], run.result["cheaper"]) == (RunState.DONE, 25, 0, 0)
