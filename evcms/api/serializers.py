"""What partners see and send. Energy is integer mWh, power integer W, money integer minor units with its currency."""

from typing import Any, NoReturn

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from alerts import channels
from alerts.models import DeliveryAttempt, Incident, Notification
from alerts.vocabulary import Severity
from billing.models import Tariff
from evcms.api import derived
from sessions.models import ChargingSession, IdToken, MeterSample, Reservation
from sessions.vocabulary import ReadingKind
from stations.models import (
    IDENTITY,
    Command,
    Connector,
    Evse,
    OcppMessage,
    PlugType,
    PowerType,
    Site,
    Station,
    Variable,
)
from stations.vocabulary import Approval, SecurityProfile


class Choice(serializers.ChoiceField):
    """One of our words; a wrong one is answered with all of them."""

    default_error_messages = {"invalid_choice": _('"{input}" is not one of: {choices}.')}

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        """Any: what DRF puts into its sentences."""
        super().fail(key, choices=", ".join(str(choice) for choice in self.choices), **kwargs)


class Row(serializers.ModelSerializer):
    serializer_choice_field = Choice


class SiteSerializer(Row):
    class Meta:
        model = Site
        fields = (
            "id",
            "name",
            "address",
            "postal_code",
            "city",
            "country",
            "latitude",
            "longitude",
            "time_zone",
            "grid_limit_w",
            "public",
        )


class ConnectorSerializer(Row):
    """`shown` is what a person is told (link and maintenance taken in); `status` what the charger said last."""

    station = serializers.CharField(source="station.identity", read_only=True)
    evse = serializers.IntegerField(source="evse.number", read_only=True)
    connector = serializers.IntegerField(source="number", read_only=True)
    online = serializers.BooleanField(read_only=True)
    shown = serializers.CharField(read_only=True)

    class Meta:
        model = Connector
        fields = (
            "code",
            "station",
            "evse",
            "connector",
            "plug",
            "power_type",
            "cable",
            "max_power_w",
            "status",
            "status_at",
            "shown",
            "online",
            "error_code",
            "vendor_error_code",
            "error_info",
        )
        read_only_fields = fields


class EvseSerializer(Row):
    station = serializers.CharField(source="station.identity", read_only=True)
    connectors = ConnectorSerializer(many=True, read_only=True, source="standing")

    class Meta:
        model = Evse
        fields = ("station", "number", "evse_id", "connectors")


class StationSerializer(Row):
    site = serializers.CharField(source="site.name", read_only=True, allow_null=True)
    site_id = serializers.IntegerField(read_only=True, allow_null=True)
    online = serializers.BooleanField(read_only=True)
    in_maintenance = serializers.BooleanField(read_only=True)
    offline_since = serializers.DateTimeField(source="dark_since", read_only=True, allow_null=True)
    connectors = ConnectorSerializer(many=True, read_only=True, source="standing")
    state = serializers.SerializerMethodField(
        help_text="What it can do now, from its link, maintenance and connectors: one free connector is enough."
    )

    class Meta:
        model = Station
        fields = (
            "identity",
            "name",
            "site",
            "site_id",
            "approval",
            "security_profile",
            "protocol",
            "vendor",
            "model",
            "serial_number",
            "firmware_version",
            "heartbeat_interval",
            "online",
            "in_maintenance",
            "offline_since",
            "last_seen_at",
            "last_boot_at",
            "state",
            "status",
            "clock_skew_ms",
            "connectors",
        )
        extra_kwargs = {
            "status": {"help_text": "The charger's own word about itself as a whole; many never say one: `unknown`."},
            "clock_skew_ms": {"help_text": "The station's clock minus ours, milliseconds."},
            "heartbeat_interval": {"help_text": "Seconds; null: the installation's."},
            "protocol": {"help_text": "Spoken at the last handshake; empty: it never connected."},
            "approval": {"help_text": "`quarantined` waits for a decision, and may be told nothing until then."},
        }

    def get_state(self, row: Station) -> derived.StationState:
        return derived.station_state(row, getattr(row, "standing", []))


class ConnectorWish(serializers.Serializer):
    evse = serializers.IntegerField(min_value=1, max_value=999, default=1)
    connector = serializers.IntegerField(min_value=1, max_value=99, default=1)
    plug = Choice(required=False, choices=PlugType.choices)
    power_type = Choice(required=False, choices=PowerType.choices)
    cable = serializers.BooleanField(required=False)
    max_power_w = serializers.IntegerField(required=False, min_value=0, max_value=10_000_000)
    evse_id = serializers.CharField(required=False, max_length=48, allow_blank=True)


