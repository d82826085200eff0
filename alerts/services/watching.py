"""What no single event says: dark for too long, free for long enough, all back again. Runs every ten seconds."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from alerts import rules
from alerts.models import Incident, Subscription
from alerts.vocabulary import IncidentKind, IncidentState, Topic
from evcms.core import clock
from stations import places as stations

from .incidents import open_incident, resolve_key
from .subscriptions import tell_free

FREE_FOR = timedelta(seconds=20)  # a plug that is only changed over is not free


def sweep() -> None:
    gateways_back()
    stations_dark()
    connectors_free()


def stations_dark() -> int:
    """An incident per station dark for STATION_OFFLINE_AFTER seconds that no lost gateway or maintenance explains.

    None right after our own start: stations get as long to come back.
    """
    threshold = timedelta(seconds=settings.STATION_OFFLINE_AFTER)
    now = clock.now()
    if stations.gateways_are_young(since=now - threshold):
        return 0
    explained = set(
        Incident.objects.filter(kind=IncidentKind.GATEWAY_LOST)
        .exclude(state=IncidentState.RESOLVED)
        .values_list("stations", flat=True)
    )
    known = set(_open_keys(IncidentKind.STATION_OFFLINE))
    opened = 0
    for place in stations.dark_stations(before=now - threshold):
        key = station_key(place.station_id)
        if place.in_maintenance or place.station_id in explained or key in known:
            continue
        open_incident(
            kind=IncidentKind.STATION_OFFLINE,
            key=key,
            organization_id=place.organization_id,
            site_id=place.site_id,
            station_ids=[place.station_id],
            title=_("%(station)s is offline") % {"station": place.label},
            detail={"since": place.offline_since.isoformat() if place.offline_since else ""},
        )
        opened += 1
    return opened


def gateways_back() -> None:
    """A lost gateway's incident ends when its stations are back on another one."""
    lost = Incident.objects.filter(kind=IncidentKind.GATEWAY_LOST).exclude(state=IncidentState.RESOLVED)
    for incident in lost.prefetch_related("stations"):
        ids = [station.pk for station in incident.stations.all()]
        dark = stations.count_dark(ids)
        if rules.gateway_verdict(incident.opened_at, clock.now(), dark, len(ids) - dark):
            text = _("%(back)s of %(all)s stations are back") % {"back": len(ids) - dark, "all": len(ids)}
            resolve_key(key=incident.key, text=text)


def connectors_free() -> int:
    """Tells the waiting about connectors that have been free for a while."""
    waiting = Subscription.objects.filter(topic=Topic.FREE, ended_at=None, connector__isnull=False)
    proven = waiting.filter(recipient__destinations__confirmed_at__isnull=False)
    ids = {pk for pk in proven.values_list("connector_id", flat=True) if pk}
    told = 0
    for connector_id, since in stations.free_connectors(ids, before=clock.now() - FREE_FOR):
        with transaction.atomic():
            told += tell_free(connector_id=connector_id, since=since)
    return told


def station_key(station_id: int) -> str:
    return f"station_offline:{station_id}"


def _open_keys(kind: IncidentKind) -> list[str]:
    rows = Incident.objects.filter(kind=kind).exclude(state=IncidentState.RESOLVED)
    return list(rows.values_list("key", flat=True))
