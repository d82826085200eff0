"""Ninety plausible days of Marenhaven, drawn from known demand: who came, charged or drove on, what broke.

`build_history(seed=…, last_day=…)` is deterministic: equal arguments, equal rows. Each site has its own
stream of chance, so that a change at one leaves the others alone. Arrivals follow the truth exactly (a
non-homogeneous Poisson process by local hour: the double hour in autumn counts twice, the hole in spring not
at all); what the network makes of them is bounded by its connectors: nobody charges where somebody stands,
and who finds nothing free drives on. Sessions that would still run at the end are left out: the present
belongs to the live simulator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from math import exp
from random import Random
from zoneinfo import ZoneInfo

from evcms.simulator.cars import VAN, Car, pick_model
from evcms.simulator.city import City, CitySite, CityStation, build_city
from evcms.simulator.demand import PATTERNS, Pattern, Truth, poisson_seconds
from evcms.simulator.fleet import FleetConnector
from evcms.simulator.past import GuestPayment, History, PastAttempt, PastOutage, PastSample, PastSession

FAILED_PERMILLE = 45
RETRY_PERMILLE = 550
DAYS_BETWEEN_FAULTS = 40
DAYS_BETWEEN_OFFLINE = 18
FAULT_CODES = (
    "ConnectorLockFailure",
    "GroundFailure",
    "HighTemperature",
    "OverCurrentFailure",
    "InternalError",
)
FAILURES = {
    "rfid": (("token_refused", 40), ("cable_not_connected", 35), ("connector_fault", 25)),
    "guest": (("payment_declined", 55), ("cable_not_connected", 25), ("remote_start_rejected", 20)),
}
CARDS = (("visa", "4242", 55), ("mastercard", "4444", 30), ("amex", "8431", 5), ("visa", "5556", 10))


def build_history(*, seed: int = 1, last_day: date, days: int = 90, city: City | None = None) -> History:
    """The past that ends with the midnight after `last_day` (local time of the city)."""
    city = city or build_city(seed)
    zone = ZoneInfo(city.zone)
    first = datetime.combine(last_day - timedelta(days=days - 1), time(), zone).astimezone(UTC)
    last = datetime.combine(last_day + timedelta(days=1), time(), zone).astimezone(UTC)
    sites = [_SiteRun(city, site, seed, int(first.timestamp()), int(last.timestamp())) for site in city.sites]
    for run in sites:
        run.play()
    return History(
        city=city,
        truth=_truth(city, seed, last_day, days),
        first=first,
        last=last,
        sessions=tuple(sorted((s for run in sites for s in run.sessions), key=lambda s: (s.start, s.station))),
        outages=tuple(sorted((o for run in sites for o in run.outages), key=lambda o: (o.start, o.station))),
        attempts=tuple(sorted((a for run in sites for a in run.attempts), key=lambda a: (a.at, a.site))),
    )


def _truth(city: City, seed: int, last_day: date, days: int) -> Truth:
    return Truth(
        seed=seed,
        zone=city.zone,
        first_day=(last_day - timedelta(days=days - 1)).isoformat(),
        last_day=last_day.isoformat(),
        sites=tuple(site.demand for site in city.sites),
        failed_attempt_permille=FAILED_PERMILLE,
        retry_permille=RETRY_PERMILLE,
        mean_days_between_faults=DAYS_BETWEEN_FAULTS,
        mean_days_between_offline=DAYS_BETWEEN_OFFLINE,
    )


def _utc(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


@dataclass
class _Place:
    """A connector while its story is told. Times are epoch seconds."""

    station: CityStation
    plug: FleetConnector
    register_mwh: int
    busy_until: list[int]  # shared by the connectors of one EVSE: only one of them charges
    closed: list[tuple[int, int]] = field(default_factory=list)  # faults and maintenance
    offline: list[tuple[int, int]] = field(default_factory=list)

    def is_free(self, at: int) -> bool:
        return self.busy_until[0] <= at and not _within(self.closed, at)

    def next_closing(self, at: int) -> int:
        """When the next fault or maintenance begins after `at`."""
        return min((start for start, _ in self.closed if start > at), default=1 << 40)


@dataclass
class _Visit:
    """Somebody who came: what he drives and how he pays."""

    car: Car
    channel: str
    token: str
    guest: GuestPayment | None


def _within(spans: list[tuple[int, int]], at: int) -> bool:
    return any(start <= at < end for start, end in spans)


class _SiteRun:
    """One site from the first hour to the last."""

    def __init__(self, city: City, site: CitySite, seed: int, first: int, last: int) -> None:
        self.rng = Random(f"{seed} {site.code} {last}")
        self.site, self.first, self.last = site, first, last
        self.zone = ZoneInfo(city.zone)
        self.pattern: Pattern = PATTERNS[site.kind]
        self.sessions: list[PastSession] = []
        self.attempts: list[PastAttempt] = []
        self.outages: list[PastOutage] = []
        index = city.sites.index(site)
        self.regulars = [driver.token for driver in city.drivers[index :: len(city.sites)]]
        self.away: dict[str, int] = {}  # token → until when its driver charges here
        self.places = [place for station in site.stations for place in self._places(station)]

    def play(self) -> None:
        for hour in range(self.first, self.last, 3600):
            local = datetime.fromtimestamp(hour, self.zone)
            rate = self.site.demand.rate(local.weekday(), local.hour)
            for offset in poisson_seconds(self.rng, rate):
                self._arrive(hour + offset)

    # What breaks

    def _places(self, station: CityStation) -> Iterator[_Place]:
        evses: dict[int, list[int]] = {}
        offline = list(self._spans(DAYS_BETWEEN_OFFLINE, 9, 1.5))
        closed = self._maintenance(station)
        for start, end in offline:
            self._outage("offline", station, None, "", start, end)
        for plug in station.connectors:
            faults = list(self._spans(DAYS_BETWEEN_FAULTS * len(station.connectors), 160, 1.3))
            faults = [span for span in faults if not any(_overlap(span, other) for other in closed)]
            for start, end in faults:
                self._outage("fault", station, plug.number, self.rng.choice(FAULT_CODES), start, end)
            register = self.rng.randrange(900_000, 38_000_000) * 1000
            busy = evses.setdefault(plug.evse_id, [0])
            yield _Place(station, plug, register, busy, sorted([*closed, *faults]), offline)

    def _spans(self, mean_days: int, median_minutes: int, spread: float) -> Iterator[tuple[int, int]]:
        """Disjoint spells: exponential gaps, log-normal lengths."""
        at = self.first + int(self.rng.expovariate(1 / (mean_days * 86_400)))
        while at < self.last:
            end = min(self.last, at + max(60, int(median_minutes * 60 * exp(self.rng.gauss(0, spread)))))
            yield at, end
            at = end + 3600 + int(self.rng.expovariate(1 / (mean_days * 86_400)))

    def _maintenance(self, station: CityStation) -> list[tuple[int, int]]:
        """One station in ten was serviced once, for two hours."""
        if self.rng.randrange(10):
            return []
        start = self.first + self.rng.randrange(self.last - self.first - 7_200) // 3600 * 3600
        self._outage("maintenance", station, None, "", start, start + 7_200)
        return [(start, start + 7_200)]

    def _outage(self, kind: str, station: CityStation, number: int | None, code: str, start: int, end: int) -> None:
        row = PastOutage(kind, self.site.code, station.identity, number, code, _utc(start), _utc(end))
        self.outages.append(row)

    # Who comes

    def _arrive(self, at: int) -> None:
        visit = self._visitor(at)
        fitting = [place for place in self.places if place.plug.plug in ("type2", visit.car.model.dc_plug)]
        free = [place for place in fitting if place.is_free(at)]
        if not free:
            broken = next((place for place in fitting if place.busy_until[0] <= at), None)
            self._failed(at, broken, visit, "connector_fault" if broken else "full", retried=False)
            return
        place = self._choose(free, visit)
        if visit.guest and _within(place.offline, at):
            self._failed(at, place, visit, "station_offline", retried=False)
        elif self.rng.randrange(1000) < FAILED_PERMILLE:
            self._fail_perhaps_retry(at, place, visit)
        else:
            self._charge(at, place, visit)

    def _visitor(self, at: int) -> _Visit:
        guest = self.rng.randrange(1000) < self.pattern.guests_permille
        home = [] if guest else [token for token in self.regulars if self.away.get(token, 0) <= at]
        channel, token = ("rfid", self.rng.choice(home)) if home else ("guest", "")
        return _Visit(self._car(), channel, token, None if token else self._guest())

    def _car(self) -> Car:
        fast_only = all(place.plug.kind == "dc" for place in self.places)
        model = VAN if self.site.kind == "depot" else pick_model(self.rng, "ccs2" if fast_only else "type2")
        thirsty = self.pattern.thirsty
        soc = int(self.rng.triangular(50, 450, 170) if thirsty else self.rng.triangular(120, 860, 480))
        limit = self.rng.choice((800, 800, 850, 900) if thirsty else (800, 900, 1000, 1000))
        return Car.arriving(model, soc, max(limit, soc + 40))

    def _guest(self) -> GuestPayment:
        number = self.rng.randrange(2_000)
        brand, last4, _ = self.rng.choices(CARDS, [card[2] for card in CARDS])[0]
        return GuestPayment(f"guest{number}.{self.site.code.lower()}@example.net", brand, last4)

    def _choose(self, free: list[_Place], visit: _Visit) -> _Place:
        """Who can, and is in a hurry or paying anyway, takes the faster plug where both stand."""
        fast = [place for place in free if place.plug.kind == "dc"]
        slow = [place for place in free if place.plug.kind == "ac"]
        if fast and (not slow or self.rng.random() < 0.45):
            return self.rng.choice(fast)
        return self.rng.choice(slow or fast)

    def _fail_perhaps_retry(self, at: int, place: _Place, visit: _Visit) -> None:
        causes = FAILURES[visit.channel]
        cause = self.rng.choices([name for name, _ in causes], [weight for _, weight in causes])[0]
        retried = self.rng.randrange(1000) < RETRY_PERMILLE
        self._failed(at, place, visit, cause, retried=retried)
        if retried:
            self._charge(at + self.rng.randrange(60, 240), place, visit)

    def _failed(self, at: int, place: _Place | None, visit: _Visit, cause: str, *, retried: bool) -> None:
        station = place.station.identity if place else None
        number = place.plug.number if place else None
        row = PastAttempt(_utc(at), self.site.code, station, number, visit.channel, visit.token, cause, retried)
        self.attempts.append(row)

    # How they charge

    def _charge(self, at: int, place: _Place, visit: _Visit) -> None:
        plugged = at
        start = plugged + self.rng.randrange(15, 80)
        leaves = self._leaves(start, place)
        closing = place.next_closing(at)
        end = max(start + 60, min(leaves, closing))
        if closing <= start + 60:
            self._failed(at, place, visit, "connector_fault", retried=False)
            return
        trace = _Trace(place, visit.car, self.rng.randrange(965, 1001))
        end, charged_until = trace.run(start, end, stop_when_full=place.plug.kind == "dc", rng=self.rng)
        place.busy_until[0] = end + self.rng.randrange(60, 300)
        if visit.token:
            self.away[visit.token] = end
        if end < self.last:
            reason = "Other" if end >= closing else self._stop_reason(visit, place, charged_until < end)
            self.sessions.append(self._session(place, visit, trace, (plugged, start, charged_until, end), reason))
        place.register_mwh = trace.register_mwh

    def _session(
        self, place: _Place, visit: _Visit, trace: _Trace, times: tuple[int, int, int, int], reason: str
    ) -> PastSession:
        plugged, start, charged_until, end = times
        replayed = next((stop for begin, stop in place.offline if begin <= end < stop), None)
        old = place.station.protocol == "ocpp1.6"
        transaction = self.rng.randrange(1, 2**31) if old else f"{self.rng.getrandbits(96):024x}"
        return PastSession(
            site=self.site.code,
            station=place.station.identity,
            evse=place.plug.evse_id,
            connector=place.plug.number,
            transaction_id=str(transaction),
            token=visit.token,
            guest=visit.guest,
            car=visit.car.model.name,
            plugged_at=_utc(plugged),
            start=_utc(start),
            charged_until=_utc(charged_until),
            end=_utc(end),
            meter_start_mwh=place.register_mwh,
            meter_stop_mwh=trace.register_mwh,
            stop_reason=reason,
            replayed_at=None if replayed is None else _utc(replayed + 40),
            samples=tuple(trace.samples),
        )

    def _stop_reason(self, visit: _Visit, place: _Place, was_full: bool) -> str:
        if visit.guest:
            return self.rng.choices(("Remote", "EVDisconnected"), (60, 40))[0]
        return self.rng.choices(("Local", "EVDisconnected"), (60, 40))[0]

    def _leaves(self, start: int, place: _Place) -> int:
        """When the driver is back, if the car does not decide it first."""
        pattern = self.pattern
        local = datetime.fromtimestamp(start, self.zone)
        if place.plug.kind == "dc":
            median = 95 if self.site.kind == "depot" else 34
            return start + int(60 * median * exp(self.rng.gauss(0, 0.35)))
        if pattern.until_hour == 17 and 5 <= local.hour <= 11:
            return max(start + 2_700, self._clock(local, 0, 17) + int(self.rng.gauss(0, 3_000)))
        if pattern.until_hour == 7 and local.hour >= 15:
            return max(start + 2_700, self._clock(local, 1, 7) + int(self.rng.gauss(0, 3_600)))
        median = pattern.dwell_minutes if not pattern.until_hour else 200
        return start + max(420, int(60 * median * exp(self.rng.gauss(0, pattern.dwell_spread))))

    def _clock(self, local: datetime, days: int, hour: int) -> int:
        """That hour of the local clock, today or `days` later, whatever daylight saving does in between."""
        day = local.date() + timedelta(days=days)
        return int(datetime.combine(day, time(hour), self.zone).timestamp())


class _Trace:
    """The register, power and SoC of one session."""

    def __init__(self, place: _Place, car: Car, efficiency_permille: int) -> None:
        self.plug, self.car = place.plug, car
        self.resolution = place.station.resolution_mwh
        self.base, self.taken_wms = place.register_mwh, 0
        self.offered_w = place.plug.max_power_w * efficiency_permille // 1000
        self.samples: list[PastSample] = []

    @property
    def register_mwh(self) -> int:
        return self.base + self.taken_wms // 3_600 // self.resolution * self.resolution

    def run(self, start: int, end: int, *, stop_when_full: bool, rng: Random) -> tuple[int, int]:
        """Charge from start to end; gives when the cable came out and when the power last flowed."""
        step, every = (60, 300) if self.plug.kind == "dc" else (300, 900)
        self._sample(start, 0)
        now, next_sample = start, start + every
        while now < end:
            power = self.car.accepts_w(self.plug.kind, self.offered_w, self.plug.phases)
            if power == 0:
                break
            seconds = min(step, end - now)
            self.taken_wms += self.car.take(power, seconds * 1000)
            now += seconds
            if now >= next_sample and now < end:
                self._sample(now, power)
                next_sample += every
        charged_until = now
        if stop_when_full and now < end:
            end = min(end, now + rng.randrange(60, 420))
        for idle in range(charged_until + 3600, end, 3600):
            self._sample(idle, 0)
        self._sample(end, 0)
        return end, charged_until

    def _sample(self, at: int, power: int) -> None:
        soc = self.car.soc_permille if self.plug.kind == "dc" else None
        self.samples.append(PastSample(_utc(at), self.register_mwh, power, soc, self.offered_w))


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
