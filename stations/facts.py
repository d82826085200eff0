"""How stations stood over a time, as plain figures for those above who judge them: a portion of stations at a time."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from stations.availability import between, outages
from stations.models import AvailabilityTerms, Evse, Station
from stations.vocabulary import Approval


@dataclass(frozen=True, slots=True)
class Stood:
    """Over all ports: how long they were there, and how much of it out of order or dark."""

    there: timedelta
    down: timedelta

    @property
    def permille(self) -> int | None:
        """Rounded down; None for ports that were not there."""
        return 1000 - -(-1000 * min(self.down, self.there) // self.there) if self.there else None


def accepted_stations() -> list[int]:
    """Keys of all that stand in the street."""
    rows = Station.objects.filter(archived_at=None, organization__isnull=False, approval=Approval.ACCEPTED)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def stood(stations: Collection[int], *, since: datetime, until: datetime) -> dict[int, Stood]:
    """Station → its ports' time. Two queries."""
    there: dict[int, timedelta] = defaultdict(timedelta)
    down: dict[int, timedelta] = defaultdict(timedelta)
    ports = Evse.objects.filter(station__in=stations).exclude(heard_since=None).order_by()
    for station, heard, gone in ports.values_list("station_id", "heard_since", "gone_since"):
        if heard is not None:
            there[station] += max(timedelta(0), min(gone or until, until) - max(heard, since))
    rows = between(outages(), since, until).filter(evse__station__in=stations).order_by()
    for station, began, ended in rows.values_list("evse__station_id", "since", "until"):
        down[station] += min(ended or until, until) - max(began, since)
    return {station: Stood(there[station], down[station]) for station in there}


def targets(stations: Collection[int]) -> dict[int, int]:
    """Station → the availability (per mille) that is agreed for its site, else for its organization. Two queries."""
    rows = AvailabilityTerms.objects.values_list("organization_id", "site_id", "target_permille")
    agreed: dict[tuple[int, int | None], int] = {(organization, site): target for organization, site, target in rows}
    usual = AvailabilityTerms().target_permille
    places = Station.objects.filter(pk__in=stations).values_list("pk", "organization_id", "site_id")
    return {
        pk: agreed.get((organization or 0, site), agreed.get((organization or 0, None), usual)) if site else usual
        for pk, organization, site in places
    }
