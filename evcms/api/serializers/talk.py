"""What we and the stations said to each other."""

from typing import Any

from rest_framework import serializers

from evcms.api import derived
from evcms.api.serializers.base import Row
from stations.models import (
    Command,
    OcppMessage,
    Variable,
)


class MessageSerializer(Row):
    """One exchange with a station: the CALL and what it got, both as JSON text, digit by digit as on the wire."""

    command = serializers.UUIDField(source="command_id", allow_null=True, help_text="Ours, when it was one.")

    class Meta:
        model = OcppMessage
        fields = (
            "id",
            "at",
            "direction",
            "action",
            "message_id",
            "request",
            "answer",
            "outcome",
            "error_code",
            "duration_us",
            "count",
            "command",
        )
        read_only_fields = fields


class VariableSerializer(Row):
    """A configuration key (OCPP 1.6: `component` is empty) or a variable (2.x) as the station last reported it."""

    class Meta:
        model = Variable
        fields = (
            "component",
            "component_instance",
            "evse",
            "connector",
            "variable",
            "variable_instance",
            "attribute",
            "value",
            "mutability",
            "data_type",
            "unit",
            "updated_at",
        )
        read_only_fields = fields


class CommandSerializer(Row):
    """`state` is ours; `answer_status` and `answer` are the station's words, verbatim."""

    station = serializers.CharField(source="station.identity")
    refused_by = serializers.SerializerMethodField(
        help_text="`station`: it said no. `us`: never sent, for it breaks the schema or its version. Else null."
    )
    note = serializers.SerializerMethodField(help_text="While queued: what it waits for; else empty.")

    class Meta:
        model = Command
        fields = (
            "id",
            "station",
            "kind",
            "fields",
            "state",
            "answer_status",
            "answer",
            "error",
            "refused_by",
            "note",
            "created_at",
            "sent_at",
            "answered_at",
            "expires_at",
        )

    def get_refused_by(self, row: Command) -> derived.RefusedBy | None:
        return derived.refused_by(row)

    def get_note(self, row: Command) -> str:
        return derived.note(row)


class CommandWish(serializers.Serializer):
    """Either `operation` (one of ours) or `action` (any of the station's OCPP version, sent as it is)."""

    operation = serializers.CharField(required=False, max_length=40)
    action = serializers.RegexField(r"^[A-Za-z0-9]{1,64}\Z", required=False)
    params = serializers.DictField(required=False, default=dict)
    wait_seconds = serializers.IntegerField(required=False, default=10, min_value=0, max_value=60)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Any: JSON of the request."""
        if ("operation" in attrs) == ("action" in attrs):
            raise serializers.ValidationError("Give either an operation or an action.")
        return attrs
