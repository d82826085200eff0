"""The double as a process of its own."""

import os
import re
import subprocess
import sys

from .conftest import client_of

COMMAND = [sys.executable, "-m", "evcms.simulator.provider", "--port", "0"]


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if name not in ("EVCMS_DEMO", "EVCMS_TESTING")}
    return kept | more


def test_it_refuses_to_start_outside_the_demo_and_tests(tmp_path):
    done = subprocess.run(
        [*COMMAND, "--database", str(tmp_path / "no" / "p.sqlite3")],
        env=environment(EVCMS_DEMO="0"), capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 2
    assert "runs only in the demo or in tests" in done.stderr
    assert not (tmp_path / "no").exists()


def test_it_runs_alone_and_keeps_its_data_when_killed(tmp_path):
    made = []
    for _ in range(2):
        process = subprocess.Popen(
            [*COMMAND, "--database", str(tmp_path / "p.sqlite3")],
            env=environment(EVCMS_DEMO="1"), stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            api = client_of(re.search(r"http://[\d.]+:\d+", process.stdout.readline())[0]).v1
            made.append(api.customers.create({"name": "A"}).id)
            listed = [each.id for each in api.customers.list().data]
        finally:
            process.kill()
            process.communicate(timeout=10)
    assert listed == made[::-1]


def test_it_imports_nothing_of_the_product():
    code = (
        "import sys, evcms.simulator.provider.__main__;"
        "ours = ('django', 'billing', 'sessions', 'stations', 'alerts', 'evcms.core', 'evcms.settings');"
        "sys.exit([name for name in sys.modules if name.split('.')[0] in ours or name in ours] or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
