"""What stations report of themselves."""

from django.contrib import admin

from evcms.core.admin_base import ReadOnlyAdmin
from stations.models import FirmwareFile, FirmwareUpdate, LogUpload, Monitor, SecurityEvent, StationEvent


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin):
    list_display = ("happened_at", "station", "type", "critical", "tech_info", "received_at")
    list_filter = ("critical", "type", "received_at")
    search_fields = ("station__identity", "type", "tech_info")
    list_select_related = ("station",)


@admin.register(FirmwareFile)
class FirmwareFileAdmin(ReadOnlyAdmin):
    """Whoever knows the link fetches the file: nobody reads it here."""

    exclude = ("token",)
    list_display = ("name", "version", "organization", "vendor", "model", "size", "created_at", "archived_at")
    list_filter = ("organization", "vendor", "archived_at")
    search_fields = ("name", "version", "model", "=sha256")
    list_select_related = ("organization",)


@admin.register(FirmwareUpdate)
class FirmwareUpdateAdmin(ReadOnlyAdmin):
    list_display = ("requested_at", "station", "version", "state", "last_status", "status_at", "info")
    list_filter = ("state", "kind", "requested_at")
    search_fields = ("station__identity", "version", "location")
    list_select_related = ("station",)


@admin.register(LogUpload)
class LogUploadAdmin(ReadOnlyAdmin):
    """Whoever knows an open link may bring a file: nobody reads it here."""

    exclude = ("token_digest", "location")
    list_display = ("requested_at", "station", "kind", "state", "last_status", "file_name", "size")
    list_filter = ("state", "kind", "requested_at")
    search_fields = ("station__identity", "file_name", "=sha256")
    list_select_related = ("station",)


@admin.register(StationEvent)
class StationEventAdmin(ReadOnlyAdmin):
    list_display = ("happened_at", "station", "component", "variable", "value", "trigger", "severity", "cleared")
    list_filter = ("trigger", "severity", "cleared", "received_at")
    search_fields = ("station__identity", "component", "variable", "tech_code")
    list_select_related = ("station",)


@admin.register(Monitor)
class MonitorAdmin(ReadOnlyAdmin):
    list_display = ("station", "monitor_id", "component", "variable", "type", "value", "severity", "updated_at")
    list_filter = ("type", "severity")
    search_fields = ("station__identity", "component", "variable")
    list_select_related = ("station",)
