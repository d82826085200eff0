"""What no single event says: what is wrong by now, free for long enough, all back again. Runs every ten seconds."""

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from alerts import rules
from alerts.models import Incident, Subscription
from alerts.vocabulary import IncidentKind, IncidentState, Topic
from billing import signs as billing
from evcms.core import clock
from stations import places as stations

from .incidents import resolve_key
from .looking import look
from .subscriptions import tell_free

FREE_FOR = timedelta(seconds=20)  # a plug that is only changed over is not free


def sweep() -> None:
    gateways_back()
    bills_decided()
    look()
    connectors_free()


def gateways_back() -> None:
    """A lost gateway's incident ends when its stations are back on another one."""
    lost = Incident.objects.filter(kind=IncidentKind.GATEWAY_LOST).exclude(state=IncidentState.RESOLVED)
    for incident in lost.prefetch_related("stations"):
        ids = [station.pk for station in incident.stations.all()]
        dark = stations.count_dark(ids)
        if rules.gateway_verdict(incident.opened_at, clock.now(), dark, len(ids) - dark):
            text = _("%(back)s of %(all)s stations are back") % {"back": len(ids) - dark, "all": len(ids)}
            resolve_key(key=incident.key, text=text)


def bills_decided() -> None:
    """A bill that no longer waits for a person ends its incident."""
    rows = Incident.objects.filter(kind=IncidentKind.BILL_REVIEW).exclude(state=IncidentState.RESOLVED)
    keys = {int(key.rpartition(":")[2]): key for key in rows.values_list("key", flat=True)}
    waiting = billing.bills_in_review(keys) if keys else set()
    for bill_id in sorted(keys.keys() - waiting):
        resolve_key(key=keys[bill_id], text=_("Somebody has decided"))


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
