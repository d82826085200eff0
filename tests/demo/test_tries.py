"""The demo's attempts say what a look of the worker says, and all six causes are among them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from evcms.core import clock
from evcms.demo import past, till, tries
from evcms.simulator.past import PastAttempt
from sessions.models import Attempt
from sessions.services import judge_attempts
from stations.models import Station
from tests.demo.conftest import keep_cards

pytestmark = pytest.mark.django_db(transaction=True)
SAID = ("state", "cause", "stage", "party", "rule", "counted", "plugged_at", "started_at", "energy_at", "first_at")


def more(history):
    """Cards that nobody paid with: rare in one day, so some are added, at a quiet hour."""
    known = history.sessions[0]
    rows = [
        PastAttempt(
            history.first + timedelta(minutes=10 * number), known.site, known.station, known.connector, "rfid",
            f"NOBODY-{number}", cause, False,
        )
        for number, cause in enumerate(["connector_fault"] * 5 + ["cable_not_connected"] * 2)
    ]  # fmt: skip
    return replace(history, attempts=(*history.attempts, *rows))


def test_the_past_is_judged_as_the_worker_would(built, history, tmp_path):
    street, cards, on_file = built
    history = more(history)
    with till.opened(tmp_path / "provider.sqlite3") as cash:
        keep_cards(cash, on_file, history)
        past.load(street, cards, history, cash, lambda words: None, on_file=on_file)
    tries.load(street, past.places_of(street, history), history)
    assert Attempt.objects.filter(judge_at__isnull=False).count() < 10  # only what was tried again
    before = {row["pk"]: row for row in Attempt.objects.values("pk", *SAID)}
    assert len(before) > 15
    assert {"car", "backend", "station", "driver"} <= {row["party"] for row in before.values()}
    Attempt.objects.update(judge_at=clock.now())
    judge_attempts()
    parts = set(Attempt.objects.exclude(part_of=None).values_list("pk", flat=True))
    leads = set(Attempt.objects.exclude(part_of=None).values_list("part_of", flat=True))
    after = {row["pk"]: row for row in Attempt.objects.values("pk", *SAID)}
    wrong = [
        (before[pk], after[pk]) for pk in before.keys() - parts
        if {name: before[pk][name] for name in SAID[:-1]} != {name: after[pk][name] for name in SAID[:-1]}
    ]  # fmt: skip
    assert not wrong, [{name: (old[name], new[name]) for name in SAID if old[name] != new[name]} for old, new in wrong]
    assert not parts & leads
    assert Station.objects.exists()
