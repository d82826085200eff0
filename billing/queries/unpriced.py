"""Where no price holds: a car that charges there is billed by nobody until a person decides."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Q, QuerySet

from billing import lookup
from billing.models import TariffAssignment
from evcms.core import clock
from evcms.core.access import Access
from stations import queries as stations
from stations.models import Connector
from stations.vocabulary import Approval


class Unpriced(NamedTuple):
    """A site where `connectors` have no tariff in force."""

    site_id: int
    name: str
    connectors: int


def unpriced_sites(access: Access) -> list[Unpriced]:
    """Visible sites with plugs that anybody may use and that have no price now, by name. One query where a tariff
    holds everywhere, else two.
    """
    valid = _in_force(access, clock.now())
    if valid.filter(site=None, station=None, connector=None).exists():
        return []
    rows = stations.connectors(access).filter(station__approval=Approval.ACCEPTED, station__site__archived_at=None)
    rows = rows.exclude(station__site=None).select_related(None).order_by()
    for place, kind in (("station__site", "site"), ("station", "station"), ("pk", "connector")):
        rows = rows.exclude(**{f"{place}__in": _places(valid, kind).values(kind)})
    counted = rows.values("station__site", "station__site__name").annotate(plugs=Count("pk"))
    found = [Unpriced(row["station__site"], row["station__site__name"], row["plugs"]) for row in counted]
    return sorted(found, key=lambda row: (row.name.casefold(), row.site_id))


def _in_force(access: Access, at: datetime) -> QuerySet[TariffAssignment]:
    """For anybody: a group's own price leaves everybody else without one."""
    valid = Q(valid_until=None) | Q(valid_until__gt=at)
    rows = TariffAssignment.objects.filter(valid, organization=access.organization, group=None, valid_from__lte=at)
    return rows.filter(tariff__archived_at=None).order_by()


def _places(valid: QuerySet[TariffAssignment], kind: str) -> QuerySet[TariffAssignment]:
    """Those whose nearest place is of this kind, as `lookup` reads them."""
    nearer = {"site": ("station", "connector"), "station": ("connector",), "connector": ()}[kind]
    return valid.filter(**dict.fromkeys(nearer)).exclude(**{kind: None})


def unpriced(plugs: list[Connector]) -> list[Connector]:
    """Those of these connectors (their station at hand) that have no tariff now. One query, none for none."""
    priced = lookup.tariffs_in_force(plugs, clock.now()) if plugs else {}
    return [plug for plug in plugs if plug.pk not in priced]
