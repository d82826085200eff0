"""Drawn areas of the map: polygons of (latitude, longitude) in degrees, as large as a city. No Django.

Floats are right here: these are places on a screen, neither money nor energy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, isfinite, pi, radians, sin

Point = tuple[float, float]
Polygon = list[Point]

FEWEST, MOST = 3, 60  # corners
WIDEST = 2.0  # degrees from edge to edge: some 200 km
KM_PER_DEGREE = 111.32
CIRCLE = 24  # corners of a circle


class BadArea(ValueError):
    """This is no area that can be watched."""


@dataclass(frozen=True)
class Box:
    south: float
    west: float
    north: float
    east: float

    def holds(self, point: Point) -> bool:
        return self.south <= point[0] <= self.north and self.west <= point[1] <= self.east


def polygon(given: object) -> Polygon:
    """What came from a browser, judged: numbers, corners, extent. Raises BadArea."""
    if not isinstance(given, list) or not FEWEST <= len(given) <= MOST:
        raise BadArea("an area has 3 to 60 corners")
    corners = [_point(each) for each in given]
    if len(set(corners)) < FEWEST:
        raise BadArea("an area has three different corners")
    found = box(corners)
    if found.north - found.south > WIDEST or found.east - found.west > WIDEST:
        raise BadArea("an area is at most some 200 km wide")
    return corners


def _point(given: object) -> Point:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise BadArea("a corner is a latitude and a longitude")
    latitude, longitude = given
    if any(isinstance(each, bool) or not isinstance(each, int | float) or not isfinite(each) for each in given):
        raise BadArea("a corner is two numbers")
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise BadArea("a corner is on the globe")
    return (round(float(latitude), 6), round(float(longitude), 6))


def box(corners: Sequence[Point]) -> Box:
    latitudes, longitudes = [each[0] for each in corners], [each[1] for each in corners]
    return Box(min(latitudes), min(longitudes), max(latitudes), max(longitudes))


def circle(centre: Point, kilometres: float) -> Polygon:
    """For those who say "within 2 km of …" instead of drawing."""
    latitude, longitude = centre
    high = kilometres / KM_PER_DEGREE
    wide = high / max(0.05, cos(radians(latitude)))
    turns = [2 * pi * step / CIRCLE for step in range(CIRCLE)]
    return [(round(latitude + high * sin(turn), 6), round(longitude + wide * cos(turn), 6)) for turn in turns]


def inside(point: Point, corners: Sequence[Point]) -> bool:
    """By the ray to the east: an odd number of crossed edges. A point on an edge may fall to either side."""
    latitude, longitude = point
    odd = False
    for (one_lat, one_lng), (two_lat, two_lng) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (one_lat > latitude) != (two_lat > latitude):
            crossing = one_lng + (latitude - one_lat) * (two_lng - one_lng) / (two_lat - one_lat)
            odd ^= longitude < crossing
    return odd
