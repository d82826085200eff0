"""Money is looked at here and moved only by named actions."""

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import TabularInline

from billing.models import (
    Bill,
    Payment,
    PaymentEvent,
    PriceSnapshot,
    Receipt,
    ReceiptCounter,
    Tariff,
    TariffAssignment,
    WebhookEvent,
)
from evcms.core.admin_base import ReadOnlyAdmin


class PaymentEventInline(TabularInline):
    model = PaymentEvent
    extra = 0
    can_delete = False
    fields = readonly_fields = ("at", "kind", "text", "amount_minor")

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "public_id",
        "state",
        "hold_minor",
        "captured_minor",
        "currency",
        "connector",
        "card",
        "error_code",
    )
    list_filter = ("state", "organization", "currency", "created_at")
    search_fields = ("public_id", "intent_id", "checkout_id", "charge_id", "email")
    list_select_related = ("connector__station", "connector__evse")
    inlines = (PaymentEventInline,)


@admin.register(PaymentEvent)
class PaymentEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "payment", "kind", "amount_minor", "text")
    list_filter = ("kind", "at")
    search_fields = ("payment__public_id", "text")


@admin.register(Bill)
class BillAdmin(ReadOnlyAdmin):
    list_display = ("session", "state", "total_minor", "currency", "reason", "final_at")
    list_filter = ("state", "organization", "currency")
    search_fields = ("=session__id", "session__public_id", "reason")
    list_select_related = ("session__station",)


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ("number", "organization", "issued_at", "total_minor", "currency", "payment")
    list_filter = ("organization", "year")
    search_fields = ("=sequence", "public_id", "payment__public_id", "payment__email")


@admin.register(ReceiptCounter)
class ReceiptCounterAdmin(ReadOnlyAdmin):
    list_display = ("organization", "year", "last")
    list_filter = ("organization", "year")
    search_fields = ("organization__name",)


@admin.register(PriceSnapshot)
class PriceSnapshotAdmin(ReadOnlyAdmin):
    list_display = ("tariff", "organization", "created_at", "digest")
    list_filter = ("organization",)
    search_fields = ("digest", "tariff__name")


@admin.register(Tariff)
class TariffAdmin(ReadOnlyAdmin):
    list_display = ("name", "organization", "currency", "per_kwh", "per_minute", "per_start", "archived_at")
    list_filter = ("organization", "currency", "archived_at")
    search_fields = ("name",)


@admin.register(TariffAssignment)
class TariffAssignmentAdmin(ReadOnlyAdmin):
    list_display = ("tariff", "organization", "site", "station", "connector", "valid_from", "valid_until")
    list_filter = ("organization",)
    search_fields = ("tariff__name", "site__name", "station__identity")


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "kind", "object_id", "applied_at", "tries", "error")
    list_filter = ("kind", "applied_at")
    search_fields = ("provider_id", "object_id", "error")
