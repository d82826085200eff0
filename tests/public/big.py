"""A country of charging: thousands of public sites, written in bulk."""

import random

from evcms.core import clock
from stations.models import Connection, Connector, Evse, Gateway, Site, Station
from stations.vocabulary import Approval

NORTH, EAST = (50.8, 53.5), (3.4, 7.2)  # about the Netherlands


def country(organization, gateway, number, *, seed=1):
    """`number` sites with one station of two connectors each, online, half of them free."""
    dice, now = random.Random(seed), clock.now()
    sites = Site.objects.bulk_create(
        Site(
            organization=organization, name=f"Plein {place}", city=f"Stad {place % 97}", public=True,
            latitude=dice.uniform(*NORTH), longitude=dice.uniform(*EAST), accessible=place % 3 == 0,
            opening_hours="" if place % 2 else "Mo-Su 06:00-23:00",
        )
        for place in range(number)
    )  # fmt: skip
    stations = Station.objects.bulk_create(
        Station(organization=organization, site=site, identity=f"BIG-{place:05d}", approval=Approval.ACCEPTED)
        for place, site in enumerate(sites)
    )
    alive = Gateway.objects.get(pk=gateway.pk)
    links = Connection.objects.bulk_create(
        Connection(station=station, gateway=alive, protocol="ocpp1.6", opened_at=now) for station in stations
    )
    for station, link in zip(stations, links, strict=True):
        station.connection = link
    Station.objects.bulk_update(stations, ["connection"], batch_size=500)
    evses = Evse.objects.bulk_create(Evse(station=station, number=n) for station in stations for n in (1, 2))
    Connector.objects.bulk_create(
        Connector(
            station_id=evse.station_id, evse=evse, number=1, status=dice.choice(("available", "charging")),
            plug=("IEC_62196_T2", "IEC_62196_T2_COMBO")[evse.number - 1], status_at=now,
            max_power_w=(22_000, 150_000)[evse.number - 1],
        )
        for evse in evses
    )  # fmt: skip
    return sites
