"""Sessions, readings, tokens and drivers."""

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from evcms.core.access import Access
from evcms.core.admin_base import ReadOnlyAdmin, ServiceAdmin, chosen
from evcms.core.models import Organization
from sessions import services
from sessions.models import (
    AcceptedTap,
    Attempt,
    AttemptDay,
    ChargingSession,
    Discrepancy,
    Driver,
    DriverGroup,
    FreeByFit,
    FreeBySite,
    IdToken,
    LateHour,
    MeterSample,
    NetworkDay,
    QueueSign,
    Reservation,
    RollupMark,
    SessionWatch,
    SiteDay,
    SiteDemand,
    SqueezeDay,
    UsageHour,
    Watermark,
)
from sessions.services.drivers import FIELDS as DRIVER_FIELDS
from sessions.services.tokens import FIELDS as TOKEN_FIELDS


@admin.display(description="Energy", ordering="energy_mwh")
def energy(row: Any) -> str:
    """Any: a row with energy_mwh."""
    return "–" if row.energy_mwh is None else f"{Decimal(row.energy_mwh) / 1_000_000:.3f} kWh"


@admin.register(ChargingSession)
class ChargingSessionAdmin(ReadOnlyAdmin):
    list_display = (
        "started_at",
        "station",
        "state",
        energy,
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
    list_display = ("at", "session", "kind", energy, "power_w", "soc_percent", "quarantined")
    list_filter = ("kind", "quarantined")
    search_fields = ("=session__id", "station__identity")
    list_select_related = ("session__station",)


@admin.register(IdToken)
class IdTokenAdmin(ServiceAdmin):
    fields = ("organization", *TOKEN_FIELDS)
    list_display = ("value", "label", "type", "status", "expires_at", "driver", "organization")
    list_filter = ("status", "type", "organization", "guest")
    search_fields = ("value", "label", "driver__name", "driver__email")
    list_select_related = ("driver", "organization")
    autocomplete_fields = ("organization", "driver")
    actions = ("remove",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or not obj.guest)

    def write(self, access: Access, obj: IdToken, values: dict[str, Any], change: bool) -> IdToken:
        given = chosen(values, TOKEN_FIELDS)
        if change:
            return services.edit_token(access=access, token=obj, **given)
        return services.create_token(access=access, **given)

    @admin.action(description="Delete; its sessions stay", permissions=["view"])
    def remove(self, request: HttpRequest, queryset: QuerySet[IdToken]) -> None:
        self.act(request, queryset, lambda access, token: services.delete_token(access=access, token=token))


@admin.register(Driver)
class DriverAdmin(ServiceAdmin):
    fields = ("organization", *DRIVER_FIELDS, "user", "erased_at")
    readonly_fields = ("user", "erased_at")
    list_display = ("__str__", "email", "organization", "created_at", "erased_at")
    list_filter = ("organization",)
    search_fields = ("name", "email", "phone")
    list_select_related = ("organization",)
    autocomplete_fields = ("organization",)
    actions = ("erase",)

    def write(self, access: Access, obj: Driver, values: dict[str, Any], change: bool) -> Driver:
        given = chosen(values, DRIVER_FIELDS)
        if change:
            return services.edit_driver(access=access, driver=obj, **given)
        return services.create_driver(access=access, **given)

    @admin.action(description="Erase who it was (for good); sessions and receipts stay", permissions=["view"])
    def erase(self, request: HttpRequest, queryset: QuerySet[Driver]) -> None:
        self.act(request, queryset, lambda access, driver: services.erase_driver(access=access, driver=driver))


@admin.register(DriverGroup)
class DriverGroupAdmin(ReadOnlyAdmin):
    list_display = ("name", "organization", "created_at")
    list_filter = ("organization",)
    search_fields = ("name",)
    list_select_related = ("organization",)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "state", "stage", "party", "cause", "station", "token_value", "detail")
    list_filter = ("state", "stage", "party", "kind", "cause", "organization")
    search_fields = ("=id", "token_value", "station__identity")
    list_select_related = ("station",)


