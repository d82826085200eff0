"""What lower pages may ask of trouble, as keys of stations: for lists and filters that mix rooms."""

from django.db.models import QuerySet

from alerts.models import ConnectorHealth, Incident
from alerts.vocabulary import IncidentState


def troubled_stations(organization_id: int) -> QuerySet:
    """Keys of stations that an open incident is about."""
    rows = Incident.stations.through.objects.filter(incident__organization=organization_id)
    return rows.exclude(incident__state=IncidentState.RESOLVED).values("station")


def worn_stations(organization_id: int) -> QuerySet:
    """Keys of stations with a plug whose early-fault alarm is on."""
    rows = ConnectorHealth.objects.filter(alarmed_at__isnull=False, connector__station__organization=organization_id)
    return rows.values("connector__station")
