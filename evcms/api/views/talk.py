"""What was said with one station: its OCPP log, and the variables that it reported."""

from django.db.models import QuerySet
from rest_framework import mixins, viewsets

from evcms.api import filters
from evcms.api.scope import access_of
from evcms.api.serializers import MessageSerializer, VariableSerializer
from evcms.api.views.stations import station_or_404
from stations import queries
from stations.models import OcppMessage, Variable


class MessageView(mixins.ListModelMixin, viewsets.GenericViewSet):
    """The OCPP log of one station, newest first: every exchange with payloads, for as long as the log is kept."""

    serializer_class = MessageSerializer
    filterset_class = filters.MessageFilter
    queryset = OcppMessage.objects.none()

    def get_queryset(self) -> QuerySet[OcppMessage]:
        return queries.messages(station_or_404(access_of(self.request), self.kwargs["identity"]))


class VariableView(mixins.ListModelMixin, viewsets.GenericViewSet):
    """The configuration of one station as it last reported it. The operation `get-variables` asks it to report."""

    serializer_class = VariableSerializer
    filterset_class = filters.VariableFilter
    queryset = Variable.objects.none()

    def get_queryset(self) -> QuerySet[Variable]:
        station = station_or_404(access_of(self.request), self.kwargs["identity"])
        rows = Variable.objects.filter(station=station)
        return rows.order_by("component", "component_instance", "evse", "connector", "variable", "pk")
