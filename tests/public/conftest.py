"""Drivers' pages over a network with prices, a station that a test plays, and the provider's double."""

import pytest
from django.utils import translation

from tests.billing.conftest import car, connector, double, provider, tariff
from tests.stations.conftest import *

__all__ = ["car", "connector", "double", "provider", "tariff"]


@pytest.fixture(autouse=True)
def own_language():
    """A request leaves its language active in the thread; the next test finds none."""
    yield
    translation.deactivate()
