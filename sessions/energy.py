"""How much energy a session took, judged from what its meter showed. Pure: no Django. Energy in mWh, power in W.

Meters in the field roll over, restart at zero, mix Wh with kWh, show a lifetime at the start and the session
afterwards, or carry an offset of 2³² Wh. The rule: believe the simplest story that the connector could have delivered
in the time; keep what fits none as quarantined; never go down; say aloud whatever a person should look at.

The same readings in the same order give the same result, one by one or all at once: late readings are counted by
counting all again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

BEGIN: Final = 1  # vocabulary.ReadingKind, which speaks Django
END: Final = 2
ROUNDING_MWH: Final = 10_000  # a meter's 0.01 kWh: stop registers are whole Wh, samples have decimals
COARSE_MWH: Final = 1_000_000  # a kWh: what a register in whole kWh may lag behind one in Wh
OFFSET_MWH: Final = 2**32 * 1000
ROLLOVERS_MWH: Final = (10**5 * 10**6, 10**6 * 10**6, OFFSET_MWH)  # 99,999.9 kWh, 999,999 kWh, 2³² Wh
GRACE_S: Final = 60  # clocks and samplers are not exact
UNKNOWN_LIMIT_W: Final = 1_000_000  # no limit configured: the largest chargers there are
ABSURD: Final = 10  # times the connector's power: no wrong configuration explains that
EARLY: Final = timedelta(seconds=60)
FUTURE: Final = timedelta(seconds=60)
MOST_HOURS: Final = 24 * 90  # between two readings
NO_ENERGY_MWH: Final = 100_000  # below 0.1 kWh a session counts as none (measuring range of small meters)

# vocabulary.DiscrepancyKind
JUMP: Final = "register_jump"
RESET: Final = "register_reset"
NEGATIVE: Final = "negative"
IMPLAUSIBLE: Final = "implausible"
CLOCK: Final = "clock"
AFTER_END: Final = "after_end"


class Reading(NamedTuple):
    """What counts of a sample."""

    at: datetime
    kind: int
    received_at: datetime
    energy_mwh: int | None = None
    interval_mwh: int | None = None
    power_w: int | None = None


class Finding(NamedTuple):
    """Something that a person should look at."""

    kind: str
    at: datetime
    register_mwh: int | None


@dataclass(slots=True)
class Usage:
    """What one hour got of a session."""

    energy_mwh: int = 0
    started: int = 0
    charging_s: int = 0
    occupied_s: int = 0
    max_power_w: int = 0

    def is_nothing(self) -> bool:
        return not (self.energy_mwh or self.started or self.charging_s or self.occupied_s or self.max_power_w)


@dataclass(slots=True)
class Meter:
    """Where a session's meter stands. `last_at` is when `last_mwh` was read, `read_at` when anything was, `seen_at` how
    far the time is counted.
    """

    started_at: datetime
    limit_w: int
    ended_at: datetime | None = None
    start_mwh: int | None = None
    last_mwh: int | None = None
    last_at: datetime | None = None
    energy_mwh: int = 0
    charging_s: int = 0
    seen_at: datetime | None = None
    read_at: datetime | None = None
    usage: dict[int, Usage] = field(default_factory=dict)  # hour (seconds since 1970) → what was added
    findings: list[Finding] = field(default_factory=list)

    def begin(self) -> None:
        """Counts the start itself."""
        self._hour(int(self.started_at.timestamp())).started += 1

    def close(self, at: datetime) -> None:
        """Counts the time to the end."""
        self.ended_at = at
        self._pass_time(at)

    def take(self, reading: Reading) -> bool:
        """Counts one reading; False when it is only kept. Readings come in the order of `sort_key`."""
        if not self._in_time(reading):
            return False
        at = max(reading.at, self.started_at)
        self._pass_time(at)
        self.read_at = at
        if reading.power_w is not None and reading.power_w > 0:
            hour = self._hour(int(at.timestamp()))
            hour.max_power_w = max(hour.max_power_w, reading.power_w)
        if reading.energy_mwh is not None:
            return self._read(reading.energy_mwh, at, final=reading.kind == END)
        if reading.interval_mwh is not None:
            return self._read((self.last_mwh or 0) + reading.interval_mwh, at, final=False, from_zero=True)
        return True

    def _in_time(self, reading: Reading) -> bool:
        if reading.at > reading.received_at + FUTURE or reading.at < self.started_at - EARLY:
            self._say(CLOCK, reading.at, reading.energy_mwh)
            return False
        if self.ended_at is not None and reading.at > self.ended_at:
            if reading.energy_mwh is not None and self.last_mwh is not None and reading.energy_mwh > self.last_mwh:
                self._say(AFTER_END, reading.at, reading.energy_mwh)
            return False
        return True

    def _read(self, register: int, at: datetime, *, final: bool, from_zero: bool = False) -> bool:
        if self.last_mwh is None:
            self.start_mwh = self.last_mwh = 0 if from_zero else register
            self.last_at = self.last_at or (self.started_at if from_zero else at)
            if not from_zero:
                return True
        gain = self._judge(register, at, final=final)
        if gain is None:
            return False
        energy, stands_at = gain
        self._count(energy, at)
        self.last_mwh, self.last_at = stands_at, at
        return True

    def _judge(self, register: int, at: datetime, *, final: bool) -> tuple[int, int] | None:
        """(energy gained, where the register stands now); None: not believed."""
        assert self.last_mwh is not None
        gain = register - self.last_mwh
        most = self._deliverable(self.last_at, at)
        if 0 <= gain <= most:
            return gain, register
        if -ROUNDING_MWH <= gain < 0:
            return 0, self.last_mwh
        return self._too_much(register, gain, most, at) if gain > 0 else self._backwards(register, most, at, final)

    def _too_much(self, register: int, gain: int, most: int, at: datetime) -> tuple[int, int] | None:
        assert self.last_mwh is not None
        without_offset = register - OFFSET_MWH
        if 0 <= without_offset - self.last_mwh <= most:
            return without_offset - self.last_mwh, without_offset
        lifetime = self._back_to_lifetime(register, at)
        if lifetime is not None:
            return lifetime, register
        if gain > ABSURD * most or -COARSE_MWH <= register // 1000 - self.last_mwh <= most < gain // 100:
            self._say(JUMP, at, register)
            return None
        self._say(IMPLAUSIBLE, at, register)
        return gain, register

    def _back_to_lifetime(self, register: int, at: datetime) -> int | None:
        """The start was a lifetime register, the samples were the session's own: the rest of the difference."""
        assert self.last_mwh is not None
        if self.start_mwh is None or self.last_mwh >= self.start_mwh:
            return None
        missing = register - self.start_mwh - self.energy_mwh
        fits = missing >= -ROUNDING_MWH and self.energy_mwh + missing <= self._deliverable(self.started_at, at)
        return max(missing, 0) if fits else None

    def _backwards(self, register: int, most: int, at: datetime, final: bool) -> tuple[int, int] | None:
        assert self.last_mwh is not None
        for size in ROLLOVERS_MWH:
            if 0 <= register + size - self.last_mwh <= most:
                return register + size - self.last_mwh, register
        if -COARSE_MWH <= register * 1000 - self.last_mwh <= most and register:
            self._say(JUMP, at, register)
            return None
        if final:
            self._say(NEGATIVE if register < (self.start_mwh or 0) else RESET, at, register)
            return None
        self._say(RESET, at, register)
        if register <= most or (self.energy_mwh == 0 and register <= self._deliverable(self.started_at, at)):
            return register, register
        return None

    def _deliverable(self, since: datetime | None, at: datetime) -> int:
        seconds = int((at - (since or self.started_at)).total_seconds()) + GRACE_S
        return (self.limit_w or UNKNOWN_LIMIT_W) * seconds * 1050 // 3600

    def _say(self, kind: str, at: datetime, register: int | None) -> None:
        self.findings.append(Finding(kind, at, register))

    # Hours

    def _hour(self, second: int) -> Usage:
        second = second // 3600 * 3600
        usage = self.usage.get(second)
        if usage is None:
            usage = self.usage[second] = Usage()
        return usage

    def _pass_time(self, at: datetime) -> None:
        since = self.seen_at or self.started_at
        if at > since:
            for hour, seconds, _ in spread(since, at, 0):
                self._hour(hour).occupied_s += seconds
            self.seen_at = at
        elif self.seen_at is None:
            self.seen_at = since

    def _count(self, energy: int, at: datetime) -> None:
        if energy <= 0:
            return
        self.energy_mwh += energy
        for hour, seconds, share in spread(min(self.last_at or self.started_at, at), at, energy):
            usage = self._hour(hour)
            usage.energy_mwh += share
            usage.charging_s += seconds
            self.charging_s += seconds


