"""Sites and what stands there."""

from rest_framework import serializers

from evcms.api import derived
from evcms.api.serializers.base import Choice, Row
from stations import tagging
from stations.models import (
    IDENTITY,
    Connector,
    Evse,
    PlugType,
    PowerType,
    Site,
    Station,
    Tag,
)
from stations.vocabulary import Approval, SecurityProfile


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
    tags: "serializers.SlugRelatedField[Tag]" = serializers.SlugRelatedField(
        slug_field="name", many=True, read_only=True, help_text="Free labels of the organization."
    )
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
            "tags",
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
    tags = serializers.ListField(
        child=serializers.CharField(max_length=tagging.LONGEST),
        required=False,
        max_length=tagging.MOST,
        help_text="All that it bears from now on; words without comma or semicolon.",
    )
    connectors = ConnectorWish(many=True, required=False)
