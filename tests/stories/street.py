"""What a story needs in the street: a network with a price, and a charger that is played from the test's thread."""

import asyncio
import threading

from billing.models import Tariff, TariffAssignment
from evcms.core.models import Organization
from evcms.simulator.chargers import Options, make_charger
from evcms.simulator.fleet import FleetConnector, FleetStation
from stations import passwords
from stations.models import Connector, Evse, Site, Station
from tests.tariffs import flat

PASSWORD = "7f3a9c1d5e8b2f4a6c0d9e8f7a6b5c4d"


def build(identity="STORY-1", connectors=1, profile=1):
    """An organization, a site, a station with connectors, a price: 0.50 €/kWh, 1.00 € a session, 21 % VAT included."""
    organization, _ = Organization.objects.get_or_create(slug="story", defaults={"name": "Story Charging"})
    site, _ = Site.objects.get_or_create(
        organization=organization,
        name="Kade",
        defaults={"latitude": 52.1, "longitude": 4.3, "address": "Kade 12", "city": "Marenhaven"},
    )
    station = Station.objects.create(
        organization=organization,
        site=site,
        identity=identity,
        name=identity.title(),
        approval="accepted",
        security_profile=profile,
        password_digest=passwords.digest(PASSWORD, generated=True),
    )
    for number in range(1, connectors + 1):
        evse = Evse.objects.create(station=station, number=number)
        Connector.objects.create(
            evse=evse, station=station, plug="IEC_62196_T2_COMBO", power_type="DC", max_power_w=150_000
        )
    if not Tariff.objects.filter(organization=organization).exists():
        tariff = Tariff.objects.create(
            organization=organization,
            name="Standard",
            currency="EUR",
            hold="40",
            **flat(per_kwh="0.50", per_start="1.00"),
        )
        TariffAssignment.objects.create(organization=organization, tariff=tariff)
    return station


class Street:
    """One simulated charger on an event loop of its own; its verbs as ordinary calls."""

    def __init__(self, url, identity, protocol, connectors=1, **options):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name=f"street-{identity}", daemon=True).start()
        station = FleetStation(
            identity=identity,
            protocol=protocol,
            password=PASSWORD,
            connectors=tuple(
                FleetConnector(number=number, plug="ccs2", kind="dc", max_power_w=150_000)
                for number in range(1, connectors + 1)
            ),
        )
        self.charger = self.do(
            self._make(station, url, Options(**{"sample_interval_s": 1.0, "backoff_s": 0.2} | options))
        )

    async def _make(self, station, url, options):
        return make_charger(station, url, options)

    def do(self, work, timeout=60):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def __getattr__(self, verb):
        """`street.plug(1)` is `await charger.plug(1)`."""
        method = getattr(self.charger, verb)

        def call(*args, **kwargs):
            result = method(*args, **kwargs)
            return self.do(result) if asyncio.iscoroutine(result) else result

        return call

    def end(self):
        self.do(self.charger.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
