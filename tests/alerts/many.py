"""A network of many stations, made in bulk: for what a sweep may cost."""

from datetime import timedelta

from evcms.core import clock
from sessions.models import ChargingSession, MeterSample
from stations.models import Connection, Evse, Site, Station


def fill(organization, gateway, sites, stations_each, name="Site"):
    """Sites with stations that are online, a session at every tenth."""
    made = [
        Site(organization=organization, name=f"{name} {number}", latitude=52, longitude=4) for number in range(sites)
    ]
    Site.objects.bulk_create(made)
    rows = [
        Station(organization=organization, site=site, identity=f"S-{site.pk}-{number}", approval="accepted")
        for site in made
        for number in range(stations_each)
    ]
    Station.objects.bulk_create(rows)
    Evse.objects.bulk_create([Evse(station=row, number=1) for row in rows])
    long_ago = clock.now() - timedelta(days=2)
    links = [Connection(station=row, gateway=gateway, protocol="ocpp1.6", opened_at=long_ago) for row in rows]
    Connection.objects.bulk_create(links)
    for row, link in zip(rows, links, strict=True):
        row.connection, row.last_boot_at, row.clock_skew_ms = link, long_ago, 500
    Station.objects.bulk_update(rows, ["connection", "last_boot_at", "clock_skew_ms"], batch_size=200)
    ChargingSession.objects.bulk_create(
        ChargingSession(
            organization=organization, site=row.site, station=row, transaction_id="t", protocol="ocpp1.6",
            state="charging", started_at=clock.now(), power_w=7_000, last_sample_at=clock.now(),
        )
        for row in rows[::10]
    )  # fmt: skip
    return rows


def readings(each, minutes=60):
    """So many readings of every running session, its register rising."""
    now, apart = clock.now(), timedelta(minutes=minutes) / each
    MeterSample.objects.bulk_create(
        MeterSample(
            session=row, station_id=row.station_id, evse_number=1, at=now - apart * back,
            received_at=now, energy_mwh=(each - back) * 100_000, power_w=7_000,
        )
        for row in ChargingSession.objects.filter(ended_at=None)
        for back in range(each)
    )  # fmt: skip
