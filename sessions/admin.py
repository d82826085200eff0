"""Sessions, readings, tokens and drivers."""

from django.contrib import admin

from evcms.core.admin_base import ReadOnlyAdmin
from sessions.models import (
    Attempt,
    ChargingSession,
    Discrepancy,
    Driver,
    IdToken,
    MeterSample,
    Reservation,
    SessionWatch,
    UsageHour,
)


@admin.register(ChargingSession)
class ChargingSessionAdmin(ReadOnlyAdmin):
    list_display = (
        "started_at",
        "station",
        "state",
        "energy_mwh",
        "token_value",
        "ended_at",
        "stop_reason",
        "estimated",
    )
    list_filter = ("state", "organization", "protocol", "estimated", "incomplete", "started_at")
    search_fields = ("public_id", "=transaction_id", "token_value", "station__identity")
    list_select_related = ("station",)


@admin.register(MeterSample)
class MeterSampleAdmin(ReadOnlyAdmin):
    list_display = ("at", "session", "kind", "energy_mwh", "power_w", "soc_percent", "quarantined")
    list_filter = ("kind", "quarantined")
    search_fields = ("=session__id", "station__identity")
    list_select_related = ("session__station",)


@admin.register(IdToken)
class IdTokenAdmin(ReadOnlyAdmin):
    list_display = ("value", "label", "type", "status", "expires_at", "driver", "organization")
    list_filter = ("status", "type", "organization", "guest")
    search_fields = ("value", "label", "driver__name", "driver__email")


@admin.register(Driver)
class DriverAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "email", "organization", "created_at", "erased_at")
    list_filter = ("organization",)
    search_fields = ("name", "email", "phone")


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "state", "cause", "station", "token_value", "detail")
    list_filter = ("state", "kind", "cause", "organization")
    search_fields = ("=id", "token_value", "station__identity")
    list_select_related = ("station",)


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ("id", "station", "connector", "token_value", "state", "expires_at", "detail")
    list_filter = ("state", "organization")
    search_fields = ("=id", "token_value", "station__identity")
    list_select_related = ("station", "connector__station", "connector__evse")


@admin.register(SessionWatch)
class SessionWatchAdmin(ReadOnlyAdmin):
    list_display = ("session", "reason", "at_mwh", "at", "reached_at")
    list_filter = ("reason", "reached_at")
    search_fields = ("=session__id", "reason")


@admin.register(UsageHour)
class UsageHourAdmin(ReadOnlyAdmin):
    list_display = ("hour", "evse", "energy_mwh", "sessions_started", "charging_seconds", "occupied_seconds")
    list_filter = ("hour",)
    search_fields = ("evse__station__identity",)
    list_select_related = ("evse__station",)


@admin.register(Discrepancy)
class DiscrepancyAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "station", "session", "resolved_at")
    list_filter = ("kind", "resolved_at")
    search_fields = ("station__identity", "=session__id")
    list_select_related = ("station", "session__station")
