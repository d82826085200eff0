"""Reads about the street: who may see what, what is online, what a person is told about a connector."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from django.db.models import BooleanField, Case, CharField, Count, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django_stubs_ext import WithAnnotations

from evcms.core import clock
from evcms.core.access import Access
from evcms.core.models import Organization

from .models import (
    Command,
    Connection,
    Connector,
    MaintenancePlan,
    MaintenanceWindow,
    OcppMessage,
    PlugType,
    RefusedHandshake,
    Site,
    Station,
    WindowState,
)
from .vocabulary import Approval, CommandState, ConnectorStatus, SecurityProfile, Shown


class OnlineColumns(TypedDict):
    online: bool
    in_maintenance: bool
    dark_since: datetime | None


class ShownColumns(TypedDict):
    online: bool
    in_maintenance: bool
    shown: str  # a Shown


if TYPE_CHECKING:
    Stations = QuerySet[WithAnnotations[Station, OnlineColumns]]
    Connectors = QuerySet[WithAnnotations[Connector, ShownColumns]]
else:  # the stubs' words mean nothing at run time
    Stations = Connectors = QuerySet

# Who may see what ----------------------------------------------------------------------------------


def visible_sites(access: Access) -> QuerySet[Site]:
    """The organization's sites that this membership may see, archived ones included."""
    sites = Site.objects.filter(organization=access.organization)
    return sites if access.all_sites else sites.filter(grants__membership=access.membership)


def stations(access: Access) -> Stations:
    """The visible stations, archived ones left out, with `online` and `in_maintenance`.

    A station without a site (quarantined, or not placed yet) is seen by members of all sites.
    """
    return with_online(_visible_stations(access).filter(archived_at=None)).select_related("site")


def _visible_stations(access: Access) -> QuerySet[Station]:
    rows = Station.objects.filter(organization=access.organization)
    return rows if access.all_sites else rows.filter(site__grants__membership=access.membership)


def every_station(access: Access) -> Stations:
    """As `stations`, archived ones included: their pages stay."""
    return with_online(_visible_stations(access)).select_related("site")


def archived_stations(access: Access) -> Stations:
    return with_online(_visible_stations(access).exclude(archived_at=None)).select_related("site")


def connectors(access: Access) -> Connectors:
    """The visible connectors with `online`, `in_maintenance` and `shown`, their station, site and EVSE at hand."""
    rows = with_shown(_standing()).filter(station__organization=access.organization)
    return rows if access.all_sites else rows.filter(station__site__grants__membership=access.membership)


def public_connectors() -> Connectors:
    """What the public may know: of accepted stations at public sites, with `shown`."""
    return with_shown(_standing()).filter(
        station__approval=Approval.ACCEPTED, station__site__public=True, station__site__archived_at=None
    )


def in_service() -> Connectors:
    """What the public map and the status page show: a station that was entered and never spoke is nobody's trouble."""
    return public_connectors().filter(Q(station__offline_since__isnull=False) | Q(station__connection__isnull=False))


def _standing() -> QuerySet[Connector]:
    rows = Connector.objects.filter(archived_at=None, station__archived_at=None)
    return rows.select_related("station__site__organization", "evse")


def quarantined(access: Access) -> Stations:
    """Unknown stations that wait for a decision of this organization; those of nobody wait for anybody's.

    Only members of all sites decide.
    """
    waiting = with_online(Station.objects.filter(approval=Approval.QUARANTINED, archived_at=None))
    if not access.all_sites:
        return waiting.none()
    return waiting.filter(Q(organization=access.organization) | Q(organization=None)).order_by("-created_at")


def refused_handshakes(access: Access) -> QuerySet[RefusedHandshake]:
    """Of this organization's stations and of strangers, newest first."""
    if not access.all_sites:
        return RefusedHandshake.objects.filter(station__in=_visible_stations(access)).order_by("-last_at")
    mine = Q(organization=access.organization) | Q(organization=None)
    return RefusedHandshake.objects.filter(mine).select_related("station").order_by("-last_at")


def windows(access: Access) -> QuerySet[MaintenanceWindow]:
    """Maintenance that touches what this membership sees, the next first."""
    rows = MaintenanceWindow.objects.filter(organization=access.organization).select_related("site", "station")
    if not access.all_sites:
        sites = visible_sites(access)
        rows = rows.filter(Q(site=None, station=None) | Q(site__in=sites) | Q(station__site__in=sites))
    return rows.order_by("-starts_at")


