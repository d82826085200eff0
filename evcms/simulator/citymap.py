"""The streets, water and parks of Marenhaven as GeoJSON: the offline base layer of the demo's map.

`city_map(city)` gives a FeatureCollection, the same for the same seed. A feature has `kind` (sea, land,
district, park, beach, river, motorway, primary, secondary, residential, railway) and perhaps a `name`.
Polygons come first, then lines from small to large: drawn in order, it looks right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import atan2, cos, hypot, pi, sin, tau
from random import Random
from typing import Any

from evcms.simulator.city import City, place

Point = tuple[float, float]  # km east, km north of the market square
Feature = dict[str, Any]
EDGE = 7.8
RING_KM, CORE_KM = 3.1, 1.05
DISTRICTS = (  # name, from and to angle in twelfths of a turn, counted from east against the clock
    ("Oostergaarde", -1, 1),
    ("Tuinwijk Noord", 1, 2.4),
    ("Noorderpoort", 2.4, 4),
    ("Havenkwartier", 4, 7.2),
    ("Zuiderveld", 7.2, 9.4),
    ("Tuinwijk", 9.4, 11),
)
PARKS = (
    ("Marenpark", 1.7, 1.2, 0.55, 0.35),
    ("Stadspark", -0.9, -1.9, 0.5, 0.42),
    ("Kapelbos", 3.9, 3.4, 0.8, 0.6),
    ("Zuiderplas", 2.9, -4.2, 0.7, 0.4),
)
_STEMS = (
    "Meidoorn Linden Anker Zeilmakers Kapel Molen Vissers Duin Kompas Baken Tol Wilgen Haring Sluis Toren "
    "Korven Schelp Zwaluw Lijnbaan Kuipers Weide Iepen Brouwers Veer Schans Leeuwerik Klaver Ooievaar Smids Loods"
)
_ENDINGS = ("straat", "laan", "weg", "pad", "hof", "dreef", "steeg")


def coast_x(y: float) -> float:
    """Where the land begins at this latitude."""
    return -4.1 + 0.45 * sin(y * 0.8 + 0.4) + 0.14 * sin(y * 2.7)


def river_y(x: float) -> float:
    """The middle of the Maren at this longitude; it flows west, through the city, into the sea."""
    return -0.35 + 0.55 * sin(x * 0.55 + 0.6) + 0.12 * sin(x * 1.7)


def river_half_width(x: float) -> float:
    return 0.055 + max(0.0, -x - 1.5) * 0.035


def on_land(point: Point) -> bool:
    return point[0] > coast_x(point[1]) + 0.06


def in_river(point: Point) -> bool:
    return abs(point[1] - river_y(point[0])) < river_half_width(point[0]) + 0.02


def in_park(point: Point) -> bool:
    return any(((point[0] - x) / a) ** 2 + ((point[1] - y) / b) ** 2 < 1 for _, x, y, a, b in PARKS)


def buildable(point: Point) -> bool:
    return on_land(point) and not in_river(point) and not in_park(point)


@dataclass
class _Names:
    """Street names without repetition."""

    rng: Random
    used: set[str]

    def next(self) -> str:
        while True:
            stem = self.rng.choice(_STEMS.split())
            ending = self.rng.choice(_ENDINGS)
            name = f"{stem}{ending}" if len(self.used) < 150 else f"{self.rng.choice(_STEMS.split())}-{stem}{ending}"
            if name not in self.used:
                self.used.add(name)
                return name


def city_map(city: City, seed: int = 1) -> dict[str, Any]:
    """The whole map as a FeatureCollection (about 250 features, 65 kB as JSON)."""
    rng = Random(f"map {city.name} {seed}")
    names = _Names(rng, set())
    features = [
        *_water_and_land(),
        *_districts(),
        *_parks(rng),
        _river(),
        *_residential(rng, names),
        *_avenues(names),
        *_large_roads(),
    ]
    return {"type": "FeatureCollection", "name": city.name, "bbox": list(city.bounds), "features": features}


def city_map_json(city: City, seed: int = 1) -> str:
    """The file's content: compact, one line."""
    return json.dumps(city_map(city, seed), separators=(",", ":"), ensure_ascii=False)


def _polygon(kind: str, ring: list[Point], name: str = "") -> Feature:
    return _feature(kind, name, "Polygon", [_path([*ring, ring[0]])])


def _line(kind: str, points: list[Point], name: str = "") -> Feature:
    return _feature(kind, name, "LineString", _path(points))


def _feature(kind: str, name: str, geometry: str, coordinates: Any) -> Feature:
    properties = {"kind": kind, "name": name} if name else {"kind": kind}
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": geometry, "coordinates": coordinates},
    }


def _path(points: list[Point]) -> list[list[float]]:
    """GeoJSON wants longitude first (RFC 7946, 3.1.1); five decimals are a metre."""
    placed = [place(x, y) for x, y in points]
    return [[round(longitude, 5), round(latitude, 5)] for latitude, longitude in placed]


def _span(start: float, stop: float, step: float) -> list[float]:
    count = max(1, round(abs(stop - start) / step))
    return [start + (stop - start) * n / count for n in range(count + 1)]


def _water_and_land() -> Iterator[Feature]:
    shore = [(coast_x(y), y) for y in _span(-6.4, 6.4, 0.15)]
    yield _polygon("sea", [(-9.0, -6.4), *shore, (-9.0, 6.4)], "Noordwesterzee")
    yield _polygon("land", [*shore, (EDGE + 1, 6.4), (EDGE + 1, -6.4)])
    yield _polygon("beach", [*[(x - 0.1, y) for x, y in shore if y > 1.6], *reversed([p for p in shore if p[1] > 1.6])])


