"""Systems of the organization hear of incidents as they happen: webhooks with the same JSON as the REST API."""

from typing import Final

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from alerts.jsons import incident_json
from alerts.models import Incident, Recipient
from alerts.vocabulary import Audience

from . import telling
from .notifications import notify

EVENTS: Final = {
    "incident.opened": _("An incident opens, or is back"),
    "incident.raised": _("An incident gets worse"),
    "incident.acknowledged": _("Somebody has it"),
    "incident.resolved": _("It is over"),
}


def tell_systems(*, incident_id: int, event: str) -> int:
    """Once per system and event of each chain; in the caller's transaction. Those of other sites hear nothing."""
    rows = Incident.objects.select_related("site", "station", "connector", "assignee", "organization")
    incident = rows.get(pk=incident_id)
    systems = Recipient.objects.filter(organization=incident.organization_id, audience=Audience.SYSTEM)
    told = 0
    for system in systems.prefetch_related("sites").order_by("pk"):
        if (system.events and event not in system.events) or not telling.sees(system, incident):
            continue
        notify(
            key=f"hook:{event}:{incident.pk}.{incident.telling}.{incident.severity}:{system.pk}",
            template="incident_event",
            recipient=system,
            urgent=True,
            incident=incident,
            page=settings.PUBLIC_URL + reverse("incident", args=[incident.pk]),
            data={"event": event, "incident": incident_json(incident)},
            context={"incident": incident, "event": event},
        )
        told += 1
    return told
