"""The list of stations: what a filter asks for, and what a row says."""

from collections import Counter
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Prefetch, Q

from alerts import facts
from evcms.core.access import Access
from evcms.dashboard.forms import ARCHIVED, LOCKED, UNDESCRIBED
from stations import imported, tagging
from stations import queries as stations
from stations.models import Station
from stations.vocabulary import Approval, Shown

from .network import lit


def station_list(access: Access, wish: dict[str, Any]) -> stations.Stations:
    """The visible stations that a filter asks for, each with its connectors as `standing` and its health. Any: cleaned
    values.
    """
    return fitting(access, wish).select_related("wellness").prefetch_related(standing(access), "tags")


def fitting(access: Access, wish: dict[str, Any]) -> stations.Stations:
    """The same without their connectors. Archived ones are only there when they are asked for."""
    rows = stations.archived_stations(access) if wish["status"] == ARCHIVED else stations.stations(access)
    if wish.get("unmet"):
        return rows.none()
    if wish["q"]:
        text = wish["q"].strip()
        found = Q(identity__icontains=text) | Q(name__icontains=text) | Q(serial_number__icontains=text)
        rows = rows.filter(found | Q(site__name__icontains=text) | Q(connectors__code__iexact=text)).distinct()
    for name, column in (("model", "model"), ("firmware", "firmware_version"), ("approval", "approval")):
        if wish[name]:
            rows = rows.filter(**{column: wish[name]})
    if wish["site"]:
        rows = rows.filter(site=int(wish["site"]))
    if wish["tag"]:
        rows = rows.filter(pk__in=tagging.bearing(access, wish["tag"]))
    if wish.get("imported"):
        rows = rows.filter(identity__in=imported.identities(access, wish["imported"]))
    return _by_status(access, _by_health(access, rows, wish["health"]), wish["status"])


def _by_health(access: Access, rows: stations.Stations, health: str) -> stations.Stations:
    """By what alerts say: an open incident, an early sign on one of its plugs, fewer served than agreed, none of it."""
    if not health:
        return rows
    wrong = facts.health_conditions(access.organization.pk)
    if health in wrong:
        return rows.filter(wrong[health])
    return rows.exclude(reduce(or_, wrong.values()))


def _by_status(access: Access, rows: stations.Stations, status: str) -> stations.Stations:
    """`online`, `offline` and `never_connected` ask for the station's link, `maintenance` for a window.

    The rest asks for one of its plugs.
    """
    if status == ARCHIVED:
        return rows
    if status == "online":
        return rows.filter(online=True)
    if status in ("offline", "never_connected"):
        away = rows.filter(online=False, approval=Approval.ACCEPTED)
        return away.filter(dark_since__isnull=status == "never_connected")
    if status == LOCKED:
        return rows.filter(stations.LOCKED_OUT, online=False)
    if status == UNDESCRIBED:
        return rows.filter(pk__in=stations.connectors(access).filter(stations.UNDESCRIBED).order_by().values("station"))
    if status == Shown.MAINTENANCE:
        return rows.filter(in_maintenance=True)
    if status:
        lit_ones = stations.connectors(access).filter(shown=status).order_by().values("station")
        never = stations.NEVER_CONNECTED & Q(connectors__archived_at=None, connectors__isnull=False)
        fresh = rows.filter(never).values("pk") if status == Shown.UNKNOWN else rows.none().values("pk")
        return rows.filter(Q(pk__in=lit_ones) | Q(pk__in=fresh.order_by()))
    return rows


def standing(access: Access) -> Prefetch:
    rows = stations.connectors(access).order_by("evse__number", "number")
    return Prefetch("connectors", queryset=rows, to_attr="standing")


def segments(station: Station) -> list[tuple[Shown, int]]:
    """(shown, count) of a row of `station_list`."""
    counted = Counter(Shown(connector.shown) for connector in station.standing)  # type: ignore[attr-defined]
    if stations.never_connected(station):
        counted[Shown.UNKNOWN] += counted.pop(Shown.OFFLINE, 0)
    return lit({word: counted[word] for word in Shown})


def kinds(access: Access) -> list[tuple[str, str]]:
    """(model, firmware) pairs that stand in the street."""
    rows = stations.stations(access).select_related(None).order_by()
    return list(rows.values_list("model", "firmware_version").distinct()[:500])