def _river() -> Feature:
    bank = _span(EDGE + 1, -5.2, 0.15)
    north = [(x, river_y(x) + river_half_width(x)) for x in bank]
    south = [(x, river_y(x) - river_half_width(x)) for x in bank]
    return _polygon("river", [*north, *reversed(south)], "Maren")


def _districts() -> Iterator[Feature]:
    yield _polygon("district", _circle(CORE_KM), "Binnenstad")
    for name, start, stop in DISTRICTS:
        angles = _span(start * tau / 12, stop * tau / 12, 0.06)
        inner = [_ashore(CORE_KM * cos(a), CORE_KM * sin(a)) for a in angles]
        outer = [_ashore(_reach(a) * cos(a), _reach(a) * sin(a)) for a in angles]
        yield _polygon("district", [*inner, *reversed(outer)], name)


def _reach(angle: float) -> float:
    """How far the city is built in this direction."""
    return 4.3 + 0.5 * sin(3 * angle + 1) + 0.25 * sin(7 * angle)


def _ashore(x: float, y: float) -> Point:
    return max(x, coast_x(y) + 0.1), y


def _circle(radius: float) -> list[Point]:
    return [(radius * cos(a), radius * sin(a)) for a in _span(0, tau, 0.1)[:-1]]


def _parks(rng: Random) -> Iterator[Feature]:
    for name, x, y, a, b in PARKS:
        wobble = rng.random() * tau
        ring = [
            (
                x + a * (0.93 + 0.07 * sin(5 * t + wobble)) * cos(t),
                y + b * (0.93 + 0.07 * cos(4 * t)) * sin(t),
            )
            for t in _span(0, tau, 0.2)[:-1]
        ]
        yield _polygon("park", ring, name)


def _residential(rng: Random, names: _Names) -> Iterator[Feature]:
    """Each district has its own grid, turned its own way; streets stop at water and parks."""
    yield from _grid(rng, names, lambda p: hypot(*p) < CORE_KM and buildable(p), 0.35, 0.13, CORE_KM)
    for _name, start, stop in DISTRICTS:
        yield from _grid(rng, names, _sector(start, stop), rng.uniform(-0.5, 0.5), rng.uniform(0.19, 0.26), 5.2)


def _sector(start: float, stop: float) -> Callable[[Point], bool]:
    low, width = start * tau / 12, (stop - start) * tau / 12

    def inside(point: Point) -> bool:
        angle = atan2(point[1], point[0])
        return (
            CORE_KM + 0.05 < hypot(*point) < _reach(angle) - 0.1
            and 0.02 < (angle - low) % tau < width - 0.02
            and buildable(point)
        )

    return inside


def _grid(
    rng: Random, names: _Names, inside: Callable[[Point], bool], turn: float, spacing: float, radius: float
) -> Iterator[Feature]:
    for direction, gap in ((turn, spacing), (turn + pi / 2, spacing * 1.7)):
        offset = -radius + rng.random() * gap
        while offset < radius:
            for run in _runs(direction, offset, radius, inside):
                if hypot(run[1][0] - run[0][0], run[1][1] - run[0][1]) > 0.15:
                    yield _line("residential", run, names.next())
            offset += gap * rng.uniform(0.85, 1.2)


def _runs(direction: float, offset: float, radius: float, inside: Callable[[Point], bool]) -> Iterator[list[Point]]:
    """The parts of one straight line of the grid that lie inside."""
    dx, dy = cos(direction), sin(direction)
    run: list[Point] = []
    for along in _span(-radius, radius, 0.05):
        point = (along * dx - offset * dy, along * dy + offset * dx)
        if inside(point):
            run = [run[0], point] if run else [point]
        elif run:
            if len(run) == 2:
                yield run
            run = []
    if len(run) == 2:
        yield run


def _avenues(names: _Names) -> Iterator[Feature]:
    """From the market outwards, and the street along the shore."""
    for twelfth, name in ((0, "Oosterlaan"), (2.2, "Kapelweg"), (3.6, "Noorderlaan"), (5.1, "Strandweg")):
        yield _line("primary", _ray(twelfth), name)
    for twelfth, name in ((6.9, "Zeeweg"), (8.6, "Zuiderlaan"), (10.3, "Meerdreef")):
        yield _line("primary", _ray(twelfth), name)
    yield _line("secondary", _circle(CORE_KM) + _circle(CORE_KM)[:1], "Singel")
    yield _line("secondary", [(coast_x(y) + 0.22, y) for y in _span(-5.5, 5.5, 0.2)], "Boulevard")
    yield _line("secondary", [(x, river_y(x) + 0.2) for x in _span(-3.2, 5.0, 0.2)], "Kade")


def _ray(twelfth: float) -> list[Point]:
    angle = twelfth * tau / 12
    points = [(r * cos(angle + 0.03 * sin(r * 2)), r * sin(angle + 0.03 * sin(r * 2))) for r in _span(0.15, 5.4, 0.25)]
    return [point for point in points if on_land(point)]


def _large_roads() -> Iterator[Feature]:
    ring = [(RING_KM * cos(a), RING_KM * sin(a)) for a in _span(0, tau, 0.05)]
    yield _line("secondary", [_ashore(x, y) for x, y in ring], "Noorderring")
    yield _line("railway", [(x, 0.9 + 0.35 * sin(x * 0.5) - 0.12 * x) for x in _span(-2.4, EDGE, 0.3)], "Spoorlijn")
    yield _line("motorway", [(5.35 + 0.22 * sin(y * 0.6), y) for y in _span(-6.4, 6.4, 0.2)], "M7")
