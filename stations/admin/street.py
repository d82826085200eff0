"""Sites, stations, links, commands and messages."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from evcms.core import audit
from evcms.core.access import Access
from evcms.core.admin_base import ReadOnlyAdmin, ServiceAdmin, chosen
from evcms.core.models import Organization, User
from stations import services
from stations.forms import ConnectorForm
from stations.models import (
    Command,
    Connection,
    Connector,
    DynamicQr,
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
from stations.services.configuration import CONNECTOR_FIELDS, SITE_FIELDS, STATION_FIELDS
from stations.vocabulary import OPEN_COMMANDS, CommandState


@admin.register(Site)
class SiteAdmin(ServiceAdmin):
    fields = ("organization", *SITE_FIELDS)
    list_display = ("name", "city", "organization", "grid_limit_w", "public", "archived_at")
    list_filter = ("organization", "public", "city")
    search_fields = ("name", "address", "city")
    list_select_related = ("organization",)
    autocomplete_fields = ("organization",)
    actions = ("archive",)

    def write(self, access: Access, obj: Site, values: dict[str, Any], change: bool) -> Site:
        given = chosen(values, SITE_FIELDS)
        if change:
            return services.edit_site(access=access, site=obj, values=given)
        return services.create_site(access=access, values=given)

    @admin.action(description="Archive", permissions=["view"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Site]) -> None:
        self.act(request, queryset, lambda access, site: services.archive_site(access=access, site=site))


SAID_BY_STATION = ("approval", "protocol", "firmware_version", "last_boot_at", "last_seen_at", "offline_since")


@admin.register(Station)
class StationAdmin(ServiceAdmin):
    """A quarantined station of nobody gets its organization in the operators' pages, where its site is chosen."""

    fields = ("organization", *STATION_FIELDS, *SAID_BY_STATION)
    readonly_fields = SAID_BY_STATION
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
    autocomplete_fields = ("organization", "site")
    actions = ("approve", "reject", "archive", "make_password")

    def write(self, access: Access, obj: Station, values: dict[str, Any], change: bool) -> Station:
        given = chosen(values, STATION_FIELDS)
        if change:
            return services.edit_station(access=access, station=obj, values=given)
        return services.create_station(access=access, values=given)

    @admin.action(description="Approve", permissions=["view"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Station]) -> None:
        self.act(request, queryset, lambda access, station: services.approve(access=access, station=station))

    @admin.action(description="Reject", permissions=["view"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Station]) -> None:
        self.act(request, queryset, lambda access, station: services.reject(access=access, station=station))

    @admin.action(description="Archive", permissions=["view"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Station]) -> None:
        self.act(request, queryset, lambda access, station: services.archive_station(access=access, station=station))

    @admin.action(description="Make a new password (shown once)", permissions=["view"])
    def make_password(self, request: HttpRequest, queryset: QuerySet[Station]) -> None:
        def make(access: Access, station: Station) -> None:
            plaintext = services.set_password(access=access, station=station)
            messages.warning(request, f"{station.identity}: {plaintext} – write it down, it is shown only now.")

        self.act(request, queryset, make)


@admin.register(Evse)
class EvseAdmin(ReadOnlyAdmin):
    list_display = ("station", "number", "evse_id")
    list_filter = ("station__organization",)
    search_fields = ("station__identity", "evse_id")
    list_select_related = ("station",)


