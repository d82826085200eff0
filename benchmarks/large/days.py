"""The days of attempts, as the worker counts them (sessions.services.attempt_days)."""

from evcms.core.models import Organization
from sessions.models import AttemptDay, Watermark
from sessions.success import ALL_COUNTED, mark_of

HOURS = "extract(hour FROM at AT TIME ZONE :zone)::int AS hour, stage, party, rule"


def pour(filler):
    grouped(filler, "hour", HOURS, hour="a.hour", stage="a.stage", party="a.party", rule="a.rule")
    grouped(filler, "site", "site_id", " AND site_id IS NOT NULL", site_id="a.site_id")
    grouped(filler, "model", "model, firmware", model="a.model", firmware="a.firmware")
    pk = filler.values["org"]
    Watermark.objects.create(name=mark_of(pk, Organization.objects.get(pk=pk).time_zone), position=ALL_COUNTED)


def grouped(filler, grouping, keys, narrowed="", /, **columns):
    by = ", ".join(str(number + 1) for number in range(1 + len(columns)))
    filler.fill(
        AttemptDay,
        f"(SELECT (at AT TIME ZONE :zone)::date AS day, {keys}, count(*) AS attempts, count(*) FILTER (WHERE counted) "
        "AS counts, count(*) FILTER (WHERE stage = 5) AS well FROM charging_attempt WHERE organization_id = :org AND "
        f"part_of_id IS NULL AND state IN ('failed', 'ended'){narrowed} GROUP BY {by}) a",
        organization_id=":org", zone=":zone", grouping=f"'{grouping}'", day="a.day", attempts="a.attempts",
        counts="a.counts", well="a.well", **columns,
    )  # fmt: skip
