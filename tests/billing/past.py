"""Ended sessions with bills as settlement leaves them, made in bulk."""

from datetime import datetime, timedelta
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

from billing import lookup
from billing.models import Bill
from billing.periods import pack
from billing.pricing import Activity, Period, price
from evcms.core import clock
from sessions.models import ChargingSession

KWH = 1_000_000
numbers = count(1)


def periods_at(start: datetime, random: Random) -> list[Period]:
    """A charge with a reading every quarter of an hour, then perhaps a car that stays."""
    found, at = [], start
    for _ in range(random.randint(1, 8)):
        found.append(Period(at, at + timedelta(minutes=15), Activity.CHARGING, random.randint(1, 8 * KWH)))
        at = found[-1].ends_at
    if random.random() < 0.4:
        found.append(Period(at, at + timedelta(minutes=random.randint(1, 200)), Activity.IDLE))
    return found


def past_sessions(tariff, connector, number, *, seed=1, until=None, every=timedelta(minutes=37)):
    """`number` sessions, one after the other backwards in time, billed under the tariff as it holds at their site."""
    random, end = Random(seed), until or clock.now() - timedelta(hours=1)
    station = connector.station
    setting = lookup.setting_of(station.site, end)
    snapshot = lookup.snapshot_of(tariff, setting)
    terms = lookup.terms_of(tariff, setting)
    rows, bills = [], []
    for index in range(number):
        start = (end - every * (index + 8)).astimezone(ZoneInfo("UTC"))
        periods = periods_at(start, random)
        rows.append(_session(station, connector, start, periods))
        bills.append((periods, price(terms, periods)))
    made = ChargingSession.objects.bulk_create(rows, batch_size=500)
    Bill.objects.bulk_create(
        (
            Bill(
                session=session, organization=station.organization, snapshot=snapshot, state="paid", source="card",
                currency=priced.currency, total_minor=priced.total, net_minor=priced.net, tax_minor=priced.tax,
                periods=pack(periods), final_at=periods[-1].ends_at,
            )
            for session, (periods, priced) in zip(made, bills, strict=True)
        ),
        batch_size=500,
    )  # fmt: skip
    return made


def _session(station, connector, start, periods):
    energy = sum(period.energy_mwh for period in periods)
    return ChargingSession(
        organization=station.organization, site=station.site, station=station, evse=connector.evse,
        connector=connector, transaction_id=f"past-{next(numbers)}", protocol="ocpp2.0.1", state="ended",
        started_at=start, ended_at=periods[-1].ends_at, meter_start_mwh=0, meter_last_mwh=energy, energy_mwh=energy,
        authorized=True,
    )  # fmt: skip
