"""The invented past must be possible, and come from the demand that it claims."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from math import sqrt
from time import process_time
from zoneinfo import ZoneInfo

import pytest

from evcms.simulator.city import build_city
from evcms.simulator.history import FAILED_PERMILLE, build_history
from evcms.simulator.past import History, PastSession

LAST_DAY = date(2026, 11, 21)


@cache
def past() -> History:
    return build_history(last_day=LAST_DAY)


def by_evse(history: History) -> dict[tuple[str, int], list[PastSession]]:
    rows: dict[tuple[str, int], list[PastSession]] = defaultdict(list)
    for session in history.sessions:
        rows[session.station, session.evse].append(session)
    return rows


def test_ninety_days_are_made_in_seconds_and_are_enough_to_look_at() -> None:
    begun = process_time()
    history = build_history(seed=2, last_day=LAST_DAY)
    assert process_time() - begun < 10
    assert 15_000 <= len(history.sessions) <= 25_000
    assert sum(len(session.samples) for session in history.sessions) < 400_000


def test_the_same_seed_and_day_give_the_same_past_and_another_seed_another() -> None:
    one, again, other = (build_history(seed=seed, last_day=LAST_DAY, days=5) for seed in (1, 1, 2))
    assert again == one
    assert other.sessions != one.sessions
    assert build_history(seed=1, last_day=LAST_DAY - timedelta(days=1), days=5).sessions != one.sessions


def test_no_two_cars_stand_at_one_evse() -> None:
    for sessions in by_evse(past()).values():
        for earlier, later in pairwise(sessions):
            assert earlier.end < later.plugged_at


def test_no_driver_charges_twice_at_once() -> None:
    tokens: dict[str, list[PastSession]] = defaultdict(list)
    for session in past().sessions:
        if session.token:
            tokens[session.token].append(session)
    for sessions in tokens.values():
        assert all(earlier.end <= later.start for earlier, later in pairwise(sessions))


def test_registers_only_grow_and_never_jump_between_sessions() -> None:
    rows: dict[tuple[str, int], list[PastSession]] = defaultdict(list)
    for session in past().sessions:
        rows[session.station, session.connector].append(session)
    for sessions in rows.values():
        assert all(a.meter_stop_mwh == b.meter_start_mwh for a, b in pairwise(sessions))


def test_samples_of_a_session_begin_and_end_with_it_and_only_rise() -> None:
    for session in past().sessions:
        times = [sample.at for sample in session.samples]
        energies = [sample.energy_mwh for sample in session.samples]
        assert times == sorted(set(times))
        assert (times[0], times[-1]) == (session.start, session.end)
        assert energies == sorted(energies)
        assert (energies[0], energies[-1]) == (session.meter_start_mwh, session.meter_stop_mwh)


def test_no_session_takes_more_than_its_plug_gives() -> None:
    power = {(s.identity, p.number): p.max_power_w for s in past().city.stations for p in s.connectors}
    for session in past().sessions:
        limit_w = power[session.station, session.connector]
        seconds = int((session.end - session.start).total_seconds())
        assert 0 < session.energy_mwh <= limit_w * seconds * 10 // 36
        assert all(sample.power_w <= limit_w for sample in session.samples)


def test_old_chargers_count_whole_watt_hours() -> None:
    old = {station.identity for station in past().city.stations if station.protocol == "ocpp1.6"}
    assert all(s.meter_stop_mwh % 1000 == 0 for s in past().sessions if s.station in old)


def test_times_are_aware_inside_the_period_and_in_order() -> None:
    history = past()
    zone = ZoneInfo(history.city.zone)
    assert history.first.astimezone(zone) == datetime(2026, 8, 24, tzinfo=zone)
    assert history.last.astimezone(zone) == datetime(2026, 11, 22, tzinfo=zone)
    assert history.last - history.first == timedelta(days=90, hours=1)  # the clock went back in October
    starts = [session.start for session in history.sessions]
    assert starts == sorted(starts)
    for session in history.sessions:
        assert history.first <= session.plugged_at <= session.start <= session.charged_until <= session.end
        assert session.end < history.last
        assert session.start.tzinfo is UTC


def test_transaction_ids_are_unique_by_station() -> None:
    ids = [(session.station, session.transaction_id) for session in past().sessions]
    assert len(set(ids)) == len(ids)


def test_each_session_has_exactly_one_payer_and_known_places() -> None:
    city = past().city
    tokens = {driver.token for driver in city.drivers}
    for session in past().sessions:
        assert (session.token in tokens) != (session.guest is not None)


def test_nobody_charges_at_a_broken_or_closed_connector() -> None:
    closed = [outage for outage in past().outages if outage.kind != "offline"]
    for outage in closed:
        for session in past().sessions:
            if session.station == outage.station and outage.connector in (None, session.connector):
                assert session.end <= outage.start or session.plugged_at >= outage.end


def test_sessions_that_ended_offline_were_told_later() -> None:
    told_later = [session for session in past().sessions if session.replayed_at]
    assert told_later
    for session in told_later:
        assert session.replayed_at is not None
        assert session.replayed_at > session.end


def arrivals(history: History) -> Counter[tuple[str, bool, int]]:
    """Who came, by site, weekend and local hour: a session, or an attempt that was not tried again."""
    zone = ZoneInfo(history.city.zone)
    moments = [(session.site, session.plugged_at) for session in history.sessions]
    moments += [(attempt.site, attempt.at) for attempt in history.attempts if not attempt.retried]
    local = [(site, at.astimezone(zone)) for site, at in moments]
    return Counter((site, at.weekday() >= 5, at.hour) for site, at in local)


def expected(history: History) -> dict[tuple[str, bool, int], float]:
    zone = ZoneInfo(history.city.zone)
    sums: dict[tuple[str, bool, int], float] = defaultdict(float)
    hour = history.first
    while hour < history.last:
        local = hour.astimezone(zone)
        for site in history.truth.sites:
            sums[site.site, local.weekday() >= 5, local.hour] += site.rate(local.weekday(), local.hour)
        hour += timedelta(hours=1)
    return sums


def test_arrivals_follow_the_truth_hour_by_hour_within_chance() -> None:
    """Poisson: a bin of mean m scatters by √m."""
    came, truth = arrivals(past()), expected(past())
    deviations = [(came[key] - mean) / sqrt(mean) for key, mean in truth.items() if mean >= 20]
    assert len(deviations) > 200
    assert max(map(abs, deviations)) < 5
    spread = sum(d * d for d in deviations) / len(deviations)
    assert 0.75 < spread < 1.3


@pytest.mark.parametrize("site", [site.code for site in build_city().sites])
def test_the_total_of_each_site_is_the_truths(site: str) -> None:
    came = sum(count for key, count in arrivals(past()).items() if key[0] == site)
    mean = sum(value for key, value in expected(past()).items() if key[0] == site)
    assert abs(came - mean) < 4 * sqrt(mean) + 25  # 25: those who still stood there at the end


def test_the_failure_rate_is_the_truths() -> None:
    causes = ("token_refused", "payment_declined", "cable_not_connected", "remote_start_rejected")
    failed = sum(attempt.cause in causes for attempt in past().attempts)
    tried = len(past().sessions)
    assert 0.7 * FAILED_PERMILLE < failed * 1000 / tried < 1.3 * FAILED_PERMILLE


def test_each_kind_of_place_peaks_at_its_own_hour() -> None:
    came = arrivals(past())

    def peak(site: str) -> int:
        return max(range(24), key=lambda hour: came[site, False, hour])

    assert peak("PRN") in (7, 8)
    assert peak("HKW") in (17, 18)
    assert 10 <= peak("MER") <= 17


def test_who_found_nothing_free_met_a_full_site() -> None:
    ports = {
        site.code: len({(s.identity, p.evse_id) for s in site.stations for p in s.connectors})
        for site in past().city.sites
    }
    full = [attempt for attempt in past().attempts if attempt.cause == "full"]
    assert full
    for attempt in full[:200]:
        standing = sum(
            session.site == attempt.site and session.plugged_at <= attempt.at <= session.end + timedelta(minutes=5)
            for session in past().sessions
        )
        assert standing >= ports[attempt.site] * 0.5


def test_statuses_tell_each_connectors_story_without_two_sessions_at_once() -> None:
    charging: set[tuple[str, int]] = set()
    for row in past().statuses():
        where = row.station, row.connector
        if row.status == "charging":
            assert where not in charging
            charging.add(where)
        elif row.status in ("available", "faulted", "unavailable"):
            charging.discard(where)
    assert len({(row.station, row.connector) for row in past().statuses()}) == 122


def test_the_truth_goes_into_a_file() -> None:
    written = json.loads(json.dumps(past().truth.as_json()))
    assert written["zone"] == "Europe/Amsterdam"
    assert len(written["sites"]) == 12
    assert len(written["sites"][0]["per_hour"]) == 7
    assert len(written["sites"][0]["per_hour"][0]) == 24