def public_windows(organization: Organization, site: Site | None = None) -> QuerySet[MaintenanceWindow]:
    """What anybody may know of: windows of the organization's public sites, of one of them, or of the whole network."""
    shown = Q(site__public=True, site__archived_at=None) | Q(
        station__site__public=True, station__site__archived_at=None
    )
    rows = MaintenanceWindow.objects.filter(organization=organization)
    if site is None:
        rows = rows.filter(shown | Q(site=None, station=None))
    else:
        rows = rows.filter(Q(site=site) | Q(station__site=site) | Q(site=None, station=None))
    return rows.select_related("site", "station__site")


def plans(access: Access) -> QuerySet[MaintenancePlan]:
    """Recurring maintenance that touches what this membership sees."""
    rows = MaintenancePlan.objects.filter(organization=access.organization)
    if not access.all_sites:
        sites = visible_sites(access)
        rows = rows.filter(Q(site=None, station=None) | Q(site__in=sites) | Q(station__site__in=sites))
    return rows.select_related("site", "station").order_by("title", "pk")


# Online --------------------------------------------------------------------------------------------


def _online(prefix: str) -> Q:
    """A link that is open, under the lease of a gateway that lives. `prefix` leads to the station."""
    link = f"{prefix}connection__"
    return Q(
        **{
            f"{prefix}connection__isnull": False,
            f"{link}closed_at__isnull": True,
            f"{link}gateway__ended_at__isnull": True,
            f"{link}gateway__lease_until__gt": clock.now(),
        }
    )


NEVER_CONNECTED = Q(online=False, dark_since=None)  # of rows of `with_online`: planned, and nothing has gone dark


_ASKS_PASSWORD = (SecurityProfile.BASIC, SecurityProfile.BASIC_TLS)
LOCKED_OUT = Q(approval=Approval.ACCEPTED, security_profile__in=_ASKS_PASSWORD, password_digest="")
"""Of stations: the profile demands a password and none is set here, so each handshake is refused."""


def locked_out(station: Station) -> bool:
    accepted = station.approval == Approval.ACCEPTED
    return accepted and station.security_profile in _ASKS_PASSWORD and not station.password_digest


def never_connected(station: Station) -> bool:
    """Of a row of `with_online`."""
    return not station.online and station.dark_since is None  # type: ignore[attr-defined]


def is_online(prefix: str) -> Case:
    """A column for rows of others: has their station a live link? `prefix` leads to it, as "station__"."""
    return _as_flag(_online(prefix))


def _as_flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def with_online(rows: QuerySet[Station]) -> Stations:
    """Adds `online`, `in_maintenance` and `dark_since` (since when offline; null while online)."""
    dark = Coalesce("offline_since", "connection__gateway__lease_until")
    return rows.annotate(
        online=_as_flag(_online("")),
        in_maintenance=_as_flag(_covered("")),
        dark_since=Case(When(_online(""), then=Value(None)), default=dark),
    )


def online(station: Station) -> bool:
    """Is there a live link now? Takes the annotation when the row has it."""
    said = getattr(station, "online", None)
    return said if isinstance(said, bool) else bool(online_ids([station.pk]))


def online_ids(station_ids: Iterable[int]) -> set[int]:
    """Those of these stations that have a live link, in one query."""
    wanted = list(station_ids)
    if not wanted:
        return set()
    return set(Station.objects.filter(_online(""), pk__in=wanted).values_list("pk", flat=True))


def gateway_of(station_id: int) -> uuid.UUID | None:
    """The live gateway that holds the station's link."""
    row = Station.objects.filter(_online(""), pk=station_id).values_list("connection__gateway_id", flat=True)
    return row.first()


def queued_commands(gateway_id: uuid.UUID, most: int = 500) -> list[Command]:
    """Commands that wait for a station linked to this gateway, oldest first."""
    waiting = Command.objects.filter(
        state=CommandState.QUEUED, station__connection__gateway_id=gateway_id, station__connection__closed_at=None
    )
    return list(waiting.order_by("created_at")[:most])


