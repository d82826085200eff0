"""Charging profiles as a charger applies them: which limit holds now (1.6 chapter 3.13, 2.x block K)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from evcms.simulator.cars import PHASE_VOLTAGE_V

STATION_WIDE = ("ChargePointMaxProfile", "ChargingStationMaxProfile", "ChargingStationExternalConstraints")
PERIODS = {"Daily": timedelta(days=1), "Weekly": timedelta(days=7)}


@dataclass(frozen=True)
class Profile:
    """One profile of one port (`port` 0: the whole station). Periods are (start in s, limit in `unit`, phases)."""

    id: int
    port: int
    stack_level: int
    purpose: str
    kind: str
    recurrency: str
    unit: str
    periods: tuple[tuple[int, float, int], ...]
    starts_at: datetime | None
    duration_s: int | None
    valid_from: datetime | None
    valid_to: datetime | None

    def limit_w(self, now: datetime, session_start: datetime | None) -> int | None:
        """The limit in W at this moment; None when the profile says nothing now."""
        if (self.valid_from and now < self.valid_from) or (self.valid_to and now >= self.valid_to):
            return None
        start = self.begins(now, session_start)
        elapsed = (now - start).total_seconds()
        if elapsed < 0 or (self.duration_s is not None and elapsed >= self.duration_s):
            return None
        current = [period for period in self.periods if period[0] <= elapsed]
        if not current:
            return None
        _, limit, phases = current[-1]
        return int(limit) if self.unit == "W" else int(limit * PHASE_VOLTAGE_V * phases)

    def begins(self, now: datetime, session_start: datetime | None) -> datetime:
        if self.kind == "Relative" or self.starts_at is None:
            return session_start or now
        if self.kind == "Recurring":
            period = PERIODS.get(self.recurrency, PERIODS["Daily"])
            return self.starts_at + (now - self.starts_at) // period * period
        return self.starts_at


def parse(port: int, body: dict[str, Any], phases: int = 3) -> Profile:
    """A chargingProfile of any version; KeyError or ValueError when it lacks what it must have."""
    schedule = body["chargingSchedule"]
    if isinstance(schedule, list):
        schedule = schedule[0]
    return Profile(
        id=int(body.get("chargingProfileId", body.get("id", 0))),
        port=port,
        stack_level=int(body["stackLevel"]),
        purpose=body["chargingProfilePurpose"],
        kind=body["chargingProfileKind"],
        recurrency=body.get("recurrencyKind", ""),
        unit=schedule["chargingRateUnit"],
        periods=tuple(
            (int(row["startPeriod"]), float(row["limit"]), int(row.get("numberPhases", phases)))
            for row in schedule["chargingSchedulePeriod"]
            if "limit" in row
        ),
        starts_at=_time(schedule.get("startSchedule")),
        duration_s=schedule.get("duration"),
        valid_from=_time(body.get("validFrom")),
        valid_to=_time(body.get("validTo")),
    )


def limit_w(profiles: list[Profile], port: int, now: datetime, session_start: datetime | None) -> int | None:
    """The lowest of the purposes' limits; within a purpose the highest stack level that speaks now wins.

    A TxProfile replaces the TxDefaultProfile; station-wide purposes bound both.
    """
    limits = {}
    for profile in sorted(profiles, key=lambda one: (one.stack_level, one.port)):
        value = profile.limit_w(now, session_start) if profile.port in (0, port) else None
        if value is not None:
            limits[profile.purpose] = value
    if "TxProfile" in limits:
        limits.pop("TxDefaultProfile", None)
    return min(limits.values(), default=None)


def composite(
    profiles: list[Profile], port: int, now: datetime, session_start: datetime | None, duration_s: int, most_w: int
) -> list[tuple[int, int]]:
    """What all of them make of the next seconds: (start in s, limit in W), each where the limit changes."""
    starts = {0}
    for profile in profiles:
        begin = (profile.begins(now, session_start) - now).total_seconds()
        starts |= {int(begin) + period[0] for period in profile.periods}
        if profile.duration_s is not None:
            starts.add(int(begin) + profile.duration_s)
    rows: list[tuple[int, int]] = []
    for start in sorted(one for one in starts if 0 <= one < max(duration_s, 1)):
        limit = limit_w(profiles, port, now + timedelta(seconds=start), session_start)
        watts = most_w if limit is None else min(limit, most_w)
        if not rows or rows[-1][1] != watts:
            rows.append((start, watts))
    return rows


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    value = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def install(profiles: list[Profile], new: Profile) -> None:
    """Put a profile in; it replaces one of the same id, or of the same port, purpose and level."""
    place = (new.port, new.purpose, new.stack_level)
    profiles[:] = [old for old in profiles if old.id != new.id and (old.port, old.purpose, old.stack_level) != place]
    profiles.append(new)


def clear(
    profiles: list[Profile],
    *,
    profile_id: int | None,
    port: int | None,
    purpose: str | None,
    stack_level: int | None,
) -> int:
    """Take out the profile of this id, else all that fit the given criteria; gives how many went."""

    def goes(one: Profile) -> bool:
        if profile_id is not None:
            return one.id == profile_id
        return (
            (port is None or one.port == port)
            and (purpose is None or one.purpose == purpose)
            and (stack_level is None or one.stack_level == stack_level)
        )

    before = len(profiles)
    profiles[:] = [one for one in profiles if not goes(one)]
    return before - len(profiles)
