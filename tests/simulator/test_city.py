"""The invented city: complete, deterministic, and a map that looks like one."""

from __future__ import annotations

import json
from collections import Counter

from evcms.simulator.city import build_city, fleet_station
from evcms.simulator.citymap import city_map, city_map_json, on_land
from evcms.simulator.demand import PATTERNS


def test_twelve_sites_with_sixty_stations_of_all_versions_and_powers() -> None:
    city = build_city()
    assert len(city.sites) == 12
    assert len(city.stations) == len({station.identity for station in city.stations}) == 60
    versions = Counter(station.protocol for station in city.stations)
    assert set(versions) == {"ocpp1.6", "ocpp2.0.1", "ocpp2.1"}
    assert min(versions.values()) >= 8
    powers = {plug.max_power_w for station in city.stations for plug in station.connectors}
    assert powers == {11_000, 22_000, 50_000, 100_000, 150_000, 300_000}
    assert {len(station.connectors) for station in city.stations} == {1, 2, 4}
    assert {site.kind for site in city.sites} <= set(PATTERNS)


def test_the_same_seed_gives_the_same_city() -> None:
    build_city.cache_clear()
    first = build_city(5)
    build_city.cache_clear()
    assert build_city(5) == first
    assert build_city(6) != first


def test_tokens_and_addresses_of_drivers_are_unique() -> None:
    drivers = build_city().drivers
    assert len({driver.token for driver in drivers}) == len({driver.email for driver in drivers}) == 480
    assert all(len(driver.token) == 14 for driver in drivers)


def test_everything_stands_inside_the_bounds() -> None:
    city = build_city()
    west, south, east, north = city.bounds
    for place in (*city.sites, *city.stations):
        assert west < place.longitude < east
        assert south < place.latitude < north


def test_the_map_is_valid_geojson_of_named_things_inside_its_box() -> None:
    collection = json.loads(city_map_json(build_city()))
    assert collection["type"] == "FeatureCollection"
    kinds = Counter(feature["properties"]["kind"] for feature in collection["features"])
    assert {"sea", "land", "river", "park", "district", "residential", "primary", "motorway"} <= set(kinds)
    assert kinds["residential"] > 150
    for feature in collection["features"]:
        geometry = feature["geometry"]
        assert geometry["type"] in ("Polygon", "LineString")
        if geometry["type"] == "Polygon":
            ring = geometry["coordinates"][0]
            assert ring[0] == ring[-1]
            assert len(ring) >= 4
        else:
            assert len(geometry["coordinates"]) >= 2


def test_streets_are_on_land_and_named_once() -> None:
    streets = [f for f in city_map(build_city())["features"] if f["properties"]["kind"] == "residential"]
    names = [street["properties"]["name"] for street in streets]
    assert len(set(names)) == len(names)
    assert on_land((0.0, 0.0))
    assert not on_land((-6.0, 0.0))


def test_the_map_is_small_and_the_same_each_time() -> None:
    text = city_map_json(build_city())
    assert len(text) < 400_000
    assert text == city_map_json(build_city())


def test_a_station_becomes_a_fleet_station_with_its_page_codes() -> None:
    station = build_city().stations[0]
    row = fleet_station(station, password="p" * 16, tokens=["T"], codes={1: "AB12"}, pattern="commuter")
    assert (row.identity, row.protocol, row.pattern) == (station.identity, station.protocol, "commuter")
    assert [plug.code for plug in row.connectors] == ["AB12", ""]
