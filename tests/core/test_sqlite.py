"""Our backend for SQLite: who waits for the write lock takes the first gap, and says so when there is none."""

import threading
import time

import pytest
from django.db import OperationalError, connection, transaction

from evcms.core import sql

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 3


@pytest.fixture(autouse=True)
def on_sqlite():
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL locks rows, and queues.")


class Busy:
    """Another thread that makes one transaction after the other, as the worker does, and counts them."""

    def __init__(self, held_s=0.3):
        self.held_s, self.made = held_s, 0
        self._begun, self._enough = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._begun.wait(10)
        return self

    def __exit__(self, *_):
        self._enough.set()
        self._thread.join(20)

    def _live(self):
        while not self._enough.is_set():
            with transaction.atomic():
                self._begun.set()
                self._enough.wait(self.held_s)
                self.made += 1
        connection.close()


def test_who_waits_takes_the_first_gap():
    """Left to SQLite it looked ten times a second and met no gap for ever."""
    with Busy() as busy:
        passed = 0
        for _round in range(ROUNDS):
            before = busy.made
            with transaction.atomic():
                passed += busy.made - before
            time.sleep(busy.held_s / 2)
    assert passed <= 3 * ROUNDS


def test_no_gap_is_an_error_and_the_connection_goes_on(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", connection.settings_dict["OPTIONS"] | {"timeout": 0.2})
    with Busy(held_s=30), pytest.raises(OperationalError, match="locked"), transaction.atomic():
        raise AssertionError("it has the lock of another")
    with transaction.atomic():
        assert sql.fetch("SELECT 1", []) == [(1,)]


def test_single_statements_wait_as_long_as_before():
    """They are not begun by us: SQLite's own patience holds for them, before and after a transaction."""
    patience = int(connection.settings_dict["OPTIONS"]["timeout"] * 1000)
    for _round in range(2):
        with transaction.atomic():
            assert sql.fetch("PRAGMA busy_timeout", []) == [(patience,)]
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA busy_timeout").fetchone() == (patience,)
