"""A simulated guest against the whole product: pages, payment double, worker, gateway. What the demo's world does."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from billing.models import Payment
from evcms.simulator.cars import CAR_MODELS, Car
from evcms.simulator.drivers import PayingDriver, Visit
from stations.models import Connector
from tests.fixtures.processes import until
from tests.stories.street import Street, build

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    "protocol", ["ocpp2.0.1", *(pytest.param(each, marks=pytest.mark.long) for each in ("ocpp1.6", "ocpp2.1"))]
)
def test_a_guest_pays_by_the_pages_forms_charges_and_is_billed(stack: Any, protocol: str) -> None:
    station = build("SIM-GUEST")
    connector = Connector.objects.get(station=station)
    street = Street(stack.gateway.url, "SIM-GUEST", protocol, tick_s=0.1, speed=5)
    try:
        street.connect()
        until(lambda: Connector.objects.get(pk=connector.pk).status == "available", what="the station to be free")
        object.__setattr__(street.charger.ports[1].plug, "code", connector.code)
        driver = PayingDriver(stack.web.url + "/", "guest@example.net", Random(1), hurry=10)
        visit = Visit(street.charger, 1, Car.arriving(CAR_MODELS[2], 300), 5)
        street.do(asyncio.wait_for(driver.visit(visit), 90), timeout=100)
        until(lambda: Payment.objects.get().state == "captured", timeout=60, what="the payment to be captured")
    finally:
        street.end()
    assert Payment.objects.get().captured_minor > 35
