"""What lower pages may ask of trouble, as keys of stations: for lists and filters that mix rooms."""

from django.db.models import Q, QuerySet

from alerts.models import ConnectorHealth, Incident, StationHealth
from alerts.vocabulary import IncidentState


def health_conditions(organization_id: int) -> dict[str, Q]:
    """What may be wrong with a station → the stations of which it is true: for the list's filter and for one station's
    page. Who fits none is well, as far as anybody knows.
    """
    return {
        "incident": Q(pk__in=troubled_stations(organization_id)),
        "early": Q(pk__in=worn_stations(organization_id)),
        "short": Q(pk__in=short_stations(organization_id)),
    }


def short_stations(organization_id: int) -> QuerySet:
    """Keys of stations that serve fewer than is agreed for their site."""
    rows = StationHealth.objects.filter(short=True, station__organization=organization_id)
    return rows.values("station")


def troubled_stations(organization_id: int) -> QuerySet:
    """Keys of stations that an open incident is about."""
    rows = Incident.stations.through.objects.filter(incident__organization=organization_id)
    return rows.exclude(incident__state=IncidentState.RESOLVED).values("station")


def worn_stations(organization_id: int) -> QuerySet:
    """Keys of stations with a plug whose early-fault alarm is on."""
    rows = ConnectorHealth.objects.filter(alarmed_at__isnull=False, connector__station__organization=organization_id)
    return rows.values("connector__station")
