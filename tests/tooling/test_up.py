"""`manage.py up`, the real thing, from an empty folder: every part is a real process."""

import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import time
import urllib.error
import urllib.request
from importlib import import_module

import pytest

from evcms.supervisor import state
from tests.environment import free_port
from tests.fixtures.database import template
from tests.fixtures.processes import MANAGE, Process, listens, until
from tests.tooling.test_supervisor import gone

FIRST = {
    "EVCMS_ORGANIZATION": "Harbour Charging",
    "EVCMS_CURRENCY": "eur",
    "EVCMS_TIME_ZONE": "Europe/Berlin",
    "EVCMS_OWNER_EMAIL": "owner@charging.example",
    "EVCMS_OWNER_PASSWORD": "correct horse battery",
}


class Installation:
    def __init__(self, folder):
        self.folder, self.data = folder, folder / "var"
        self.web, self.ocpp, self.signals = free_port(), free_port(), free_port()
        self.env = {
            "EVCMS_DATA_DIR": str(self.data),
            "EVCMS_PORT": str(self.web),
            "EVCMS_OCPP_PORT": str(self.ocpp),
            "EVCMS_OCPP_HOST": "127.0.0.1",
            "EVCMS_REDIS_PORT": str(self.signals),
            "EVCMS_WORKER_PROCESSES": "1",
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "EMAIL_BACKEND": "",
        }
        self.process = None

    def run(self, **env):
        """A start that is expected to end by itself; returns (exit code, what it said)."""
        made = Process("up", [*MANAGE, "up"], self.env | env, self.folder)
        ended = subprocess.run(
            made.argv, env=made.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )
        return ended.returncode, ended.stdout + ended.stderr

    def migrated(self):
        """Skip the minute that a fresh database takes where a test is about something else."""
        self.data.mkdir(mode=0o700)
        shutil.copyfile(template(), self.data / "evcms.sqlite3")
        return self

    def start(self, **env):
        self.process = Process("up", [*MANAGE, "up"], self.env | env, self.folder).start()
        return self

    def health(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/healthz", timeout=2) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
        except OSError:
            return {"ok": False, "processes": {}}

    def green(self, timeout):
        until(lambda: self.health()["ok"], timeout, pause=0.3, what=f"a green /healthz, got {self.health()}")

    def pids(self):
        return {name: part["pid"] for name, part in state.read(self.data / "run")["parts"].items()}


@pytest.fixture
def installation(tmp_path):
    made = Installation(tmp_path)
    yield made
    if made.process:
        made.process.stop(30)


def test_the_first_start_says_everything_that_it_needs_at_once(installation):
    code, said = installation.migrated().run(EVCMS_CURRENCY="doubloons", EVCMS_OWNER_PASSWORD="short")
    assert code == 1
    assert "needs EVCMS_ORGANIZATION, EVCMS_TIME_ZONE, EVCMS_OWNER_EMAIL" in said
    assert "EVCMS_CURRENCY: 'doubloons' is no currency" in said
    assert "EVCMS_OWNER_PASSWORD: " in said
    assert "Traceback" not in said


def test_a_contradictory_setting_ends_the_start_with_its_sentence(installation):
    code, said = installation.run(STRIPE_SECRET_KEY="sk_live_123")
    assert code == 1
    assert "STRIPE_SECRET_KEY is set without STRIPE_WEBHOOK_SECRET" in said
    assert "Traceback" not in said


def test_a_value_that_cannot_be_read_ends_the_start_with_its_sentence(installation):
    code, said = installation.run(EVCMS_PORT="eighty")
    assert code == 1
    assert "EVCMS_PORT must be a whole number, not 'eighty'." in said
    assert "Traceback" not in said


def test_a_database_that_does_not_answer_ends_the_start_with_a_sentence(installation):
    code, said = installation.run(DATABASE_URL=f"postgres://evcms:x@127.0.0.1:{free_port()}/evcms")
    assert code == 1
    assert "The database does not answer (DATABASE_URL)" in said
    assert "Traceback" not in said


def test_a_database_of_another_version_ends_the_start_with_a_sentence(installation):
    installation.migrated()
    with sqlite3.connect(installation.data / "evcms.sqlite3") as rows:
        rows.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('billing', '0016_links_end', '2026-11-28')"
        )
    code, said = installation.run(**FIRST)
    assert code == 1
    assert "made by another version of EVCMS" in said
    assert "billing.0016_links_end" in said
    assert "Traceback" not in said


def test_a_database_of_before_the_folding_goes_on(installation):
    """The first migrations were folded into one each app; a database that took them one by one is up to date."""
    installation.migrated()
    folded = "0001_squashed_0006_proof_runs"
    with sqlite3.connect(installation.data / "evcms.sqlite3") as rows:
        rows.execute("DELETE FROM django_migrations WHERE app = 'billing' AND name = ?", [folded])
        for app, name in import_module(f"billing.migrations.{folded}").Migration.replaces:
            rows.execute("INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, '2026-11-28')", [app, name])
    code, said = installation.run(EVCMS_CURRENCY="doubloons")
    assert code == 1
    assert "'doubloons' is no currency" in said, "It came past the migrations, to the founding."
    assert "Bringing the database up to date" not in said


def test_a_whole_life(installation):
    """An empty folder; a killed part, a second supervisor, a clean stop."""
    installation.start(**FIRST)
    installation.green(120)  # a fresh database is ten seconds of one core, and tests share two
    health = installation.health()
    assert set(health["processes"]) == {"valkey", "worker", "gateway", "web"}
    assert health["parts"]["payment"]["state"] == "off"
    until(lambda: "EVCMS runs (after" in installation.process.output(), what="the greeting")
    assert stat.S_IMODE((installation.data / "evcms.sqlite3").stat().st_mode) == 0o600
    founded(installation)

    before = installation.pids()
    os.kill(before["gateway"], signal.SIGKILL)
    until(lambda: installation.pids()["gateway"] != before["gateway"], what="the gateway to be started again")
    until(lambda: listens(installation.ocpp), what="chargers to be heard again")
    assert installation.pids()["web"] == before["web"]

    code, said = installation.run()
    assert code == 1
    assert "EVCMS already runs on" in said
    ends(installation)


@pytest.mark.long
def test_a_killed_supervisor_leaves_nothing_and_the_next_start_has_the_same_data(installation):
    """Of the real parts; of small ones in test_supervisor.py, each day."""
    installation.start(**FIRST)
    installation.green(120)
    pids = list(installation.pids().values())
    os.kill(installation.process.pid, signal.SIGKILL)
    installation.process.child.wait(5)
    until(lambda: all(gone(pid) for pid in pids), timeout=20, what="every part to end")

    begin = time.monotonic()
    installation.start()
    installation.green(20)
    assert time.monotonic() - begin < 20
    founded(installation)
    ends(installation)


def founded(installation):
    with sqlite3.connect(installation.data / "evcms.sqlite3") as rows:
        assert rows.execute("SELECT name, currency, time_zone, country FROM core_organization").fetchall() == [
            ("Harbour Charging", "EUR", "Europe/Berlin", "DE")
        ]


def ends(installation):
    pids = list(installation.pids().values())
    installation.process.stop(30)
    assert installation.process.child.returncode == 0
    assert all(gone(pid) for pid in pids)
    assert not listens(installation.signals)
