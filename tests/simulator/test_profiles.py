"""Which charging profile holds: levels, purposes, times of day, ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evcms.simulator.chargers.profiles import Profile, clear, install, limit_w, parse

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def profile(
    watts: float,
    *,
    port: int = 1,
    level: int = 0,
    purpose: str = "TxDefaultProfile",
    kind: str = "Relative",
    **more: Any,
) -> Profile:
    schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": watts}]}
    schedule |= more.pop("schedule", {})
    body = {"id": more.pop("id", int(watts)), "stackLevel": level, "chargingProfilePurpose": purpose}
    return parse(port, body | {"chargingProfileKind": kind, "chargingSchedule": [schedule], **more})


def test_the_highest_level_of_a_purpose_wins() -> None:
    assert limit_w([profile(4000, level=1), profile(9000, level=5)], 1, NOON, NOON) == 9000


def test_a_profile_of_the_session_replaces_the_default_and_the_station_bounds_both() -> None:
    both = [profile(4000), profile(9000, purpose="TxProfile")]
    assert limit_w(both, 1, NOON, NOON) == 9000
    station = profile(7000, port=0, purpose="ChargingStationMaxProfile")
    assert limit_w([*both, station], 1, NOON, NOON) == 7000


def test_another_connectors_profile_does_not_count() -> None:
    assert limit_w([profile(4000, port=2)], 1, NOON, NOON) is None


def test_amperes_count_per_phase_at_230_volts() -> None:
    amps = profile(0, schedule={"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]})
    assert limit_w([amps], 1, NOON, NOON) == 16 * 230 * 3


def test_periods_follow_each_other_from_the_start_of_the_session() -> None:
    steps = [{"startPeriod": 0, "limit": 3000.0}, {"startPeriod": 600, "limit": 8000.0}]
    rows = [profile(0, schedule={"chargingSchedulePeriod": steps, "duration": 1200})]
    limits = [limit_w(rows, 1, NOON + timedelta(seconds=s), NOON) for s in (0, 599, 600, 1199, 1200)]
    assert limits == [3000, 3000, 8000, 8000, None]


@pytest.mark.parametrize(("recurrency", "days"), [("Daily", 3), ("Weekly", 14)])
def test_a_recurring_profile_comes_again(recurrency: str, days: int) -> None:
    schedule = {"startSchedule": "2026-11-01T11:30:00Z", "duration": 3600}
    night = profile(2000, kind="Recurring", recurrencyKind=recurrency, schedule=schedule)
    start = datetime(2026, 11, 1, 11, 30, tzinfo=UTC) + timedelta(days=days)
    assert night.limit_w(start, None) == 2000
    assert night.limit_w(start + timedelta(hours=1), None) is None


def test_a_profile_is_only_valid_within_its_dates() -> None:
    row = profile(2000, validFrom="2026-11-22T12:00:00Z", validTo="2026-11-22T13:00:00Z")
    moments = [NOON - timedelta(seconds=1), NOON, NOON + timedelta(hours=1)]
    assert [row.limit_w(moment, NOON) for moment in moments] == [None, 2000, None]


def test_a_profile_replaces_its_like_and_is_cleared_by_id_or_criteria() -> None:
    rows: list[Profile] = []
    install(rows, profile(1, id=1))
    install(rows, profile(2, id=2))
    assert [row.id for row in rows] == [2]
    install(rows, profile(3, id=3, level=4))
    assert clear(rows, profile_id=9, port=None, purpose=None, stack_level=None) == 0
    assert clear(rows, profile_id=None, port=1, purpose="TxDefaultProfile", stack_level=4) == 1
    assert clear(rows, profile_id=2, port=None, purpose=None, stack_level=None) == 1
    assert rows == []