class StationWish(serializers.Serializer):
    """What can be set. `password` is never read back; without one a station of profile 1 keeps the old."""

    identity = serializers.CharField(max_length=48, validators=[IDENTITY])
    name = serializers.CharField(required=False, max_length=120, allow_blank=True)
    site_id = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**62)
    security_profile = Choice(required=False, choices=SecurityProfile.choices)
    password = serializers.CharField(required=False, write_only=True, max_length=64)
    approval = Choice(required=False, choices=Approval.choices)
    vendor = serializers.CharField(required=False, max_length=64, allow_blank=True)
    model = serializers.CharField(required=False, max_length=64, allow_blank=True)
    serial_number = serializers.CharField(required=False, max_length=64, allow_blank=True)
    heartbeat_interval = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=86_400)
    connectors = ConnectorWish(many=True, required=False)


class SampleSerializer(Row):
    """One moment's readings; null: not reported."""

    kind = serializers.SerializerMethodField(help_text="Why it was taken: periodic, begin, end, clock, trigger, other.")

    class Meta:
        model = MeterSample
        fields = (
            "at",
            "kind",
            "energy_mwh",
            "power_w",
            "offered_w",
            "current_ma",
            "voltage_mv",
            "soc_percent",
            "quarantined",
            "extra",
        )
        extra_kwargs = {
            "energy_mwh": {"help_text": "The import register of the meter, mWh (1 kWh = 1 000 000 mWh)."},
            "power_w": {"help_text": "W"},
            "offered_w": {"help_text": "What the station offers the car, W."},
            "current_ma": {"help_text": "mA"},
            "voltage_mv": {"help_text": "mV"},
            "soc_percent": {"help_text": "State of charge of the car, %."},
        }

    def get_kind(self, row: MeterSample) -> str:
        return ReadingKind(row.kind).name.lower()


class SessionSerializer(Row):
    station = serializers.CharField(source="station.identity")
    site = serializers.CharField(source="site.name", allow_null=True)
    evse = serializers.IntegerField(source="evse.number", allow_null=True)
    connector = serializers.IntegerField(source="connector.number", allow_null=True)
    id_token = serializers.CharField(source="token_value")

    class Meta:
        model = ChargingSession
        fields = (
            "public_id",
            "station",
            "site",
            "evse",
            "connector",
            "transaction_id",
            "state",
            "id_token",
            "authorized",
            "started_at",
            "ended_at",
            "meter_start_mwh",
            "meter_last_mwh",
            "energy_mwh",
            "power_w",
            "max_power_w",
            "soc_percent",
            "stop_reason",
            "closed_by",
            "estimated",
            "incomplete",
            "replayed",
        )
        read_only_fields = fields


class TokenSerializer(Row):
    """An id token; a past `expires_at` is allowed: the token is then Expired to chargers."""

    class Meta:
        model = IdToken
        fields = ("id", "value", "type", "status", "expires_at", "group_id", "label", "created_at")
        read_only_fields = ("created_at",)


class TariffSerializer(Row):
    class Meta:
        model = Tariff
        fields = (
            "id",
            "name",
            "currency",
            "elements",
            "idle",
            "tax_included",
            "min_price",
            "max_price",
            "holidays_of",
        )


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

    def get_to(self, row: Notification) -> str:
        return channels.addresses(row.channel).shown(row.to) if row.to else ""


class ReservationSerializer(Row):
    station = serializers.CharField(source="station.identity", read_only=True)
    evse = serializers.IntegerField(source="connector.evse.number", read_only=True, allow_null=True)
    id_token = serializers.CharField(source="token_value", read_only=True)

    class Meta:
        model = Reservation
        fields = ("id", "station", "evse", "id_token", "group_id", "expires_at", "state", "detail", "created_at")


class ReservationWish(serializers.Serializer):
    station = serializers.CharField(max_length=48)
    evse = serializers.IntegerField(required=False, min_value=1, max_value=999)
    id_token = serializers.CharField(max_length=255)
    group_id = serializers.CharField(required=False, max_length=36, allow_blank=True, default="")
    expires_at = serializers.DateTimeField()


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
