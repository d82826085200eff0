"""Two writers of one session lose nothing: rows are locked, hours are added in the database."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from sessions.models import ChargingSession, MeterSample
from tests.sessions.test_usage import from_scratch, kept

from .helpers import ago, begin, finish, read

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def together(*functions):
    errors = []

    def run(function):
        try:
            function()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def test_readings_from_two_writers_are_all_counted_once(station):
    t = ago(hours=2)
    begin(station, t)

    def reads(offset):
        def run():
            for second in range(offset, 600, 20):
                at = t + timedelta(seconds=second)
                read(station, at, second * 1500, received_at=t + timedelta(hours=1), power_w=5000 + second)

        return run

    together(reads(10), reads(20), reads(10))
    session = ChargingSession.objects.get()
    assert MeterSample.objects.count() == 1 + 59
    assert session.energy_mwh == 590 * 1500
    assert kept() == from_scratch()


def test_one_start_heard_by_two_writers_is_one_session(station):
    t = ago(minutes=20)
    results = []
    together(*[lambda: results.append(begin(station, t)) for _ in range(2)])
    assert sorted(started.created for started in results) == [False, True]
    assert ChargingSession.objects.count() == 1


def test_one_stop_heard_by_two_writers_ends_once(station, facts):
    t = ago(minutes=20)
    begin(station, t)
    results = []
    together(*[lambda: results.append(finish(station, t + timedelta(minutes=10), 10**6)) for _ in range(2)])
    assert sorted(ended.changed for ended in results) == [False, True]
    assert len(facts("SessionEnded")) == 1
    assert kept() == from_scratch()
