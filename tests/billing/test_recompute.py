"""Anybody can recompute a receipt: the script in docs/ finds every trace right, and every forged one wrong."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest

from billing.models import Receipt
from billing.pricing import price
from billing.receipts.document import credit_note
from evcms.core import clock
from tests.billing.conftest import KWH, later, paid, work
from tests.billing.test_golden_prices import CASES, periods_of, terms_of

SCRIPT = Path(__file__).parents[2] / "docs" / "recompute_receipt.py"
TRACES = {name: price(terms_of(case), periods_of(case)).to_json() for name, case in CASES.items()}


def recompute(folder, documents):
    """The script as anybody runs it: Python without our packages. (exit status, a line a document)"""
    paths = []
    for number, document in enumerate(documents):
        paths.append(folder / f"{number}.json")
        paths[-1].write_text(json.dumps(document))
    run = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), *map(str, paths)], capture_output=True, text=True, timeout=60
    )
    assert not run.stderr
    return run.returncode, run.stdout.splitlines()


def test_every_price_of_the_golden_table_adds_up(tmp_path):
    status, said = recompute(tmp_path, TRACES.values())
    wrong = [(name, text) for name, text in zip(TRACES, said, strict=True) if not text.endswith("adds up")]
    assert (status, wrong) == (0, [])


def forged(trace, change):
    document = copy.deepcopy(trace)
    change(document)
    return document


def raise_line(document):
    document["lines"][0]["amount"] += 1
    document["total"] += 1
    document["net"] += 1


def raise_total(document):
    document["total"] += 1


def move_tax(document):
    document["net"] -= 1
    document["tax"] += 1


def lose_line(document):
    document["total"] -= document["lines"].pop()["amount"]


@pytest.mark.parametrize("change", [raise_line, raise_total, move_tax, lose_line])
@pytest.mark.parametrize(
    "name",
    [
        "simple: energy and a session fee",
        "tax: two rates on top",
        "bounds: the cap over two rates",
        "blocking: the cap over two prices",
        "currencies: fils",
    ],
)
def test_a_forged_receipt_is_found_out(name, change, tmp_path):
    status, said = recompute(tmp_path, [forged(TRACES[name], change)])
    assert status == 1
    assert "is not" in said[0] or "is wrong" in said[0]


@pytest.mark.django_db(transaction=True)
def test_a_receipt_as_drivers_get_it_adds_up_and_so_does_its_credit_note(provider, tariff, connector, car, tmp_path):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    receipt = Receipt.objects.get()
    note = credit_note(receipt=receipt, number="2026-000002", issued_at=clock.now(), reason="a test")
    status, said = recompute(tmp_path, [receipt.document, note])
    assert (status, len(said)) == (0, 2)
