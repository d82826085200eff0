"""Scenarios of the link: dark, flapping, together, and what our own absence must not cause."""

import pytest

pytestmark = pytest.mark.django_db


def test_one_station_dark_is_told_once_within_two_minutes_and_once_when_it_is_back(world):
    world.site("Kade", 2)
    world.dark("KADE-1")
    world.wait(minutes=1)
    assert world.board() == []
    world.wait(seconds=50, every=10)
    assert world.board() == ["station_offline open KADE-1"]
    world.wait(minutes=10)
    world.back("KADE-1")
    world.wait(minutes=1)
    assert world.board() == ["station_offline over KADE-1"]
    assert world.told() == ["opened station_offline", "resolved station_offline"]


def test_a_short_flap_is_nothing(world):
    world.site("Kade", 2)
    world.dark("KADE-1")
    world.wait(minutes=1)
    world.back("KADE-1")
    world.wait(minutes=5)
    assert world.board() == []
    assert world.told() == []


def test_a_link_that_breaks_again_and_again_is_one_unstable_link(world):
    world.site("Kade", 2)
    world.flap("KADE-1", 6, every=120)
    assert world.board("open") == ["link_flapping open KADE-1"]
    world.wait(minutes=40, every=120)
    assert world.board() == ["link_flapping over KADE-1"]
    assert world.told() == ["opened link_flapping", "resolved link_flapping"]


def test_long_flaps_are_explained_by_the_unstable_link_and_speak_when_one_lasts(world):
    world.site("Kade", 2)
    for _ in range(6):
        world.dark("KADE-1")
        world.wait(minutes=2)
        world.back("KADE-1")
        world.wait(seconds=40)
    world.dark("KADE-1")
    world.wait(minutes=5)
    assert world.board("open") == ["link_flapping open KADE-1"] or world.board("open") == [
        "link_flapping open KADE-1",
        "station_offline open +5 KADE-1 ← link_flapping",
    ]
    assert sum(word.startswith("opened station_offline") for word in world.told()) <= 5
    world.wait(minutes=40, every=120)
    assert [line.split(" ")[0] for line in world.board("open")] == ["station_offline"]


def test_what_comes_back_within_a_quarter_of_an_hour_is_the_same_incident(world):
    world.site("Kade", 2)
    world.dark("KADE-1")
    world.wait(minutes=2)
    world.back("KADE-1")
    world.wait(minutes=10, every=120)
    world.dark("KADE-1")
    world.wait(minutes=2)
    assert world.board() == ["station_offline open +1 KADE-1"]
    world.back("KADE-1")
    world.wait(minutes=20, every=120)
    world.dark("KADE-1")
    world.wait(minutes=2)
    assert world.board() == ["station_offline open KADE-1", "station_offline over +1 KADE-1"]
    assert world.told() == [
        "opened station_offline",
        "resolved station_offline",
        "opened station_offline",
        "resolved station_offline",
        "opened station_offline",
    ]


def test_a_dark_site_is_one_incident_with_its_list(world):
    names = world.site("Kade", 8)
    world.site("Haven", 12)
    world.dark(*names[:7])
    world.wait(minutes=3)
    assert world.board() == ["site_dark open ×7"]
    world.back(*names[:7])
    world.wait(minutes=3)
    assert world.board() == ["site_dark over ×7"]
    assert world.told() == ["opened site_dark", "resolved site_dark"]


def test_forty_stations_in_the_middle_of_a_site_that_goes_dark_slowly_are_one_incident(world):
    names = world.site("Kade", 40)
    world.site("Haven", 45)
    for start in range(0, 40, 8):
        world.dark(*names[start : start + 8])
        world.wait(seconds=20, every=20)
    world.wait(minutes=2)
    assert world.board("open") == ["site_dark open ×40"]
    assert world.told() == ["opened site_dark"]


def test_a_child_that_opened_first_is_absorbed(world):
    names = world.site("Kade", 4)
    world.site("Haven", 9)
    world.dark(names[0])
    world.wait(seconds=100, every=10)
    assert world.board() == ["station_offline open KADE-1"]
    world.dark(*names[1:])
    world.wait(minutes=2)
    assert world.board("open") == ["site_dark open ×4", "station_offline open KADE-1 ← site_dark"]
    world.back(*names)
    world.wait(minutes=1)
    assert world.board("open") == []
    assert world.told().count("opened station_offline") == 1


def test_what_is_left_dark_when_the_site_is_back_gets_its_own_voice(world):
    names = world.site("Kade", 6)
    world.site("Haven", 9)
    world.dark(*names)
    world.wait(minutes=3)
    world.back(*names[:5])
    world.wait(minutes=1)
    assert world.board("open") == ["site_dark open ×6"]
    world.wait(minutes=3)
    assert world.board("open") == ["station_offline open KADE-6"]
    assert world.told() == ["opened site_dark", "resolved site_dark", "opened station_offline"]


