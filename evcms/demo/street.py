"""Sites, stations, connectors and prices of Marenhaven, entered through the services that people use."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from billing import lookup
from billing import services as billing
from billing.models import PriceSnapshot, Tariff
from billing.pricing import Terms
from billing.services.payments import hold_of
from billing.services.site_prices import set_site_pricing
from evcms.core.access import Access
from evcms.simulator.city import City, CitySite, CityStation
from evcms.simulator.fleet import FleetConnector
from stations import services as stations
from stations.models import Connector, PlugType, PowerType, Site, Station
from stations.vocabulary import SecurityProfile

from .tariffs import price_list

PLUGS: Final = {
    "type2": PlugType.IEC_62196_T2,
    "ccs2": PlugType.IEC_62196_T2_COMBO,
    "chademo": PlugType.CHADEMO,
}
NOTES: Final = {
    "commuter": "Level 0, next to the lifts. Free parking while charging.",
    "centre": "Entrance from the square; the barrier opens by itself.",
    "hospital": "Row C, by the main entrance.",
    "highway": "Behind the restaurant, drive-through bays for trailers on the left.",
}

ENERGY_COST: Final = {"highway": "0.14", "depot": "0.12"}  # EUR per kWh; large connections buy cheaper


@dataclass(frozen=True)
class Price:
    """A tariff and everything of it that a past session needs."""

    tariff: Tariff
    snapshot: PriceSnapshot
    terms: Terms
    hold_minor: int


@dataclass
class Street:
    """What stands, by the names that the invented city gives: site code, station identity, connector number."""

    access: Access
    city: City
    sites: dict[str, Site] = field(default_factory=dict)
    stations: dict[str, Station] = field(default_factory=dict)
    connectors: dict[tuple[str, int], Connector] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    prices: dict[tuple[str, int], Price] = field(default_factory=dict)


def port(station: CityStation, plug: FleetConnector) -> tuple[int, int]:
    """(EVSE, connector) as our rows count: a 1.6 station has an EVSE for each connectorId."""
    return (plug.number, 1) if station.protocol == "ocpp1.6" else (plug.evse_id, plug.connector)


def build(access: Access, city: City, since: datetime) -> Street:
    """Everything accepted, with passwords of its own, priced since `since`."""
    street = Street(access, city)
    for site in city.sites:
        street.sites[site.code] = _site(access, city, site)
        set_site_pricing(
            access=access,
            site=street.sites[site.code],
            frozen=site.kind == "highway",  # as funded motorway sites must
            energy_cost=ENERGY_COST.get(site.kind, "0.17"),
        )
        for station in site.stations:
            _station(street, site, station)
    _price(street, since)
    return street


def _site(access: Access, city: City, site: CitySite) -> Site:
    values = {
        "name": site.name,
        "address": site.street,
        "postal_code": site.postal_code,
        "city": city.name,
        "country": city.country,
        "latitude": site.latitude,
        "longitude": site.longitude,
        "time_zone": city.zone,
        "grid_limit_w": site.grid_limit_w,
        "access_notes": NOTES.get(site.kind, ""),
        "accessible": site.kind in ("hospital", "mall", "commuter"),
        "public": site.kind != "depot",
    }
    row = stations.create_site(access=access, values=values)
    first = min(station.commissioned_on for station in site.stations)
    row.created_at = datetime.combine(first, time(8), ZoneInfo(city.zone)).astimezone(UTC)
    Site.objects.filter(pk=row.pk).update(created_at=row.created_at)
    return row


def _station(street: Street, site: CitySite, station: CityStation) -> None:
    values = {
        "site": street.sites[site.code],
        "identity": station.identity,
        "name": station.name,
        "security_profile": SecurityProfile.BASIC,
        "vendor": station.vendor,
        "model": station.model,
        "serial_number": station.serial,
    }
    row = stations.create_station(access=street.access, values=values)
    street.stations[station.identity] = row
    street.passwords[station.identity] = stations.set_password(access=street.access, station=row)
    born = datetime.combine(station.commissioned_on, time(10), ZoneInfo(street.city.zone)).astimezone(UTC)
    Station.objects.filter(pk=row.pk).update(
        created_at=born, firmware_version=station.firmware, protocol=station.protocol
    )
    made = stations.set_connectors(access=street.access, station=row, connectors=list(_connectors(station)))
    for plug, connector in zip(station.connectors, made, strict=True):
        connector.station = row
        street.connectors[(station.identity, plug.number)] = connector


def _connectors(station: CityStation) -> Iterator[dict[str, object]]:
    name = station.identity.removeprefix("MH-").replace("-", "")
    for plug in station.connectors:
        evse, number = port(station, plug)
        yield {
            "evse": evse,
            "connector": number,
            "evse_id": f"NL*MRN*E{name}*{evse}",
            "plug": PLUGS[plug.plug],
            "power_type": PowerType.DC if plug.kind == "dc" else PowerType.AC_3_PHASE,
            "cable": plug.kind == "dc",
            "max_power_w": plug.max_power_w,
        }


# Prices ---------------------------------------------------------------------------------------------------------------


def _price(street: Street, since: datetime) -> None:
    """As `tariffs` lists them; the city's own holds where no other does."""
    tariffs = {key: billing.create_tariff(access=street.access, **fields) for key, fields in price_list().items()}
    Tariff.objects.filter(organization=street.access.organization).update(created_at=since)
    prices = {key: _frozen(tariff, since, street.city.zone) for key, tariff in tariffs.items()}
    billing.assign_tariff(access=street.access, tariff=tariffs["street"], valid_from=since)
    for site in street.city.sites:
        _assign(street, site, prices, since)


def _frozen(tariff: Tariff, since: datetime, zone: str, *, as_begun: bool = False) -> Price:
    """All of the city's sites lie in one zone. `as_begun`: prices stay as they were at a session's start."""
    here = lookup.Setting(since.year, zone, as_begun)
    return Price(tariff, lookup.snapshot_of(tariff, here), lookup.terms_of(tariff, here), hold_of(tariff))


def _assign(street: Street, site: CitySite, prices: dict[str, Price], since: datetime) -> None:
    """A site's own tariff; the fast ones of a mixed site by station."""
    fast = "depot" if site.kind == "depot" else "motorway" if site.kind == "highway" else "fast"
    slow = "slow" if site.kind in ("commuter", "residential", "hospital") else "street"
    all_fast = all(station.is_fast for station in site.stations)
    own = fast if all_fast else slow
    if own != "street":
        billing.assign_tariff(
            access=street.access, tariff=prices[own].tariff, site=street.sites[site.code], valid_from=since
        )
    for station in site.stations:
        key = fast if station.is_fast else own
        if key != own:
            row = street.stations[station.identity]
            billing.assign_tariff(access=street.access, tariff=prices[key].tariff, station=row, valid_from=since)
        here = prices[key]
        if site.kind == "highway":
            here = _frozen(here.tariff, since, street.city.zone, as_begun=True)
        for plug in station.connectors:
            street.prices[(station.identity, plug.number)] = here


def plan_maintenance(access: Access, street: Street, now: datetime) -> None:
    """Tonight, two hours at one site."""
    zone = ZoneInfo(street.city.zone)
    night = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(1), zone)
    stations.plan_maintenance(
        access=access,
        title="Cable inspection",
        starts_at=night,
        ends_at=night + timedelta(hours=2),
        site=street.sites["VIS"],
        note="All connectors are out of service for about two hours.",
    )
