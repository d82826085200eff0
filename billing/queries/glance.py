"""What the map and lists say of money at a glance: who is busy, and one price per connector; a query each."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext as _

from billing import lookup
from billing.availability import taken_evses
from billing.pricing import Part, Terms, components, plain
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
    """Connector id → its headline; without a tariff it is missing. One query."""
    tariffs = lookup.tariffs_in_force(connectors, clock.now())
    said = {tariff.pk: _headline(lookup.terms_of(tariff)) for tariff in tariffs.values()}
    return {pk: said[tariff.pk] for pk, tariff in tariffs.items()}


def _headline(terms: Terms) -> Headline:
    part, price = next(iter(components(terms)), (None, Decimal(0)))
    if part is None:
        return Headline(0, price, _("free of charge"))
    return Headline(1 + list(Part).index(part), price, per(part, plain(price), terms.currency))
