"""Many places on a map as few marks: a grid of the world that gets finer with the zoom. Pure: no Django.

Cells lie still when the map is moved, so that a mark stays itself. From CLOSE on every place stands alone, unless more
than MOST would be seen at once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import asinh, cos, degrees, hypot, radians, tan
from statistics import median
from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")
CLOSE: Final = 15  # zoom
MOST: Final = 400  # marks at once
EARTH: Final = 6_371_000  # metres, its mean radius
CELLS_PER_TILE: Final = 3  # a tile is 256 pixels wide


class Box(NamedTuple):
    """West, south, east, north in degrees; a box over the date line has west > east."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, latitude: float, longitude: float) -> bool:
        if not self.south <= latitude <= self.north:
            return False
        if self.west <= self.east:
            return self.west <= longitude <= self.east
        return longitude >= self.west or longitude <= self.east


WORLD: Final = Box(-180, -90, 180, 90)


def box_of(sides: Sequence[float]) -> Box:
    """Of west, south, east, north; the world for sides that no map has."""
    west, south, east, north = sides
    on_earth = max(abs(west), abs(east)) <= 180 and -90 <= south <= north <= 90
    return Box(west, south, east, north) if on_earth else WORLD


class Point(NamedTuple):
    latitude: float
    longitude: float


class Pin(NamedTuple):
    """A point, and where it lies on the map's projection (spherical Mercator): 0 to 1 from west and from north."""

    latitude: float
    longitude: float
    right: float
    down: float


def pin(latitude: float, longitude: float) -> Pin:
    within = max(-85.0, min(85.0, latitude))
    return Pin(latitude, longitude, (longitude + 180) / 360, 0.5 - degrees(asinh(tan(radians(within)))) / 360)


class Mark(NamedTuple, Generic[T]):
    """What is drawn: `items` of one cell, at their middle."""

    key: str
    items: list[T]
    at: Point
    box: Box


def marks(items: Iterable[T], zoom: int, where: Callable[[T], Pin]) -> list[Mark[T]]:
    """The items by cell of the grid at this zoom, or at the next coarser one that has few enough marks."""
    rows = list(items)
    if zoom >= CLOSE and len(rows) <= MOST:
        return [_mark(f"p{place}", [row], where) for place, row in enumerate(rows)]
    for level in range(min(zoom, CLOSE), -1, -1):
        side = 2**level * CELLS_PER_TILE
        cells: dict[int, list[T]] = defaultdict(list)
        for row in rows:
            here = where(row)
            cells[int(here.right * side) * side + int(here.down * side)].append(row)
        if len(cells) <= MOST or level == 0:
            return [_mark(f"{level}-{cell}", found, where) for cell, found in cells.items()]
    return []


def _mark(key: str, rows: list[T], where: Callable[[T], Pin]) -> Mark[T]:
    points = [where(row) for row in rows]
    middle = Point(
        sum(point.latitude for point in points) / len(points), sum(point.longitude for point in points) / len(points)
    )
    return Mark(key, rows, middle, around(points))


def around(points: Sequence[Point | Pin]) -> Box:
    north, east = [point.latitude for point in points], [point.longitude for point in points]
    return Box(min(east), min(north), max(east), max(north))


def heart(points: Sequence[Point | Pin]) -> Box | None:
    """Where most of them are: one far-off place does not zoom the map out to nothing. None without any."""
    if not points:
        return None
    middle = Point(median(point.latitude for point in points), median(point.longitude for point in points))
    away = [hypot(point.latitude - middle.latitude, point.longitude - middle.longitude) for point in points]
    limit = max(0.3, 10 * median(away))
    return around([point for point, far in zip(points, away, strict=True) if far <= limit])


def metres(one: Point | Pin, other: Point | Pin) -> int:
    """Over a flat piece of the earth: right to a thousandth over a city, good enough to sort over a country."""
    north = radians(other.latitude - one.latitude)
    east = radians(other.longitude - one.longitude) * cos(radians((one.latitude + other.latitude) / 2))
    return round(hypot(north, east) * EARTH)
