"""The real worker is killed (SIGKILL) again and again while two dozen sessions of all ways to pay begin, draw and end;
in the end the provider's books, the journal and the meters agree.

The stations' messages and the drivers' pages are this process, money's tasks are the worker's; both share the database,
the clock and the provider's double.
"""

import contextlib
import itertools
import random
import sys
import threading
from datetime import timedelta

import pytest
from django.db import connection

from billing import services as billing
from billing.models import Bill, Payment
from evcms.celery import app
from evcms.core import clock
from evcms.simulator.provider import running
from tests.billing.conftest import KEY, KWH, SECRET, Provider
from tests.billing.invariants import next_due
from tests.billing.world import World
from tests.fixtures.processes import until
from tests.stories.test_killed_parts import QUIET, WORKER

pytestmark = pytest.mark.django_db(transaction=True)
SESSIONS = 24
WAYS = ("page", "good", "page", "prepaid", "page", "fleet", "good", "free", "page", "declined", "voucher", "asks")
SLOW = ("/capture", "/cancel", "POST /v1/payment_intents", "POST /v1/refunds")
TICKS = ("core.sweep", "billing.sweep", "charging.expire_attempts")


@pytest.fixture
def bank(tmp_path, settings, processes):
    """The provider's double in a thread: the worker reaches it as everybody does."""
    with running(database=str(tmp_path / "bank.sqlite3"), merchant="City Charging") as double:
        keys = {"STRIPE_SECRET_KEY": KEY, "STRIPE_WEBHOOK_SECRET": SECRET, "STRIPE_API_BASE": double.public_url}
        processes.know(**keys)
        for name, value in keys.items():
            setattr(settings, name, value)
        settings.PAYMENTS_ON = True
        yield Provider(double)


class Killer(threading.Thread):
    """Starts the worker, kills it at a moment of the seed's choice, starts it again."""

    def __init__(self, processes, seed):
        super().__init__(daemon=True)
        self.random, self.over, self.kills = random.Random(seed), threading.Event(), 0
        argv = [sys.executable, "-m", *WORKER, *QUIET, "-s", processes.directory / "beat-schedule"]
        self.worker = processes.start("worker", argv, ready=lambda _process: True)

    def run(self):
        starts = 1
        while not self.over.is_set():
            if not self._wait(lambda said=starts: self.worker.output().count(" ready.") >= said):
                return
            self.over.wait(self.random.uniform(0.05, 2.0))
            self.worker.kill()
            self.kills += 1
            self.worker.start(ready=lambda _process: True)
            starts = self.worker.output().count(" ready.") + 1

    def _wait(self, ready):
        while not ready():
            if self.over.wait(0.05):
                return False
        return True


@contextlib.contextmanager
def killed_at_random(processes, seed):
    killer = Killer(processes, seed)
    killer.start()
    try:
        yield killer
    finally:
        killer.over.set()
        killer.join(30)
    killer.worker.restart(ready=lambda _process: True)  # by this thread: a child goes with the thread that began it


def begin(world, plug, way):
    if way == "page":
        world.opens_page(plug, None)
        world.pays(plug, "pays", True, True, None)
    elif way == "voucher":
        world.uses_voucher(plug, 1, None)
    else:
        world.taps(plug, way, None)
    if plug.attempts and not plug.running:
        world.plugs_in(plug, None)


def tick():
    """The schedule's ten seconds are over."""
    for name in TICKS:
        app.send_task(name)


def works_to_the_end(world):
    """The worker is told the time until nothing is due any more."""

    def quiet():
        due = next_due()
        if due is None:
            return True
        if (due - clock.now()) > timedelta(seconds=20):
            world.time(seconds=int((due - clock.now()).total_seconds()))
        tick()
        return False

    until(quiet, timeout=60, pause=0.4, what="the end of all work")


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2, 3)])
def test_a_worker_that_is_killed_at_any_moment_loses_and_doubles_nothing(bank, processes, seed):
    chance = random.Random(seed)
    world = World(bank, plugs=SESSIONS)
    with killed_at_random(processes, seed) as killer:
        for path in SLOW:
            bank.fault(match=path, delay=0.3, count=12)
        for plug, way in zip(world.plugs, itertools.cycle(WAYS)):
            begin(world, plug, way)
        running_ones = [plug for plug in world.plugs if plug.running]
        assert len(running_ones) >= 20
        for _round in range(2):
            world.time(minutes=60)
            for plug in running_ones:
                plug.car.draws(chance.randint(1, 9) * KWH)
            tick()
        chance.shuffle(running_ones)
        for number, plug in enumerate(running_ones):
            world.ends(plug, None)
            if number % 4 == 0:
                tick()
        until(lambda: killer.kills >= 5, timeout=45, pause=0.2, what="five deaths")
        for payment in world.captured()[:2]:
            billing.refund(payment=payment, amount_minor=100, reason="Late", access=world.owner)
    works_to_the_end(world)
    assert not world.holds()
    paid = Payment.objects.filter(state="captured").values_list("kind", flat=True)
    assert {"scan", "card", "prepaid", "voucher"} <= set(paid)
    assert Bill.objects.count() >= 20
    world.holds_true()
    connection.close()