# Maintenance ---------------------------------------------------------------------------------------


def windows_now() -> QuerySet[MaintenanceWindow]:
    """Windows that cover this moment, whether or not the sweep has noticed."""
    now = clock.now()
    open_states = [WindowState.PLANNED, WindowState.RUNNING]
    return MaintenanceWindow.objects.filter(state__in=open_states, starts_at__lte=now, ends_at__gt=now)


def window_now(station: Station) -> MaintenanceWindow | None:
    """The window that covers this station now; of several, the one that ends last."""
    site = Q(station=None, site=station.site_id) if station.site_id else Q(pk=None)
    whole = Q(station=None, site=None, organization=station.organization_id)
    mine = Q(station=station) | site | whole
    return windows_now().filter(mine).order_by("-ends_at", "pk").first()


def windows_of(site: Site, within: timedelta, station: Station | None = None) -> QuerySet[MaintenanceWindow]:
    """Work that runs or begins within so long at a site (or at one of its stations), the next first."""
    now = clock.now()
    reach = Q(station=None, site=site) | Q(station=None, site=None, organization=site.organization_id)
    reach |= Q(station=station) if station else Q(station__site=site)
    rows = MaintenanceWindow.objects.filter(reach, state__in=[WindowState.PLANNED, WindowState.RUNNING])
    return rows.filter(starts_at__lte=now + within, ends_at__gt=now).select_related("station").order_by("starts_at")


def _covered(prefix: str) -> Q:
    """Does a window cover the station of the row now? A window names a station, a site, or the organization.

    Three lists that the database reads once; asked anew for each row, 20,000 connectors took three times as long.
    """
    now = windows_now().order_by()
    stations, sites = now.exclude(station=None), now.filter(station=None).exclude(site=None)
    wide = now.filter(station=None, site=None)
    return (
        Q(**{f"{prefix}pk__in": stations.values("station")})
        | Q(**{f"{prefix}site__in": sites.values("site")})
        | Q(**{f"{prefix}organization__in": wide.values("organization")})
    )


# Shown ---------------------------------------------------------------------------------------------

SHOWN_AS: dict[str, Shown] = {
    ConnectorStatus.AVAILABLE: Shown.AVAILABLE,
    ConnectorStatus.PREPARING: Shown.OCCUPIED,
    ConnectorStatus.CHARGING: Shown.CHARGING,
    ConnectorStatus.SUSPENDED_EV: Shown.SUSPENDED,
    ConnectorStatus.SUSPENDED_EVSE: Shown.SUSPENDED,
    ConnectorStatus.FINISHING: Shown.OCCUPIED,
    ConnectorStatus.RESERVED: Shown.RESERVED,
    ConnectorStatus.UNAVAILABLE: Shown.UNAVAILABLE,
    ConnectorStatus.FAULTED: Shown.FAULTED,
    ConnectorStatus.UNKNOWN: Shown.UNKNOWN,
}
COVERING = (ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE)  # of the whole station: covers all its ports
AT_WORK = (ConnectorStatus.CHARGING, ConnectorStatus.SUSPENDED_EV, ConnectorStatus.SUSPENDED_EVSE)


def judge_shown(*, status: str, station_status: str, is_online: bool, in_maintenance: bool) -> Shown:
    """What a person is told. Maintenance explains a dark station; a car that charges is seen in spite of a window.

    A good word of the whole station does not clear a port's fault; a fault of the whole covers all ports.
    """
    at_work = is_online and status in AT_WORK and station_status not in COVERING
    if in_maintenance and not at_work:
        return Shown.MAINTENANCE
    if not is_online:
        return Shown.OFFLINE
    if station_status in COVERING:
        return SHOWN_AS[station_status]
    return SHOWN_AS[status]


def shown(connector: Connector) -> Shown:
    """Of one connector; rows from `connectors()` and `public_connectors()` carry it already as `.shown`."""
    said = getattr(connector, "shown", None)
    if said is not None:
        return Shown(said)
    row = with_shown(Connector.objects.filter(pk=connector.pk)).values_list("shown", flat=True).get()
    return Shown(row)


