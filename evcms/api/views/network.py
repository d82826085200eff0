"""Tariffs and incidents."""

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request

from alerts import queries as alerts
from alerts.models import Incident
from billing import ocpi
from billing.models import Tariff
from billing.queries import exchange
from evcms.api import filters
from evcms.api.scope import access_of
from evcms.api.serializers import IncidentSerializer, TariffSerializer


class TariffView(viewsets.ReadOnlyModelViewSet):
    serializer_class = TariffSerializer
    queryset = Tariff.objects.none()

    def get_queryset(self) -> QuerySet[Tariff]:
        rows = Tariff.objects.filter(organization=access_of(self.request).organization, archived_at=None)
        return rows.order_by("name", "id")

    @extend_schema(
        parameters=[OpenApiParameter("version", enum=ocpi.VERSIONS, default=ocpi.V230)],
        responses=OpenApiTypes.OBJECT,
    )
    @action(detail=True)
    def ocpi(self, request: Request, pk: str) -> HttpResponse:
        """The Tariff object as partners exchange it; numbers digit for digit."""
        version = request.query_params.get("version", ocpi.V230)
        if version not in ocpi.VERSIONS:
            raise ValidationError({"version": [_("One of: %(known)s.") % {"known": ", ".join(ocpi.VERSIONS)}]})
        made = exchange.as_ocpi(get_object_or_404(self.get_queryset(), pk=pk), version)
        return HttpResponse(ocpi.dumps(made.tariff), content_type="application/json")


class IncidentView(viewsets.ReadOnlyModelViewSet):
    serializer_class = IncidentSerializer
    filterset_class = filters.IncidentFilter
    queryset = Incident.objects.none()

    def get_queryset(self) -> QuerySet[Incident]:
        return alerts.incidents(access_of(self.request)).order_by("-opened_at", "-id")
