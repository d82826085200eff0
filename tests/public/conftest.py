"""Drivers' pages over a network with prices, a station that a test plays, and the provider's double."""

from tests.billing.conftest import car, connector, double, provider, tariff
from tests.stations.conftest import *

__all__ = ["car", "connector", "double", "provider", "tariff"]
