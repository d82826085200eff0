"""Drivers who looked while all was taken: what a month of QR codes would have left behind."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from evcms.core.models import Organization
from sessions.models import QueueSign, SqueezeDay
from stations.models import Connector

A_LOOK_EACH_S: Final = 2700  # of full time by day
DAYTIME: Final = range(8, 22)


def plant(organization: Organization, since: datetime) -> None:
    """At the first connector of each site, from what the days say of full hours."""
    connectors = Connector.objects.filter(station__organization=organization, archived_at=None).order_by("-pk")
    first = dict(connectors.values_list("station__site_id", "pk"))
    days = SqueezeDay.objects.filter(site__organization=organization, power_class="", day__gte=since.date())
    rows = []
    for day in days.exclude(full_seconds=0).select_related("site"):
        midnight = datetime(day.day.year, day.day.month, day.day.day, tzinfo=ZoneInfo(day.site.time_zone))
        for hour in DAYTIME:
            if looks := day.hours["full"][hour] // A_LOOK_EACH_S:
                at = midnight + timedelta(hours=hour)
                rows.append(QueueSign(connector_id=first[day.site_id], hour=at, looks=looks))
    QueueSign.objects.bulk_create(rows, ignore_conflicts=True)
