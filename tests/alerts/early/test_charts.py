"""The charts alone: what raises an alarm, what does not, and what they say."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from alerts import early_words
from alerts.early import judge, telemetry
from alerts.early.judge import Health
from benchmarks import early_fault
from evcms.simulator import wear

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KW = 1000


def session(
    number, *, power=11 * KW, offered=None, soc=None, car=None, reason="EVDisconnected", gap=60, count=9, **more
):
    at = NOON + timedelta(hours=6 * number)
    powers = power if isinstance(power, list) else [power] * count
    readings = [
        telemetry.Reading(at + timedelta(seconds=gap * (n + 1)), each, offered, soc) for n, each in enumerate(powers)
    ]
    facts = {"started_at": at, "ended_at": at + timedelta(minutes=30), "charging_s": 60 * 10, "energy_mwh": 5_000_000}
    facts |= {"limit_w": 22 * KW, "stop_reason": reason, "readings": readings, "car_w": car}
    return telemetry.SessionFacts(**facts | more)


def lived(sessions, health=None):
    health = health or Health()
    for facts in sessions:
        health = judge.step(health, telemetry.observe(facts, health.gap_s))
    return health


def usual(count=40):
    """Cars of all kinds, each as ever."""
    return [session(n, power=(11, 22, 11, 7.4, 11)[n % 5] * KW) for n in range(count)]


def worse(times, **how):
    return [session(100 + n, **how) for n in range(times)]


def test_all_kinds_of_cars_alarm_nobody():
    assert judge.level(lived(usual(200))) < 0.2


def test_one_odd_car_decides_nothing():
    assert not lived([*usual(), session(60, power=1 * KW)]).alarmed


def test_cars_that_draw_less_than_elsewhere_are_noticed_within_a_dozen_sessions():
    known = [session(n, power=21 * KW, car=22 * KW) for n in range(40)]
    health = lived([*known, *worse(12, power=11 * KW, car=22 * KW)])
    assert health.alarmed
    assert early_words.headline(health) == "gives less power than usual"
    assert "95 % is usual here" in early_words.sentences(health)[0]


@pytest.mark.parametrize(
    "how",
    [
        {"power": 5 * KW, "offered": 5 * KW},  # the station offers no more
        {"power": 3 * KW, "soc": 92},  # nearly full
        {"power": 7 * KW, "car": 7 * KW},  # a car that cannot
    ],
)
def test_little_power_for_a_good_reason_is_no_sign(how):
    fine = [session(n, power=21 * KW, car=22 * KW) for n in range(40)]
    assert judge.level(lived([*fine, *worse(30, **how)])) < 0.5


SIGNS = [
    ({"power": [11 * KW] * 3 + [5 * KW] * 6}, "gets weaker during sessions"),
    ({"reason": "PowerLoss"}, "breaks sessions off more often than usual"),
    ({"energy_mwh": 0}, "starts fail more often than usual"),
    ({"gap": 60, "count": 4}, "messages come late or not at all"),
]


@pytest.mark.parametrize(("how", "said"), SIGNS)
def test_each_sign_alarms_and_is_said_in_words(how, said):
    health = lived([*usual(), *worse(25, **how)])
    assert health.alarmed
    assert early_words.headline(health) == said
    assert early_words.sentences(health)


def test_failed_starts_count_without_a_session():
    health = lived(usual())
    for n in range(6):
        health = judge.step(health, telemetry.failed(NOON + timedelta(days=30, hours=n)))
    assert health.alarmed


def test_a_connector_that_is_well_again_ends_its_alarm_by_itself_and_a_person_ends_it_at_once():
    ill = lived([*usual(), *worse(10, reason="PowerLoss")])
    assert ill.alarmed
    well = lived([session(300 + n) for n in range(120)], ill)
    assert not well.alarmed
    cleared = judge.cleared(ill)
    assert not cleared.alarmed
    assert judge.level(cleared) == 0
    assert cleared.cut_off.share == ill.cut_off.share  # what is usual stays known


def test_a_wear_so_slow_that_it_could_be_learnt_is_not_learnt():
    slow = [session(100 + n, power=int((21 - 0.08 * n) * KW), car=22 * KW) for n in range(150)]
    assert lived([session(n, power=21 * KW, car=22 * KW) for n in range(40)] + slow).alarmed


def test_the_state_survives_its_journey_through_json():
    health = lived([*usual(), *worse(8, reason="PowerLoss")])
    assert judge.unpack(json.loads(json.dumps(judge.pack(health)))) == health
    assert judge.unpack({}) == Health()


def test_the_plot_shows_the_last_sessions_and_the_way_to_the_alarm():
    health = lived([*usual(200), *worse(10, reason="PowerLoss")])
    chart = early_words.chart(health, "Europe/Amsterdam")
    share, evidence, _line = (each["values"] for each in chart["series"])
    assert len(chart["t"]) == len(share) == judge.MOST_POINTS
    assert evidence[0] < 20
    assert evidence[-1] >= 100


@pytest.mark.parametrize("readings", [[], [telemetry.Reading(NOON, None)], [telemetry.Reading(NOON, -5)]])
def test_sessions_that_say_nothing_change_nothing(readings):
    before = lived(usual())
    after = lived([session(90, readings=readings, charging_s=30)], before)
    assert (after.known_car, after.any_car, after.messages) == (before.known_car, before.any_car, before.messages)


def test_a_part_of_the_report_healthy_ones_are_silent_and_worn_ones_are_found():
    """The whole report is `make bench`; here enough to notice when somebody breaks it."""
    healthy = sum(len(early_fault.live(4_000_000 + n).alarms) for n in range(25))
    assert healthy <= 3  # 300 connector-weeks
    found = [early_fault.live(5_000_000 + n, fault) for fault in ("derating", "modem") for n in range(6)]
    assert sum(any(at >= run.onset for at in run.alarms) for run in found) >= 9


def test_the_faults_of_the_report_are_not_those_that_thresholds_were_chosen_with():
    assert not set(wear.FOR_TUNING) & set(wear.HELD_OUT)
    assert early_fault.SEEDS["tune"] != early_fault.SEEDS["report"]


@pytest.mark.parametrize(("count", "bound"), [(0, 2.996), (1, 4.744), (10, 16.962)])
def test_the_bound_is_the_poisson_tables(count, bound):
    assert early_fault.upper_bound(count, 1) == pytest.approx(bound, abs=0.001)
