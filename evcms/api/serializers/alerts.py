"""Incidents, who has them, and what people were told."""

from rest_framework import serializers

from alerts import channels
from alerts.delivery_queries import is_secret
from alerts.models import DeliveryAttempt, Incident, Notification
from alerts.vocabulary import Severity
from evcms.api.serializers.base import Choice, Row


class IncidentSerializer(Row):
    """As webhooks carry it."""

    site = serializers.CharField(source="site.name", allow_null=True)
    station = serializers.CharField(source="station.identity", allow_null=True)
    stations = serializers.SerializerMethodField(help_text="Identities of all that it covers.")
    connector = serializers.CharField(source="connector.code", allow_null=True)
    cause = serializers.IntegerField(source="cause_id", allow_null=True, help_text="The incident that explains it.")
    assignee = serializers.CharField(source="assignee.email", allow_null=True)
    severity = serializers.SerializerMethodField(help_text="info, warning, serious or critical.")
    severity_label = serializers.CharField(source="get_severity_display", help_text="The same as a label.")

    class Meta:
        model = Incident
        fields = (
            "id",
            "kind",
            "severity",
            "severity_label",
            "state",
            "title",
            "site",
            "station",
            "stations",
            "connector",
            "cause",
            "assignee",
            "opened_at",
            "last_seen_at",
            "acknowledged_at",
            "snoozed_until",
            "resolved_at",
            "reopened",
            "recovery",
            "public",
            "public_note",
        )
        read_only_fields = fields

    def get_severity(self, row: Incident) -> str:
        return Severity(row.severity).name.lower()

    def get_stations(self, row: Incident) -> list[str]:
        return [station.identity for station in row.stations.all()]


class IncidentAction(serializers.Serializer):
    """What is done, and what that needs: `text` of a note, `until` of a snooze, `assignee` (a member's address)."""

    do = Choice(choices=["acknowledge", "resolve", "note", "snooze", "assign"])
    text = serializers.CharField(required=False, allow_blank=True, max_length=500, default="")
    until = serializers.DateTimeField(required=False)
    assignee = serializers.EmailField(required=False, allow_null=True, default=None)


class OnCallSerializer(serializers.Serializer):
    """Who is on call in a rota now; null: nobody."""

    schedule = serializers.CharField()
    time_zone = serializers.CharField()
    now = serializers.CharField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    next = serializers.CharField(allow_null=True)


class DeliveryAttemptSerializer(Row):
    class Meta:
        model = DeliveryAttempt
        fields = ("at", "ended_at", "channel", "outcome", "provider_id", "detail")


class NotificationSerializer(Row):
    id = serializers.UUIDField(source="public_id", help_text="The stable id that every attempt carries.")
    to = serializers.SerializerMethodField(help_text="The address, without the secrets that some carry.")
    recipient = serializers.CharField(source="recipient.name", allow_null=True, default=None)
    text = serializers.SerializerMethodField(help_text="The words; empty for codes, which are their receiver's alone.")
    attempts = DeliveryAttemptSerializer(source="delivery_attempts", many=True)

    class Meta:
        model = Notification
        fields = (
            "id",
            "template",
            "channel",
            "to",
            "recipient",
            "subject",
            "text",
            "urgent",
            "state",
            "incident",
            "created_at",
            "sent_at",
            "delivered_at",
            "opened_at",
            "expires_at",
            "attempts",
        )

    def get_text(self, row: Notification) -> str:
        return "" if is_secret(row) else row.text

    def get_to(self, row: Notification) -> str:
        return channels.addresses(row.channel).shown(row.to) if row.to else ""
