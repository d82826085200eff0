"""What no single event says: what is wrong by now, and what is all back again. Runs every ten seconds."""

from django.utils.translation import gettext as _

from alerts import rules
from alerts.models import Incident
from alerts.vocabulary import IncidentKind, IncidentState
from billing import signs as billing
from evcms.core import clock
from stations import places as stations

from .incidents import resolve_key
from .looking import look


def sweep() -> None:
    gateways_back()
    bills_decided()
    look()


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


def station_key(station_id: int) -> str:
    return f"station_offline:{station_id}"
