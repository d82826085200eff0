"""Sessions and what they need: readings, tokens, reservations, tariffs."""

from rest_framework import serializers

from billing.models import Tariff
from evcms.api.serializers.base import Row
from sessions.models import ChargingSession, IdToken, MeterSample, Reservation
from sessions.vocabulary import ReadingKind


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
