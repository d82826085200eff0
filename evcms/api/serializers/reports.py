"""What stations report of themselves, as partners read it."""

from rest_framework import serializers

from evcms.api.serializers.base import Row
from stations.models import FirmwareFile, FirmwareUpdate, LogUpload, SecurityEvent, StationEvent


class Reported(Row):
    station = serializers.CharField(source="station.identity", help_text="The station's identity.")


class SecurityEventSerializer(Reported):
    class Meta:
        model = SecurityEvent
        fields = ("id", "station", "type", "critical", "tech_info", "at", "happened_at", "received_at")
        read_only_fields = fields


class FirmwareFileSerializer(Row):
    """`id` is what the operation `update-firmware` takes as `file`."""

    class Meta:
        model = FirmwareFile
        fields = ("id", "name", "version", "vendor", "model", "size", "sha256", "md5", "created_at")
        read_only_fields = fields


class FirmwareUpdateSerializer(Reported):
    """`state` is ours; `last_status` is the station's word, verbatim. Without `command` the station began by itself."""

    file = serializers.IntegerField(source="file_id", allow_null=True)
    command = serializers.UUIDField(source="command_id", allow_null=True)

    class Meta:
        model = FirmwareUpdate
        fields = (
            "id",
            "station",
            "kind",
            "file",
            "command",
            "request_id",
            "version",
            "version_before",
            "signed",
            "state",
            "last_status",
            "info",
            "requested_at",
            "retrieve_at",
            "install_at",
            "status_at",
            "ended_at",
        )
        read_only_fields = fields


class LogSerializer(Reported):
    """`state` is ours; `last_status` is the station's word, verbatim. `stored_at`: the file is here."""

    command = serializers.UUIDField(source="command_id", allow_null=True)

    class Meta:
        model = LogUpload
        fields = (
            "id",
            "station",
            "kind",
            "command",
            "request_id",
            "state",
            "last_status",
            "info",
            "file_name",
            "size",
            "sha256",
            "oldest",
            "latest",
            "requested_at",
            "status_at",
            "ended_at",
            "stored_at",
        )
        read_only_fields = fields


class StationEventSerializer(Reported):
    """One datum of NotifyEvent (OCPP 2.x). `severity`: 0 is the worst, 9 the least; `standing`: an alarm
    that the station has not taken back.
    """

    class Meta:
        model = StationEvent
        fields = (
            "id",
            "station",
            "event_id",
            "component",
            "component_instance",
            "variable",
            "variable_instance",
            "evse",
            "connector",
            "value",
            "trigger",
            "notification",
            "cause",
            "monitor_id",
            "severity",
            "cleared",
            "standing",
            "tech_code",
            "tech_info",
            "transaction",
            "at",
            "happened_at",
            "received_at",
        )
        read_only_fields = fields
