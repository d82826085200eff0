"""What the map and lists say of money at a glance: who is busy, and one price per connector."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext as _

from billing import lookup
from billing.availability import taken_evses
from billing.pricing import PARTS, Part, Terms, components, holding, plain
from billing.terms import MINUTES_PER_HOUR
from billing.wording import per
from evcms.core import clock
from stations.models import Connector

__all__ = ["Headline", "headlines", "taken_evses"]


class Headline(NamedTuple):
    """The price that drivers compare. Sorts: free, by the kWh, by the minute, by the session; then the cheapest."""

    kind: int
    price: Decimal
    text: str  # "0.49 €/kWh", "free of charge"


def headlines(connectors: Iterable[Connector]) -> dict[int, Headline]:
    """Connector id → its headline now; without a tariff it is missing. Two queries beside the connectors' sites."""
    rows, now = list(connectors), clock.now()
    tariffs = lookup.tariffs_in_force(rows, now)
    settings = lookup.settings_of((row.station.site for row in rows), now)
    said: dict[tuple[int, int | None, int], Headline] = {}
    found: dict[int, Headline] = {}
    for row in rows:
        if tariff := tariffs.get(row.pk):
            key = (tariff.pk, row.station.site_id, row.max_power_w)
            if key not in said:
                terms = lookup.terms_of(tariff, settings[row.station.site_id])
                said[key] = _headline(terms, now, row.max_power_w // 1000)
            found[row.pk] = said[key]
    return found


def _headline(terms: Terms, now: datetime, kw: int) -> Headline:
    """What the first moment of a session would cost; a tariff whose hours leave it free now is not called free."""
    if terms.free:
        return Headline(0, Decimal(0), _("free of charge"))
    here = holding(terms, now, kw=kw)
    component = next((each for each in here if each.price), None) or components(terms)[0][1]
    part = PARTS[component.kind]
    price = component.price / MINUTES_PER_HOUR if component.kind.timed else component.price
    return Headline(1 + list(Part).index(part), price, per(part, plain(component.price), terms.currency))