@admin.register(Connector)
class ConnectorAdmin(ServiceAdmin):
    """Connectors are added and taken away with their station, in the operators' pages."""

    fields = ("station", "evse", "number", "code", *CONNECTOR_FIELDS, "status", "status_at", "archived_at")
    readonly_fields = ("station", "evse", "number", "code", "status", "status_at", "archived_at")
    fixed = ()
    list_display = ("code", "station", "evse", "plug", "max_power_w", "status", "status_at", "error_code")
    list_filter = ("status", "plug", "power_type", "station__organization")
    search_fields = ("code", "station__identity", "station__name")
    list_select_related = ("station", "evse__station")

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.archived_at is None)

    def organization_of(self, row: Connector) -> Organization | None:
        return row.station.organization

    def write(self, access: Access, obj: Connector, values: dict[str, Any], change: bool) -> Connector:
        """The service takes all connectors of the station: the others as they are."""
        rows = obj.station.connectors.filter(archived_at=None).select_related("evse")
        wanted = [
            ConnectorForm.values_of(row)
            | (chosen(values, CONNECTOR_FIELDS) if row.pk == obj.pk else {"max_power_w": row.max_power_w})
            for row in rows
        ]
        services.set_connectors(access=access, station=obj.station, connectors=wanted)
        return Connector.objects.get(pk=obj.pk)


@admin.register(DynamicQr)
class DynamicQrAdmin(ReadOnlyAdmin):
    """Whoever knows the secret makes codes: nobody reads it here."""

    exclude = ("secret", "former")
    list_display = ("station", "validity", "length", "changed_at")
    list_filter = ("station__organization",)
    search_fields = ("station__identity",)
    list_select_related = ("station",)


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
    actions = ("expire",)

    @admin.action(description="Give up waiting for the answer", permissions=["view"])
    def expire(self, request: HttpRequest, queryset: QuerySet[Command]) -> None:
        assert isinstance(request.user, User)
        count, why = 0, f"given up by {request.user} (staff)"
        for row in queryset.filter(state__in=OPEN_COMMANDS):
            state = CommandState.TIMEOUT if row.state == CommandState.SENT else CommandState.OFFLINE
            count += services.command_failed(command_id=row.pk, state=state, error=why)
            audit.record_staff(request.user, "command.given_up", row.station, command=str(row.pk), kind=row.kind)
        messages.success(request, f"{count} commands were given up.")


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
class MaintenanceWindowAdmin(ServiceAdmin):
    """Planned and cancelled; a planned one is not changed, as people were told of it."""

    fields = ("organization", "site", "station", "title", "note", "starts_at", "ends_at")
    list_display = ("title", "organization", "site", "station", "starts_at", "ends_at", "state")
    list_filter = ("state", "organization")
    search_fields = ("title", "station__identity", "site__name")
    list_select_related = ("organization", "site", "station")
    autocomplete_fields = ("organization", "site", "station")
    actions = ("cancel",)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def write(self, access: Access, obj: MaintenanceWindow, values: dict[str, Any], change: bool) -> MaintenanceWindow:
        fields = ("title", "note", "site", "station", "starts_at", "ends_at")
        return services.plan_maintenance(access=access, **chosen(values, fields))

    @admin.action(description="Cancel, or end now", permissions=["view"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[MaintenanceWindow]) -> None:
        self.act(request, queryset, lambda access, window: services.cancel_maintenance(access=access, window=window))


@admin.register(SiteGrant)
class SiteGrantAdmin(ServiceAdmin):
    """Given and taken back, never changed."""

    fields = ("membership", "site")
    fixed = ()
    autocomplete_fields = ("membership", "site")
    actions = ("revoke",)
    list_display = ("membership", "site")
    list_filter = ("site__organization",)
    search_fields = ("membership__user__email", "site__name")
    list_select_related = ("membership__user", "site")

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def organization_in(self, obj: SiteGrant, values: dict[str, Any]) -> Organization | None:
        site: Site = values["site"]
        return site.organization

    def organization_of(self, row: SiteGrant) -> Organization | None:
        return row.site.organization

    def write(self, access: Access, obj: SiteGrant, values: dict[str, Any], change: bool) -> SiteGrant:
        return services.grant_site(access=access, membership=values["membership"], site=values["site"])

    @admin.action(description="Take back", permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[SiteGrant]) -> None:
        self.act(request, queryset, lambda access, grant: services.revoke_site(access=access, grant=grant))
