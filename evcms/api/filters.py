"""What the lists can be filtered by."""

import django_filters as filters

from alerts.models import Incident
from sessions.models import ChargingSession, IdToken, Reservation
from stations.models import Connector, Station


class StationFilter(filters.FilterSet):
    site = filters.NumberFilter(field_name="site_id", min_value=0, max_value=2**62)
    online = filters.BooleanFilter(field_name="online")

    class Meta:
        model = Station
        fields = ("approval", "protocol", "site", "online")


class ConnectorFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")
    shown = filters.CharFilter(field_name="shown")

    class Meta:
        model = Connector
        fields = ("station", "status", "shown", "plug")


class SessionFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")
    id_token = filters.CharFilter(field_name="token_value", lookup_expr="iexact")
    started_after = filters.IsoDateTimeFilter(field_name="started_at", lookup_expr="gte")
    started_before = filters.IsoDateTimeFilter(field_name="started_at", lookup_expr="lt")
    running = filters.BooleanFilter(field_name="ended_at", lookup_expr="isnull")

    class Meta:
        model = ChargingSession
        fields = ("station", "state", "id_token", "started_after", "started_before", "running", "transaction_id")


class TokenFilter(filters.FilterSet):
    value = filters.CharFilter(field_name="value", lookup_expr="iexact")

    class Meta:
        model = IdToken
        fields = ("value", "status", "group_id")


class IncidentFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")

    class Meta:
        model = Incident
        fields = ("state", "kind", "station")


class ReservationFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")

    class Meta:
        model = Reservation
        fields = ("state", "station")
