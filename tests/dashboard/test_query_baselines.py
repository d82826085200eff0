"""How many queries each operator page asks: not more than the baseline, nor for more rows, never over 20.

`EVCMS_BASELINES=write pytest tests/dashboard/test_query_baselines.py` writes query_baselines.json anew; look at the
difference before it is committed.
"""

import json
import os
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.large.pages import addresses
from tests.dashboard.conftest import browser
from tests.security import world
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db
BASELINES = Path(__file__).with_name("query_baselines.json")
MOST = 20
GROWING = {"on-call"}  # by two a rota that it reckons
SLACK = 2  # an empty list asks less than a filled one
UNCHECKED = {"stations, last page", "sessions, last page"}  # far pages of a small world are its first


def counted(client, found):
    numbers = {}
    for name, address in found.items():
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(address)
        assert answer.status_code == 200, (name, address, answer.status_code)
        if answer.streaming:
            b"".join(answer)
        numbers[name] = len(asked)
    return numbers


def test_no_page_asks_more_than_it_did_nor_more_for_more_rows(silent):
    owner = make_access(world.organization("Pages"))
    small = world.fill(owner, "OKAPI", 1)
    found = {name: address for name, address in addresses(small, {}).items() if name not in UNCHECKED}
    client = browser(owner)
    client.get("/")  # what a process asks once
    first = counted(client, found)
    world.fill(owner, "ZEBRA", 2)
    world.fill(owner, "QUAGGA", 3)
    second = counted(client, found)
    if os.environ.get("EVCMS_BASELINES") == "write":
        BASELINES.write_text(json.dumps(dict(sorted(second.items())), indent=2) + "\n")
    known = json.loads(BASELINES.read_text())
    assert set(known) == set(second), "Write the baselines anew: pages came or went."
    grown = {name: (known[name], first[name], second[name]) for name in second if second[name] > known[name]}
    assert grown == {}, "(baseline, small world, larger world)"
    assert {name: number for name, number in second.items() if number > MOST} == {}
    more = {name: (first[name], second[name]) for name in second if second[name] > first[name] + SLACK}
    assert set(more) <= GROWING, more
