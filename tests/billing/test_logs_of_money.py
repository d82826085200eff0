"""Whatever is logged while money lives its whole life, down to debug and of the client's library, too: no card, no key,
no body of a webhook.
"""

import json
import logging
import os
import subprocess
import sys

import pytest

from billing.models import Dispute, Payment, Refund
from tests.billing.conftest import KEY, SECRET
from tests.billing.invariants import books
from tests.billing.world import PAGE_CARDS, SETUP_CARDS, World
from tests.fixtures.processes import BASE

pytestmark = pytest.mark.django_db(transaction=True)
LOUD = ("", "stripe", "urllib3", "requests", "django", "billing", "evcms", "asyncio")
LEVELS = "import django, logging; django.setup(); print(logging.getLogger('stripe').getEffectiveLevel())"


@pytest.fixture
def logs():
    """Everything that any logger says: the line, its arguments, its traceback."""
    lines = []

    class Keeps(logging.Handler):
        def emit(self, record):
            lines.append(self.format(record) + " " + repr(record.__dict__))

    handler, before = Keeps(level=logging.DEBUG), {}
    for name in LOUD:
        logger = logging.getLogger(name or None)
        before[logger] = (logger.level, logger.propagate)
        logger.setLevel(logging.DEBUG)
        logger.propagate = True
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)
    for logger, (level, propagate) in before.items():
        logger.setLevel(level)
        logger.propagate = propagate


def a_whole_life(provider):
    """Declined and paid pages, saved cards, a refund by two people, a dispute with evidence, every webhook, faults."""
    world = World(provider)
    first, second, third, _fourth = world.plugs
    world.opens_page(first, None)
    world.pays(first, "declined", True, True, None)
    world.pays(first, "pays", True, True, None)
    world.plugs_in(first, None)
    world.taps(second, "good", None)
    world.taps(third, "asks", None)
    world.told_by_webhook("doubled", None)
    for plug in (first, second, third):
        world.draws(plug, 10, None)
    provider.fault(status=500, match="/capture")
    provider.fault(drop_response_after_effect=1, match="/capture")
    for plug in (first, second, third):
        world.ends(plug, None)
    world.works()
    for payment in world.captured():
        world.refunds(payment, 301, None)
    world.decides(True, None)
    world.works()
    world.refunds(world.captured()[0], 10, 3)
    world.disputes(world.captured()[1])
    world.told_by_webhook("once", None)
    world.answers_bank(None)
    world.settles()
    world.holds_true()


def test_no_card_no_key_and_no_webhook_is_ever_logged(provider, logs):
    a_whole_life(provider)
    assert Payment.objects.filter(state="captured").count() >= 2
    assert Refund.objects.filter(state="done").exists()
    assert Dispute.objects.exclude(evidence_sent_at=None).exists()
    said = "\n".join(logs)
    assert "Post details" in said  # the library was heard, all of it
    assert len(logs) > 100
    for secret in (KEY, SECRET, *SETUP_CARDS.values(), *PAGE_CARDS.values()):
        assert secret not in said
    for event in books(provider, "event"):
        assert json.dumps(event) not in said
        assert f'"{event["id"]}"' not in said
    assert "whsec_" not in said
    assert "sk_test" not in said
    assert "Stripe-Signature" not in said


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ("DEBUG", logging.INFO),
        pytest.param("INFO", logging.INFO, marks=pytest.mark.long),
        pytest.param("ERROR", logging.ERROR, marks=pytest.mark.long),
    ],
)
def test_an_installation_that_logs_all_does_not_log_what_the_provider_answers(said, level):
    """At debug the client's library prints whole answers: addresses of drivers, secrets of payments."""
    env = {**os.environ, "LOG_LEVEL": said, "DJANGO_SETTINGS_MODULE": "evcms.settings"}
    asked = subprocess.run(
        [sys.executable, "-c", LEVELS], env=env, cwd=BASE, capture_output=True, text=True, timeout=60
    )
    assert asked.stdout.split()[-1:] == [str(level)], asked.stderr
