"""`make bench`: what pricing one session costs, by the kind of tariff. No database: `billing.pricing` alone.

A session is 40 stretches between readings. Prints milliseconds of CPU a session; fails when the plainest tariffs cost
more than they may.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from billing.periods import pack, stored_periods
from billing.pricing import Activity, Component, Element, Idle, Kind, Period, Restrictions, Terms, price

SESSIONS = 2000
STRETCHES = 40
IDLE_STRETCHES = 5
MOST_MS = 0.4  # for a tariff with one price of each kind
ALWAYS = Restrictions()


def session() -> list[Period]:
    """An hour of charging in minutes of 42 kW that passes seven in the evening, then a full car."""
    made, at = [], datetime(2026, 1, 7, 17, 40, 0, 123_456, tzinfo=UTC)
    for number in range(STRETCHES):
        charging = number < STRETCHES - IDLE_STRETCHES
        ends = at + timedelta(seconds=60 if charging else 600)
        activity = Activity.CHARGING if charging else Activity.IDLE
        made.append(Period(at, ends, activity, 700_000 if charging else 0))
        at = ends
    return made


def element(when: Restrictions, **prices: str) -> Element:
    return Element(tuple(Component(Kind(kind), Decimal(each), Decimal(21)) for kind, each in prices.items()), when)


def tariffs() -> dict[str, Terms]:
    day, large, fast = (
        Restrictions(start_time="07:00", end_time="19:00", days=("MONDAY", "WEDNESDAY"), holidays="never"),
        Restrictions(min_kwh=Decimal(10)),
        Restrictions(min_power=Decimal(50), max_duration=3600),
    )
    rest = element(ALWAYS, ENERGY="0.39", FLAT="0.35", PARKING_TIME="6")
    idle = Idle(10, Decimal(12), "22:00", "07:00")
    zone = "Europe/Amsterdam"
    return {
        "energy": Terms.simple(per_kwh="0.49", tax_percent="21"),
        "one price of each kind": Terms("EUR", (rest,), idle=Idle(10), max_price=Decimal(60)),
        "hours, night pause, cap": Terms("EUR", (element(day, ENERGY="0.59"), rest), idle=idle, time_zone=zone),
        "hours, tiers, power": Terms(
            "EUR",
            (element(fast, ENERGY="0.69"), element(day, ENERGY="0.59"), element(large, ENERGY="0.29"), rest),
            idle=idle,
            time_zone=zone,
        ),
    }


def milliseconds(work: Callable[[], object]) -> float:
    """CPU for one."""
    work()
    start = time.process_time()
    for _ in range(SESSIONS):
        work()
    return (time.process_time() - start) * 1000 / SESSIONS


def main() -> None:
    periods = session()
    kept = pack(periods)
    print(f"{'reading the kept periods':32} {milliseconds(lambda: stored_periods(kept)):8.3f} ms")
    found = {name: milliseconds(lambda terms=terms: price(terms, periods)) for name, terms in tariffs().items()}  # type: ignore[misc]
    for name, each in found.items():
        print(f"{name:32} {each:8.3f} ms")
    if found["one price of each kind"] > MOST_MS:
        raise SystemExit(f"more than {MOST_MS} ms a session")


if __name__ == "__main__":
    main()