def spread(since: datetime, until: datetime, amount: int) -> list[tuple[int, int, int]]:
    """(hour, seconds, share of the amount) of an interval, shares by time; their sum is the amount."""
    first, last = int(since.timestamp()), int(until.timestamp())
    first = max(first, last - MOST_HOURS * 3600)
    if first // 3600 == last // 3600:
        return [(last // 3600 * 3600, last - first, amount)]
    parts, given, begin = [], 0, first
    while begin < last:
        end = min(begin // 3600 * 3600 + 3600, last)
        due = amount * (end - first) // (last - first)
        parts.append((begin // 3600 * 3600, end - begin, due - given))
        given, begin = due, end
    return parts


def sort_key(reading: Reading) -> tuple[datetime, int]:
    """The order in which readings count: by time; of one moment the begin first, the end last."""
    return reading.at, -1 if reading.kind == BEGIN else 1 if reading.kind == END else 0


def recount(meter: Meter, readings: Iterable[Reading], ended_at: datetime | None) -> list[bool]:
    """All of a session from its start, given in order; which readings count."""
    meter.begin()
    meter.ended_at = ended_at
    counted = [meter.take(reading) for reading in readings]
    if ended_at is not None:
        meter.close(ended_at)
    return counted


def difference(new: dict[int, Usage], old: dict[int, Usage]) -> dict[int, Usage]:
    """What has to be added to the hours. Maxima only rise by it; who lowers one looks at the other sessions too."""
    changes = {}
    for hour in new.keys() | old.keys():
        now, before = new.get(hour, Usage()), old.get(hour, Usage())
        change = Usage(
            now.energy_mwh - before.energy_mwh,
            now.started - before.started,
            now.charging_s - before.charging_s,
            now.occupied_s - before.occupied_s,
            now.max_power_w,
        )
        if not change.is_nothing():
            changes[hour] = change
    return changes


def together(first: dict[int, Usage], second: dict[int, Usage]) -> dict[int, Usage]:
    """What both add to the hours."""
    total = {}
    for hour in first.keys() | second.keys():
        one, other = first.get(hour, Usage()), second.get(hour, Usage())
        total[hour] = Usage(
            one.energy_mwh + other.energy_mwh,
            one.started + other.started,
            one.charging_s + other.charging_s,
            one.occupied_s + other.occupied_s,
            max(one.max_power_w, other.max_power_w),
        )
    return total


def hour_of(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
