"""What stations report of themselves: security events, firmware, logs, events."""

import django_filters as filters
from django.db.models import QuerySet
from rest_framework import mixins, viewsets

from evcms.api.filters import TrueFalse, of_station
from evcms.api.scope import access_of
from evcms.api.serializers import (
    FirmwareFileSerializer,
    FirmwareUpdateSerializer,
    LogSerializer,
    SecurityEventSerializer,
    StationEventSerializer,
)
from stations import reported
from stations.models import FirmwareFile, FirmwareUpdate, LogUpload, SecurityEvent, StationEvent


def since(field: str) -> filters.IsoDateTimeFilter:
    return filters.IsoDateTimeFilter(field_name=field, lookup_expr="gte", help_text="From this time on.")


def until(field: str) -> filters.IsoDateTimeFilter:
    return filters.IsoDateTimeFilter(field_name=field, lookup_expr="lt", help_text="Before this time.")


class SecurityEventFilter(filters.FilterSet):
    station = of_station()
    type = filters.CharFilter(help_text="Such as `TamperDetectionActivated`.")
    critical = TrueFalse(help_text="`true`: the specification calls it critical.")
    after, before = since("happened_at"), until("happened_at")

    class Meta:
        model = SecurityEvent
        fields = ("station", "type", "critical", "after", "before")


class FirmwareUpdateFilter(filters.FilterSet):
    station = of_station()
    running = TrueFalse(field_name="ended_at", lookup_expr="isnull", help_text="`true`: not ended yet.")
    after, before = since("requested_at"), until("requested_at")

    class Meta:
        model = FirmwareUpdate
        fields = ("station", "kind", "state", "running", "after", "before")


class LogFilter(filters.FilterSet):
    station = of_station()
    after, before = since("requested_at"), until("requested_at")

    class Meta:
        model = LogUpload
        fields = ("station", "kind", "state", "after", "before")


class StationEventFilter(filters.FilterSet):
    station = of_station()
    component = filters.CharFilter(lookup_expr="iexact", help_text="Such as `Connector`.")
    variable = filters.CharFilter(lookup_expr="iexact", help_text="Such as `Problem`.")
    cleared = TrueFalse(help_text="`true`: the end of what was reported before.")
    standing = TrueFalse(help_text="`true`: alarms that were not taken back.")
    after, before = since("happened_at"), until("happened_at")

    class Meta:
        model = StationEvent
        fields = ("station", "component", "variable", "trigger", "cleared", "standing", "after", "before")


class SecurityEventView(mixins.ListModelMixin, viewsets.GenericViewSet):
    serializer_class = SecurityEventSerializer
    filterset_class = SecurityEventFilter
    queryset = SecurityEvent.objects.none()

    def get_queryset(self) -> QuerySet[SecurityEvent]:
        return reported.security_events(access_of(self.request))


class FirmwareFileView(mixins.ListModelMixin, viewsets.GenericViewSet):
    serializer_class = FirmwareFileSerializer
    queryset = FirmwareFile.objects.none()

    def get_queryset(self) -> QuerySet[FirmwareFile]:
        return reported.firmware_files(access_of(self.request))


class FirmwareUpdateView(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Updates that were asked for (operation `update-firmware`) or that stations began by themselves."""

    serializer_class = FirmwareUpdateSerializer
    filterset_class = FirmwareUpdateFilter
    queryset = FirmwareUpdate.objects.none()

    def get_queryset(self) -> QuerySet[FirmwareUpdate]:
        return reported.firmware_updates(access_of(self.request))


class LogView(mixins.ListModelMixin, viewsets.GenericViewSet):
    """Log files that stations were asked for (operation `get-log`). The files are read in the dashboard."""

    serializer_class = LogSerializer
    filterset_class = LogFilter
    queryset = LogUpload.objects.none()

    def get_queryset(self) -> QuerySet[LogUpload]:
        return reported.log_uploads(access_of(self.request))


class StationEventView(mixins.ListModelMixin, viewsets.GenericViewSet):
    serializer_class = StationEventSerializer
    filterset_class = StationEventFilter
    queryset = StationEvent.objects.none()

    def get_queryset(self) -> QuerySet[StationEvent]:
        return reported.station_events(access_of(self.request))