def test_two_stations_of_a_site_are_two_incidents(world):
    names = world.site("Kade", 2)
    world.site("Haven", 4)
    world.dark(*names)
    world.wait(minutes=2)
    assert world.board() == ["station_offline open KADE-1", "station_offline open KADE-2"]
    assert world.told() == ["opened station_offline", "opened station_offline"]


def test_stations_at_several_sites_behind_one_router_are_one_incident(world):
    kade = world.site("Kade", 3, network="81.2.69.7")
    haven = world.site("Haven", 3, network="81.2.69.7")
    world.site("Dijk", 9)
    world.dark(*kade[:2], *haven[:2])
    world.wait(minutes=2)
    assert world.board() == ["network_dark open ×4"]
    assert world.told() == ["opened network_dark"]


def test_stations_with_sim_cards_of_one_operator_are_one_incident(world):
    sim = [world.site(name, 2, imsi="204081234567890")[0] for name in ("Kade", "Haven", "Dijk", "Plein")]
    world.site("Markt", 9)
    rest = [name.replace("-1", "-2") for name in sim]
    world.dark(*sim, *rest)
    world.wait(minutes=2)
    assert world.board() == ["network_dark open ×8"]
    assert world.told() == ["opened network_dark"]


def test_two_causes_at_once_do_not_steal_each_others_stations(world):
    kade = world.site("Kade", 5)
    haven = world.site("Haven", 4)
    world.site("Dijk", 20)
    world.dark(*kade)
    world.wait(seconds=60)
    world.dark(*haven)
    world.wait(minutes=3)
    assert world.board() == ["site_dark open ×4", "site_dark open ×5"]
    world.back(*kade)
    world.wait(minutes=1)
    assert world.board() == ["site_dark open ×4", "site_dark over ×5"]
    assert world.told() == ["opened site_dark", "opened site_dark", "resolved site_dark"]


def test_half_of_everything_dark_at_once_is_our_own_link(world):
    names = [name for place in ("Kade", "Haven", "Dijk", "Plein") for name in world.site(place, 6)]
    world.dark(*[name for name in names if not name.endswith(("-5", "-6"))])
    world.wait(minutes=3)
    assert world.board("open") == ["many_dark open ×16"]
    assert world.told() == ["opened many_dark"]


def test_a_site_within_a_larger_failure_becomes_its_effect(world):
    kade = world.site("Kade", 4, network="81.2.69.7")
    haven = world.site("Haven", 4, network="81.2.69.7")
    world.site("Dijk", 20)
    world.dark(*kade)
    world.wait(seconds=100, every=10)
    world.dark(*haven)
    world.wait(minutes=1)
    assert world.board("open") == ["network_dark open ×8", "site_dark open ×4 ← network_dark"]
    assert world.told() == ["opened site_dark", "opened network_dark"]


def test_a_dead_gateway_is_one_incident_and_who_stays_away_speaks_afterwards(world):
    names = world.site("Kade", 4)
    world.gateway_dies()
    world.wait(minutes=3)
    assert world.board("open") == ["gateway_lost open ×4"]
    world.gateway_returns()
    world.back(*names[:3])
    world.wait(minutes=8, every=60)
    assert world.board("open") == ["station_offline open KADE-4"]
    assert world.told() == ["opened gateway_lost", "resolved gateway_lost", "opened station_offline"]


def test_after_a_night_without_us_stations_get_time_to_come_back(world):
    names = world.site("Kade", 3)
    world.dark(*names)
    world.gateway_dies()
    from stations import services as stations
    from tests.alerts.conftest import later

    stations.gateway_ended(gateway_id=world.gateway)
    later(hours=8)
    world.gateway_returns()
    world.sweep()
    later(seconds=60)
    world.sweep()
    assert world.board("open") == []
    world.back(*names)
    world.wait(minutes=3)
    assert world.board("open") == []
    assert world.told() == []


def test_a_sweep_after_a_long_stop_says_at_once_what_it_missed(world):
    from stations import services as stations
    from tests.alerts.conftest import later

    world.site("Kade", 2)
    world.dark("KADE-1")
    world.fault("KADE-2")
    for _ in range(3):
        later(hours=1)
        stations.gateway_alive(gateway_id=world.gateway)
    world.sweep()
    assert world.board() == ["connector_faulted open KADE-2", "station_offline open KADE-1"]
    assert world.told() == ["opened station_offline"]  # the fault is helped first
