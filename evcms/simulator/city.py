"""Marenhaven, an invented city on an invented coast: 12 sites, 60 stations, and who comes to charge there.

It lies in open water off the Dutch coast on purpose: nobody can take its chargers for real ones.
Deterministic by seed. The map around it is `citymap`, its demand `demand`, its past `history`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from math import cos, radians
from random import Random

from evcms.simulator.cityplan import FIRST_NAMES, HARDWARE, LAST_NAMES, SITES, SiteRow
from evcms.simulator.demand import SiteDemand, site_demand
from evcms.simulator.fleet import FleetConnector, FleetStation

CENTRE_LATITUDE, CENTRE_LONGITUDE = 52.02, 3.62
KM_PER_DEGREE = 111.32


@dataclass(frozen=True)
class CityStation:
    """A station as it stands in the street. Connectors carry no page code here: the product gives those."""

    identity: str
    name: str
    site: str
    protocol: str
    vendor: str
    model: str
    serial: str
    firmware: str
    latitude: float
    longitude: float
    commissioned_on: date
    connectors: tuple[FleetConnector, ...]

    @property
    def is_fast(self) -> bool:
        return self.connectors[0].kind == "dc"

    @property
    def resolution_mwh(self) -> int:
        """Steps of its register: a 1.6 charger counts whole Wh."""
        return 1000 if self.protocol == "ocpp1.6" else 100


@dataclass(frozen=True)
class CitySite:
    """A place with stations. `grid_limit_w` is what its connection to the grid carries."""

    code: str
    name: str
    kind: str  # of demand.PATTERNS
    street: str
    postal_code: str
    district: str
    latitude: float
    longitude: float
    grid_limit_w: int
    stations: tuple[CityStation, ...]
    demand: SiteDemand


@dataclass(frozen=True)
class CityDriver:
    """A person with an RFID card of the network (token: 14 hex digits, an ISO 14443 double-size UID)."""

    token: str
    name: str
    email: str


@dataclass(frozen=True)
class City:
    name: str
    country: str  # ISO 3166-1 alpha-2
    zone: str
    currency: str
    latitude: float
    longitude: float
    bounds: tuple[float, float, float, float]  # west, south, east, north
    sites: tuple[CitySite, ...]
    drivers: tuple[CityDriver, ...]

    @property
    def stations(self) -> tuple[CityStation, ...]:
        return tuple(station for site in self.sites for station in site.stations)


def place(x_km: float, y_km: float) -> tuple[float, float]:
    """Latitude and longitude of a point given in km east and north of the market square."""
    longitude = CENTRE_LONGITUDE + x_km / (KM_PER_DEGREE * cos(radians(CENTRE_LATITUDE)))
    return round(CENTRE_LATITUDE + y_km / KM_PER_DEGREE, 6), round(longitude, 6)


@cache
def build_city(seed: int = 1) -> City:
    """The whole city. The same seed gives equal objects."""
    rng = Random(f"marenhaven {seed}")
    south, west = place(-7.5, -6.0)
    north, east = place(8.0, 6.0)
    return City(
        name="Marenhaven",
        country="NL",
        zone="Europe/Amsterdam",
        currency="EUR",
        latitude=CENTRE_LATITUDE,
        longitude=CENTRE_LONGITUDE,
        bounds=(west, south, east, north),
        sites=tuple(_site(rng, row, index) for index, row in enumerate(SITES)),
        drivers=tuple(_drivers(rng, 480)),
    )


def _site(rng: Random, row: SiteRow, index: int) -> CitySite:
    code, name, kind, street, district, x, y, grid_kw, weekday, weekend, hardware = row
    products = [key for key, count in hardware for _ in range(count)]
    latitude, longitude = place(x, y)
    return CitySite(
        code=code,
        name=name,
        kind=kind,
        street=street,
        postal_code=f"{4600 + 7 * index} {rng.choice('ABCDEGHJK')}{rng.choice('ABCDEGHJK')}",
        district=district,
        latitude=latitude,
        longitude=longitude,
        grid_limit_w=grid_kw * 1000,
        stations=tuple(_station(rng, code, name, x, y, n, key) for n, key in enumerate(products, 1)),
        demand=site_demand(code, kind, weekday, weekend),
    )


def _station(rng: Random, code: str, site_name: str, x: float, y: float, number: int, key: str) -> CityStation:
    """Stations of a site stand in two rows, 12 m apart."""
    product = HARDWARE[key]
    latitude, longitude = place(x + 0.012 * ((number - 1) // 2), y + 0.02 * ((number - 1) % 2))
    connectors = tuple(
        FleetConnector(n, plug, kind, power, evse=evse, connector=connector)
        for n, (plug, kind, power, evse, connector) in enumerate(product.plugs, 1)
    )
    return CityStation(
        identity=f"MH-{code}-{number:02d}",
        name=f"{site_name} {number}",
        site=code,
        protocol=product.protocols[(number + rng.randrange(2)) % len(product.protocols)],
        vendor=product.vendor,
        model=product.model,
        serial=f"{product.vendor[:2].upper()}{rng.randrange(10**6, 10**7)}",
        firmware=rng.choice(product.firmwares),
        latitude=latitude,
        longitude=longitude,
        commissioned_on=date(2024, 3, 1) + timedelta(days=rng.randrange(600)),
        connectors=connectors,
    )


def _drivers(rng: Random, count: int) -> Iterable[CityDriver]:
    tokens: set[str] = set()
    while len(tokens) < count:
        token = f"04{rng.getrandbits(48):012X}"
        if token in tokens:
            continue
        tokens.add(token)
        first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        yield CityDriver(token, f"{first} {last}", f"{first}.{last}.{len(tokens)}@example.org".lower())


def fleet_station(
    station: CityStation,
    *,
    password: str,
    tokens: Iterable[str],
    codes: dict[int, str] | None = None,
    pattern: str = "",
) -> FleetStation:
    """The simulator's view of a station of the city. `codes`: connector number → page code."""
    codes = codes or {}
    connectors = tuple(replace(plug, code=codes.get(plug.number, "")) for plug in station.connectors)
    return FleetStation(
        identity=station.identity,
        protocol=station.protocol,
        password=password,
        connectors=connectors,
        vendor=station.vendor,
        model=station.model,
        serial=station.serial,
        firmware=station.firmware,
        site=station.site,
        pattern=pattern or "centre",
        tokens=tuple(tokens),
    )
