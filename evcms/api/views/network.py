"""Tariffs and incidents."""

from django.db.models import QuerySet
from rest_framework import viewsets

from alerts import queries as alerts
from alerts.models import Incident
from billing.models import Tariff
from evcms.api import filters
from evcms.api.scope import access_of
from evcms.api.serializers import IncidentSerializer, TariffSerializer


class TariffView(viewsets.ReadOnlyModelViewSet):
    serializer_class = TariffSerializer
    queryset = Tariff.objects.none()

    def get_queryset(self) -> QuerySet[Tariff]:
        rows = Tariff.objects.filter(organization=access_of(self.request).organization, archived_at=None)
        return rows.order_by("name", "id")


class IncidentView(viewsets.ReadOnlyModelViewSet):
    serializer_class = IncidentSerializer
    filterset_class = filters.IncidentFilter
    queryset = Incident.objects.none()

    def get_queryset(self) -> QuerySet[Incident]:
        return alerts.incidents(access_of(self.request)).order_by("-opened_at", "-id")