@admin.register(AcceptedTap)
class AcceptedTapAdmin(ReadOnlyAdmin):
    list_display = ("at", "station", "token_value")
    list_filter = ("at",)
    search_fields = ("token_value", "station__identity")
    list_select_related = ("station",)


@admin.register(Watermark)
class WatermarkAdmin(ReadOnlyAdmin):
    list_display = ("name", "position")
    list_filter = ("name",)
    search_fields = ("name",)


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
    list_display = ("hour", "evse", energy, "sessions_started", "charging_seconds", "occupied_seconds")
    list_filter = ("hour",)
    search_fields = ("evse__station__identity",)
    list_select_related = ("evse__station",)


@admin.register(SiteDay)
class SiteDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "site", "ports", energy, "sessions_started", "occupied_seconds", "counted_at")
    list_filter = ("day",)
    search_fields = ("site__name",)
    list_select_related = ("site",)


@admin.register(NetworkDay)
class NetworkDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "organization", "zone", "ports", energy, "sessions_started", "counted_at")
    list_filter = ("organization", "day")
    search_fields = ("organization__name", "zone")
    list_select_related = ("organization",)


@admin.register(AttemptDay)
class AttemptDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "organization", "grouping", "hour", "site", "model", "firmware", "attempts", "well")
    list_filter = ("grouping", "day")
    search_fields = ("organization__name", "site__name", "model", "firmware")
    list_select_related = ("organization", "site")


@admin.register(LateHour)
class LateHourAdmin(ReadOnlyAdmin):
    list_display = ("hour", "evse")
    list_filter = ("hour",)
    search_fields = ("evse__station__identity",)
    list_select_related = ("evse__station",)


@admin.register(RollupMark)
class RollupMarkAdmin(ReadOnlyAdmin):
    list_display = ("organization", "day")
    list_filter = ("day",)
    search_fields = ("organization__name",)
    list_select_related = ("organization",)


@admin.register(SqueezeDay)
class SqueezeDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "site", "power_class", "ports", "full_seconds", "down_seconds", "short_seconds", "missed")
    list_filter = ("power_class", "day")
    search_fields = ("site__name",)
    list_select_related = ("site",)


@admin.register(SiteDemand)
class SiteDemandAdmin(ReadOnlyAdmin):
    list_display = ("site", "weekly", "low", "high", "since", "until", "counted_at")
    list_filter = ("counted_at",)
    search_fields = ("site__name",)
    list_select_related = ("site",)


@admin.register(QueueSign)
class QueueSignAdmin(ReadOnlyAdmin):
    list_display = ("hour", "connector", "looks")
    list_filter = ("hour",)
    search_fields = ("connector__code",)
    list_select_related = ("connector__station", "connector__evse")


@admin.register(Discrepancy)
class DiscrepancyAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "station", "session", "resolved_at")
    list_filter = ("kind", "resolved_at")
    search_fields = ("station__identity", "=session__id")
    list_select_related = ("station", "session__station")
    actions = ("resolve",)

    def organization_of(self, row: Discrepancy) -> Organization | None:
        return row.station.organization

    @admin.action(description="Looked at", permissions=["view"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Discrepancy]) -> None:
        self.act(
            request,
            queryset,
            lambda access, row: services.resolve_discrepancy(access=access, discrepancy=row),
        )


@admin.register(FreeByFit)
class FreeByFitAdmin(ReadOnlyAdmin):
    list_display = ("organization", "made_at", "since", "held_out", "until", "ports", "looks")
    list_filter = ("organization",)
    search_fields = ("organization__name",)
    list_select_related = ("organization",)


@admin.register(FreeBySite)
class FreeBySiteAdmin(ReadOnlyAdmin):
    list_display = ("site", "made_at")
    list_filter = ("made_at",)
    search_fields = ("site__name",)
    list_select_related = ("site",)
