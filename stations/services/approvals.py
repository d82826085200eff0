"""Unknown stations: approved or turned away by people."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from evcms.core import audit
from evcms.core.access import Access, Permission
from evcms.core.events import broadcast
from stations import queries
from stations.commands import Trigger
from stations.models import Connector, Site, Station
from stations.vocabulary import Approval

from . import availability_days
from .commands import send
from .configuration import check_station, see_station, set_password
from .links import close_link


def approve(
    *,
    access: Access,
    station: Station,
    site: Site | None = None,
    name: str = "",
    security_profile: int | None = None,
    password: str | None = None,
) -> Station:
    """Lets a quarantined or rejected station work for this organization, at one of its sites.

    `password`: a chosen one, stored together with the decision. A linked station is asked to boot again, so that it
    hears Accepted now and not at its next try, and then how its connectors are.
    """
    access.demand(Permission.STATIONS)
    with transaction.atomic():
        station = _undecided(access, station)
        station.organization, station.approval = access.organization, Approval.ACCEPTED
        old_site, station.site = station.site_id, site or station.site
        station.name = name or station.name
        if security_profile is not None:
            station.security_profile = security_profile
        check_station(access, station)
        station.save(update_fields=["organization", "approval", "site", "name", "security_profile"])
        availability_days.forget({old_site, station.site_id} if old_site != station.site_id else ())
        audit.record(access, "station.approved", station, site=str(station.site or ""))
        if password:
            set_password(access=access, station=station, password=password)
        _ask_who_it_is(access, station)
        _tell_decision(station)
    return station


def reject(*, access: Access, station: Station) -> Station:
    """Turns a station away: its link is closed, its next handshake or boot is refused."""
    access.demand(Permission.STATIONS)
    with transaction.atomic():
        station = _undecided(access, station)
        station.approval = Approval.REJECTED
        station.organization = station.organization or access.organization
        station.save(update_fields=["approval", "organization"])
        audit.record(access, "station.rejected", station)
        close_link(station, "the operator rejected the station")
        _tell_decision(station)
    return station


def _undecided(access: Access, station: Station) -> Station:
    """Of this organization, or of nobody yet; in the latter case only a member of all sites decides."""
    station = Station.objects.select_for_update(of=("self",)).get(pk=station.pk)
    if station.organization_id is None:
        if not access.all_sites:
            raise PermissionDenied(_("Only members of all sites may decide about unknown stations."))
        return station
    see_station(access, station)
    return station


def _ask_who_it_is(access: Access, station: Station) -> None:
    """A boot first, then what its plugs are: those we know each, a station whose plugs we do not know all at once."""
    if not queries.online(station):
        return
    plugs = Connector.objects.filter(station=station, archived_at=None).select_related("evse")
    asked = [Trigger("StatusNotification", plug.evse.number, plug.number) for plug in plugs.order_by("pk")]
    for wish in [Trigger("BootNotification"), *(asked or [Trigger("StatusNotification")])]:
        send(station=station, command=wish, origin=access.actor, user=access.user)


def _tell_decision(station: Station) -> None:
    groups = [f"station.{station.pk}"] + ([f"org.{station.organization_id}"] if station.organization_id else [])
    broadcast("station.decided", {"station_id": station.pk, "approval": str(station.approval)}, groups=groups)