def with_shown(rows: QuerySet[Connector]) -> Connectors:
    """Adds `online`, `in_maintenance` and `shown`: `judge_shown` in SQL, so that lists filter and count by it."""
    covered = Q(station__status__in=COVERING)
    at_work = Q(online=True) & Q(status__in=AT_WORK) & ~covered
    by_station = [When(station__status=status, then=Value(SHOWN_AS[status].value)) for status in COVERING]
    by_status = [When(status=status, then=Value(word.value)) for status, word in SHOWN_AS.items()]
    return rows.annotate(
        online=_as_flag(_online("station__")), in_maintenance=_as_flag(_covered("station__"))
    ).annotate(
        shown=Case(
            When(Q(in_maintenance=True) & ~at_work, then=Value(Shown.MAINTENANCE.value)),
            When(online=False, then=Value(Shown.OFFLINE.value)),
            *by_station,
            *by_status,
            default=Value(Shown.UNKNOWN.value),
            output_field=CharField(),
        )
    )


def connector_counts(access: Access) -> dict[Shown, int]:
    """As `connector_numbers`, without what is not described."""
    return connector_numbers(access)[0]


UNDESCRIBED = Q(plug=PlugType.UNKNOWN, station__approval=Approval.ACCEPTED)  # of connectors: a person has to say


def connector_numbers(access: Access) -> tuple[dict[Shown, int], int]:
    """How many visible connectors are shown how; every word is there, most with 0. And how many have a plug that
    nobody has described.

    Those of stations that have never connected are unknown: nothing there has gone dark.
    """
    fresh = Q(station__connection=None, station__offline_since=None, shown=Shown.OFFLINE)
    rows = connectors(access).select_related(None).order_by().values("shown")
    counts = dict.fromkeys(Shown, 0)
    bare, undescribed = Count("pk", filter=UNDESCRIBED), 0
    for row in rows.annotate(number=Count("pk"), fresh=Count("pk", filter=fresh), bare=bare):
        counts[Shown(row["shown"])] += row["number"] - row["fresh"]
        counts[Shown.UNKNOWN] += row["fresh"]
        undescribed += row["bare"]
    return counts, undescribed


def station_counts(access: Access) -> dict[str, int]:
    """Of the visible, accepted stations: `total`, `online`, `offline`, `new`, which have never connected, and `locked`,
    which are kept out for want of a password.
    """
    accepted = stations(access).filter(approval=Approval.ACCEPTED).select_related(None).order_by()
    said: dict[str, Any] = accepted.aggregate(  # Any: ORM
        total=Count("pk"), live=Count("pk", filter=Q(online=True)), new=Count("pk", filter=NEVER_CONNECTED),
        locked=Count("pk", filter=LOCKED_OUT & Q(online=False)),
    )  # fmt: skip
    dark = said["total"] - said["live"] - said["new"]
    counts = {"total": said["total"], "online": said["live"], "offline": dark, "new": said["new"]}
    return counts | {"locked": said["locked"]}


# The log -------------------------------------------------------------------------------------------


def messages(
    station: Station, search: str = "", *, direction: str = "", outcome: str = "", before: int | None = None
) -> QuerySet[OcppMessage]:
    """The exchanges with a station, newest first; `before` (an id) continues a page. `search` looks into everything."""
    rows = OcppMessage.objects.filter(station=station).order_by("-at", "-pk")
    search = search.replace("\0", "")
    if search:
        texts = ("action", "message_id", "request", "answer", "error_code")
        found = Q()
        for name in texts:
            found |= Q(**{f"{name}__icontains": search})
        rows = rows.filter(found)
    if direction:
        rows = rows.filter(direction=direction)
    if outcome:
        rows = rows.filter(outcome=outcome)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return rows


# Links ------------------------------------------------------------------------------------------------


def offline_spans(station: Station, *, hours: int) -> list[tuple[datetime, datetime]]:
    """When the station had no link in the last hours, oldest first. One query over its connections."""
    until = clock.now()
    since = until - timedelta(hours=hours)
    links = Connection.objects.filter(station=station).exclude(closed_at__lt=since).order_by("opened_at")
    gaps: list[tuple[datetime, datetime]] = []
    reached = since
    for opened_at, closed_at in links.values_list("opened_at", "closed_at"):
        if opened_at > reached:
            gaps.append((reached, opened_at))
        reached = max(reached, closed_at or until)
    if reached < until:
        gaps.append((reached, until))
    return gaps
