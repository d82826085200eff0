import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from evcms.core import clock


@pytest.fixture(autouse=True)
def clock_file(tmp_path, monkeypatch):
    monkeypatch.setenv("EVCMS_TESTING", "1")
    monkeypatch.setenv("EVCMS_CLOCK_FILE", str(tmp_path / "clock"))


def near(moment, other):
    return abs(moment - other) < timedelta(seconds=2)


def test_now_is_aware_and_utc():
    assert clock.now().tzinfo is UTC
    assert near(clock.now(), datetime.now(UTC))


def test_the_clock_moves_and_comes_back():
    clock.set_offset(timedelta(hours=3))
    assert near(clock.now(), datetime.now(UTC) + timedelta(hours=3))
    clock.advance(timedelta(minutes=30))
    assert near(clock.now(), datetime.now(UTC) + timedelta(hours=3, minutes=30))
    clock.set_offset(timedelta(0))
    assert near(clock.now(), datetime.now(UTC))


def test_another_process_sees_the_moved_clock():
    clock.set_offset(timedelta(days=-9))
    said = subprocess.run(
        [sys.executable, "-c", "from evcms.core import clock; print(clock.now().isoformat())"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.strip()
    assert near(datetime.fromisoformat(said), datetime.now(UTC) - timedelta(days=9))


def test_a_real_system_ignores_the_file_and_refuses_to_be_moved(monkeypatch):
    clock.set_offset(timedelta(days=1))
    monkeypatch.delenv("EVCMS_TESTING")
    assert near(clock.now(), datetime.now(UTC))
    with pytest.raises(clock.ClockIsReal, match="EVCMS_TESTING"):
        clock.set_offset(timedelta(days=2))


def test_reading_the_time_is_cheap_even_in_tests():
    clock.set_offset(timedelta(hours=1))
    clock.now()
    before = time.process_time()
    for _ in range(2000):
        clock.now()
    assert time.process_time() - before < 0.5
