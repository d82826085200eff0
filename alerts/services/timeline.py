"""Lines of an incident's time-line, and the signal that open pages look again."""

from datetime import datetime
from typing import Final

from alerts.models import Incident, IncidentEntry
from alerts.vocabulary import EntryKind
from evcms.core import clock
from evcms.core.events import broadcast
from evcms.templatetags.figures import at_zone

SYSTEM: Final = "system"  # who acts when no person does
MOST_STATIONS = 50  # whose pages are told one by one; members of all sites hear the organization's signal


def write(incident: Incident, kind: EntryKind, text: str, actor: str = SYSTEM) -> None:
    IncidentEntry.objects.create(incident=incident, kind=kind, text=text[:500], actor=actor[:160], at=clock.now())


def local(incident: Incident, moment: datetime) -> str:
    """As its page shows times: on the clock of its site, else of its organization."""
    return at_zone(moment, zone_of(incident))


def zone_of(incident: Incident) -> str:
    if incident.site:
        return incident.site.time_zone
    return incident.organization.time_zone if incident.organization else "UTC"


def signal(incident: Incident) -> None:
    """Members without all sites hear of their stations only, so those are told too."""
    stations = incident.stations.order_by("pk").values_list("pk", flat=True)[:MOST_STATIONS]
    groups = [f"station.{pk}" for pk in stations]
    if incident.organization_id:
        groups.append(f"org.{incident.organization_id}")
    broadcast("incident", {"incident_id": incident.pk, "state": incident.state, "title": incident.title}, groups=groups)
