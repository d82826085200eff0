"""What the map and lists say of money at a glance: who is busy, and one price per connector."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from billing import lookup
from billing.availability import taken_evses
from billing.lookup import Stand
from billing.models import CardReader
from billing.pricing import MWH_PER_KWH, PARTS, Part, Priced, Terms, components, example, holding, plain
from billing.terms import MINUTES_PER_HOUR
from billing.vocabulary import ReaderState
from billing.wording import per
from evcms.core import clock
from stations.models import Connector

__all__ = ["Headline", "Way", "headline", "headlines", "taken_evses", "terms_at", "usual_charge", "ways_at"]


class Way(models.TextChoices):
    """How a driver pays at a connector."""

    SCAN = "scan", _lazy("Card, on your phone")
    READER = "reader", _lazy("Card, at the station")
    ACCOUNT = "account", _lazy("Charging card (RFID)")
    FREE = "free", _lazy("Free of charge")


class Headline(NamedTuple):
    """The price that drivers compare. Sorts: free, by the kWh, by the minute, by the session; then the cheapest."""

    kind: int
    price: Decimal
    text: str  # "0.49 €/kWh", "free of charge"


def headlines(connectors: Iterable[Connector]) -> dict[int, Headline]:
    """Connector id → its headline now; without a tariff it is missing. Two queries beside the connectors' sites."""
    rows, now = list(connectors), clock.now()
    tariffs = lookup.tariffs_in_force(rows, now)
    here = lookup.settings_of((row.station.site for row in rows), now)
    said: dict[tuple[int, int | None, int], Headline] = {}
    found: dict[int, Headline] = {}
    for row in rows:
        if tariff := tariffs.get(row.pk):
            key = (tariff.pk, row.station.site_id, row.max_power_w)
            if key not in said:
                terms = lookup.terms_of(tariff, here[row.station.site_id])
                said[key] = headline(terms, now, row.max_power_w // 1000)
            found[row.pk] = said[key]
    return found


def terms_at(stands: Iterable[Stand], zones: Mapping[int, str], at: datetime) -> dict[int, Terms]:
    """Connector id → what it costs there, for anybody; without a tariff it is missing. `zones`: of the sites.

    Connectors with the same price share one object. Two queries.
    """
    rows = list(stands)
    tariffs, settings_here = lookup.tariffs_at_stands(rows, at), lookup.settings_in(zones, at)
    made: dict[tuple[int, lookup.Setting], Terms] = {}
    found: dict[int, Terms] = {}
    for row in rows:
        tariff = tariffs.get(row.connector_id)
        if tariff is None:
            continue
        key = (tariff.pk, settings_here[row.site_id or None])
        if key not in made:
            made[key] = lookup.terms_of(tariff, key[1])
        found[row.connector_id] = made[key]
    return found


def usual_charge(terms: Terms, *, kwh: int, minutes: int, at: datetime) -> Priced:
    """What a charge of that size, begun at `at`, costs: by the function that prices every session."""
    return example(terms, energy_mwh=kwh * MWH_PER_KWH, charging=timedelta(minutes=minutes), starts_at=at)


def ways_at(stands: Iterable[Stand], terms: Mapping[int, Terms]) -> dict[int, frozenset[str]]:
    """Connector id → the ways to pay that work there (`Way`). One query."""
    readers = CardReader.objects.filter(archived_at=None, state=ReaderState.ONLINE).values_list("station_id", "site_id")
    at_station: set[int | None] = set()
    at_site: set[int | None] = set()
    for station, site in readers:
        (at_station if station else at_site).add(station or site)
    found: dict[int, frozenset[str]] = {}
    for row in stands:
        price = terms.get(row.connector_id)
        if price is None:
            found[row.connector_id] = frozenset()
        elif price.free:
            found[row.connector_id] = frozenset({Way.FREE.value, Way.ACCOUNT.value})
        else:
            reader = row.station_id in at_station or row.site_id in at_site
            said = [Way.ACCOUNT.value, *[Way.SCAN.value] * settings.PAYMENTS_ON, *[Way.READER.value] * reader]
            found[row.connector_id] = frozenset(said)
    return found


def headline(terms: Terms, now: datetime, kw: int) -> Headline:
    """What the first moment of a session would cost; a tariff whose hours leave it free now is not called free."""
    if terms.free:
        return Headline(0, Decimal(0), _("free of charge"))
    here = holding(terms, now, kw=kw)
    component = next((each for each in here if each.price), None) or components(terms)[0][1]
    part = PARTS[component.kind]
    price = component.price / MINUTES_PER_HOUR if component.kind.timed else component.price
    return Headline(1 + list(Part).index(part), price, per(part, plain(component.price), terms.currency))
