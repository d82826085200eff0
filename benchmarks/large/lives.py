"""The life of each port without a hole: an outage a month, most of them short, and up in between."""

import time

from stations import services
from stations.models import AvailabilityDay, AvailabilityInterval

OUTAGES = 13  # one in each thirty days since it was first heard of
BEGUN = "date_trunc('second', :now) - interval '391 days'"
START = f"{BEGUN} + interval '30 days' * (k - 1) + interval '1 second' * floor(2500000 * pg_temp.dice(e.id, 40 + k))"
LENGTH = "interval '1 second' * (60 + floor(70000 * power(pg_temp.dice(e.id, k), 4)))"
OUT = (
    f"(SELECT e.id AS evse, k, {START} AS since, {START} + {LENGTH} AS until "
    f"FROM stations_evse e CROSS JOIN generate_series(1, {OUTAGES}) k WHERE e.id > :base) o"
)


def pour(filler):
    cause = "(ARRAY['faulted', 'offline', 'faulted', 'unavailable'])[1 + (o.evse + o.k) % 4]"
    filler.fill(
        AvailabilityInterval, OUT,
        evse_id="o.evse", since="o.since", until="o.until", state="'down'", cause=cause, outage_since="o.since",
        outage_s="extract(epoch FROM o.until - o.since)::int", fault=f"{cause} = 'faulted'",
        repair=f"{cause} = 'faulted'", excuses="CASE WHEN (o.evse + o.k) % 12 = 3 THEN 'maintenance' ELSE '' END",
    )  # fmt: skip
    filler.fill(
        AvailabilityInterval,
        f"(SELECT o.evse, o.until AS since, lead(o.since) OVER (PARTITION BY o.evse ORDER BY o.k) AS until FROM {OUT} "
        f"UNION ALL SELECT o.evse, {BEGUN}, o.since FROM {OUT} WHERE o.k = 1) up "
        "WHERE up.until IS NULL OR up.until > up.since",
        evse_id="up.evse", since="up.since", until="up.until", state="'up'",
    )  # fmt: skip


def count(say):
    """Their days, as the worker counts them."""
    begin = time.monotonic()
    services.availability_days.count_availability_days(budget_s=3600)
    rows, label = AvailabilityDay.objects.count(), AvailabilityDay._meta.label
    say(f"  {label:<28} {rows:>12,} rows {time.monotonic() - begin:>7.1f} s")
