"""Sites, stations, links, commands and messages."""

from django.contrib import admin

from evcms.core.admin_base import ReadOnlyAdmin
from stations.models import (
    Command,
    Connection,
    Connector,
    Evse,
    Gateway,
    MaintenanceWindow,
    OcppMessage,
    RefusedHandshake,
    Site,
    SiteGrant,
    Station,
    StatusChange,
    Variable,
)


@admin.register(Site)
class SiteAdmin(ReadOnlyAdmin):
    list_display = ("name", "city", "organization", "grid_limit_w", "public", "archived_at")
    list_filter = ("organization", "public", "city")
    search_fields = ("name", "address", "city")


@admin.register(Station)
class StationAdmin(ReadOnlyAdmin):
    list_display = (
        "identity",
        "name",
        "site",
        "approval",
        "protocol",
        "model",
        "firmware_version",
        "last_seen_at",
        "offline_since",
    )
    list_filter = ("approval", "organization", "protocol", "vendor", "archived_at")
    search_fields = ("identity", "name", "serial_number", "model")
    list_select_related = ("site",)


@admin.register(Evse)
class EvseAdmin(ReadOnlyAdmin):
    list_display = ("station", "number", "evse_id")
    list_filter = ("station__organization",)
    search_fields = ("station__identity", "evse_id")
    list_select_related = ("station",)


@admin.register(Connector)
class ConnectorAdmin(ReadOnlyAdmin):
    list_display = ("code", "station", "evse", "plug", "max_power_w", "status", "status_at", "error_code")
    list_filter = ("status", "plug", "power_type", "station__organization")
    search_fields = ("code", "station__identity", "station__name")
    list_select_related = ("station", "evse__station")


@admin.register(Gateway)
class GatewayAdmin(ReadOnlyAdmin):
    list_display = ("id", "host", "pid", "started_at", "lease_until", "ended_at")
    list_filter = ("ended_at",)
    search_fields = ("host", "=pid")


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    list_display = ("station", "gateway", "protocol", "opened_at", "closed_at", "close_reason", "address")
    list_filter = ("protocol", "closed_at")
    search_fields = ("station__identity", "close_reason")
    list_select_related = ("station", "gateway")


@admin.register(StatusChange)
class StatusChangeAdmin(ReadOnlyAdmin):
    list_display = ("at", "station", "connector", "status", "error_code", "vendor_error_code")
    list_filter = ("status", "at")
    search_fields = ("station__identity", "error_code", "vendor_error_code")
    list_select_related = ("station", "connector__station", "connector__evse")


@admin.register(Command)
class CommandAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "station", "kind", "state", "answer_status", "error", "origin")
    list_filter = ("state", "kind", "created_at")
    search_fields = ("station__identity", "kind", "origin", "=id")
    list_select_related = ("station",)


@admin.register(OcppMessage)
class OcppMessageAdmin(ReadOnlyAdmin):
    list_display = ("at", "station", "direction", "action", "outcome", "error_code", "duration_us", "count")
    list_filter = ("direction", "outcome", "action", "at")
    search_fields = ("station__identity", "action", "=message_id", "error_code")
    list_select_related = ("station",)


@admin.register(Variable)
class VariableAdmin(ReadOnlyAdmin):
    list_display = ("station", "component", "variable", "value", "mutability", "updated_at")
    list_filter = ("component", "mutability")
    search_fields = ("station__identity", "component", "variable", "value")
    list_select_related = ("station",)


@admin.register(RefusedHandshake)
class RefusedHandshakeAdmin(ReadOnlyAdmin):
    list_display = ("last_at", "identity", "reason", "detail", "address", "count")
    list_filter = ("reason", "organization", "last_at")
    search_fields = ("identity", "detail")


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(ReadOnlyAdmin):
    list_display = ("title", "organization", "site", "station", "starts_at", "ends_at", "state")
    list_filter = ("state", "organization")
    search_fields = ("title", "station__identity", "site__name")
    list_select_related = ("organization", "site", "station")


@admin.register(SiteGrant)
class SiteGrantAdmin(ReadOnlyAdmin):
    list_display = ("membership", "site")
    list_filter = ("site__organization",)
    search_fields = ("membership__user__email", "site__name")
    list_select_related = ("membership__user", "site")
