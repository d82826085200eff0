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


@dataclass(frozen=True)
class _Hardware:
    """A product of an invented maker: (plug, kind, power, evse, connector) per plug."""

    vendor: str
    model: str
    firmwares: tuple[str, ...]
    protocols: tuple[str, ...]
    plugs: tuple[tuple[str, str, int, int, int], ...]


_AC = "type2", "ac"
_HARDWARE = {
    "wall11": _Hardware("Voltmeer", "Solo 11", ("1.9.4", "1.9.6"), ("ocpp1.6",), ((*_AC, 11_000, 1, 1),)),
    "duo11": _Hardware(
        "Voltmeer",
        "Duo 11",
        ("2.4.1", "2.4.3"),
        ("ocpp1.6", "ocpp2.0.1"),
        ((*_AC, 11_000, 1, 1), (*_AC, 11_000, 2, 1)),
    ),
    "duo22": _Hardware(
        "Voltmeer",
        "Duo 22",
        ("2.4.1", "3.0.2"),
        ("ocpp1.6", "ocpp2.0.1", "ocpp2.1"),
        ((*_AC, 22_000, 1, 1), (*_AC, 22_000, 2, 1)),
    ),
    "quad22": _Hardware(
        "Ampèreworks",
        "Quartet",
        ("5.1.0",),
        ("ocpp2.0.1", "ocpp2.1"),
        tuple((*_AC, 22_000, n, 1) for n in (1, 2, 3, 4)),
    ),
    "dc50": _Hardware(
        "Brugge Elektro",
        "Triple 50",
        ("4.12.0", "4.12.7"),
        ("ocpp1.6", "ocpp2.0.1"),
        (("ccs2", "dc", 50_000, 1, 1), ("chademo", "dc", 50_000, 1, 2)),
    ),
    "dc100": _Hardware(
        "Brugge Elektro",
        "Depot 100",
        ("6.0.3",),
        ("ocpp2.0.1", "ocpp2.1"),
        (("ccs2", "dc", 100_000, 1, 1), ("ccs2", "dc", 100_000, 2, 1)),
    ),
    "dc150": _Hardware(
        "Stromvald",
        "HPC 150",
        ("2025.11", "2026.04"),
        ("ocpp1.6", "ocpp2.0.1", "ocpp2.1"),
        (("ccs2", "dc", 150_000, 1, 1), ("ccs2", "dc", 150_000, 2, 1)),
    ),
    "dc300": _Hardware(
        "Stromvald",
        "HPC 300",
        ("2026.04", "2026.09"),
        ("ocpp2.0.1", "ocpp2.1"),
        (("ccs2", "dc", 300_000, 1, 1), ("ccs2", "dc", 300_000, 2, 1)),
    ),
}

# code, name, kind, street, district, x km, y km, grid kW, working day, weekend day, hardware × count
_SiteRow = tuple[str, str, str, str, str, float, float, int, int, int, tuple[tuple[str, int], ...]]
_SITES: tuple[_SiteRow, ...] = (
    (
        "PRN",
        "P+R Noorderpoort",
        "commuter",
        "Noorderring 210",
        "Noorderpoort",
        1.1,
        3.5,
        250,
        24,
        8,
        (("duo11", 4), ("duo22", 4)),
    ),
    (
        "PRO",
        "P+R Oostergaarde",
        "commuter",
        "Oosterlaan 88",
        "Oostergaarde",
        3.6,
        0.5,
        200,
        18,
        6,
        (("duo22", 4), ("quad22", 2)),
    ),
    (
        "HKW",
        "Havenkwartier",
        "residential",
        "Kade 12",
        "Havenkwartier",
        -2.3,
        1.2,
        160,
        16,
        15,
        (("duo11", 4), ("wall11", 2)),
    ),
    (
        "TUI",
        "Tuinwijk",
        "residential",
        "Meidoornstraat 31",
        "Tuinwijk",
        2.2,
        -2.3,
        120,
        12,
        12,
        (("duo11", 3), ("wall11", 2)),
    ),
    (
        "VZO",
        "Verzorgingsplaats Oost",
        "highway",
        "Snelweg M7, km 41",
        "Oostergaarde",
        5.5,
        1.9,
        1_400,
        62,
        76,
        (("dc300", 4), ("dc150", 4)),
    ),
    (
        "VZZ",
        "Verzorgingsplaats Zuid",
        "highway",
        "Snelweg M7, km 34",
        "Zuiderveld",
        5.2,
        -3.7,
        700,
        30,
        36,
        (("dc150", 4),),
    ),
    (
        "MER",
        "Winkelcentrum Meridiaan",
        "mall",
        "Meridiaanplein 1",
        "Zuiderveld",
        0.7,
        -3.1,
        300,
        26,
        36,
        (("duo22", 4), ("dc50", 2)),
    ),
    (
        "CEN",
        "Parkeergarage Markt",
        "centre",
        "Marktstraat 4",
        "Binnenstad",
        0.2,
        0.4,
        220,
        24,
        28,
        (("duo22", 4), ("quad22", 1)),
    ),
    (
        "VIS",
        "Vismarkt",
        "centre",
        "Vismarkt 2",
        "Binnenstad",
        -0.8,
        -0.7,
        180,
        14,
        16,
        (("dc50", 2), ("duo22", 1)),
    ),
    ("DEP", "Depot Zeeweg", "depot", "Zeeweg 140", "Havenkwartier", -2.9, -2.0, 500, 14, 4, (("dc100", 4),)),
    (
        "ZHS",
        "Ziekenhuis Sint Maren",
        "hospital",
        "Kapelweg 9",
        "Tuinwijk",
        2.6,
        2.0,
        150,
        12,
        9,
        (("duo22", 3),),
    ),
    ("STR", "Strandweg", "beach", "Strandweg 55", "Duinrand", -3.4, 3.1, 100, 7, 13, (("duo22", 2),)),
)
_FIRST = [
    "Anna",
    "Bram",
    "Cato",
    "Daan",
    "Elin",
    "Fenne",
    "Gijs",
    "Hanna",
    "Iris",
    "Joost",
    "Kaat",
    "Lars",
    "Mila",
    "Nils",
    "Olga",
    "Pim",
    "Ravi",
    "Sanne",
    "Teun",
    "Yara",
]
_LAST = [
    "Aalders",
    "Brink",
    "Coppens",
    "Dekkers",
    "Eikema",
    "Farah",
    "Groot",
    "Hovens",
    "Ilves",
    "Janssen",
    "Kroes",
    "Lemm",
    "Meijer",
    "Nowak",
    "Oosten",
    "Prins",
]


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
        sites=tuple(_site(rng, row, index) for index, row in enumerate(_SITES)),
        drivers=tuple(_drivers(rng, 480)),
    )


def _site(rng: Random, row: _SiteRow, index: int) -> CitySite:
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
    product = _HARDWARE[key]
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
        first, last = rng.choice(_FIRST), rng.choice(_LAST)
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
