"""Prices, payments, bills and receipts, card readers: looked at here and moved only by named actions."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.forms import ActionForm
from unfold.widgets import UnfoldAdminTextInputWidget

from billing import services
from billing.models import (
    Bill,
    CardReader,
    Payment,
    PaymentEvent,
    PriceSnapshot,
    Receipt,
    ReceiptCounter,
    Refund,
    Tariff,
    TariffAssignment,
    TerminalReport,
    WebhookEvent,
)
from evcms.core.access import Access
from evcms.core.admin_base import ReadOnlyAdmin, ServiceAdmin, chosen
from evcms.core.models import User
from evcms.core.money import format_money

TERMS = (*services.TariffFields.__annotations__,)


def money(name: str, label: str) -> Callable[[Any], str]:
    """A column of minor units with its currency. Any: a row with, or about a charge with, `currency`."""

    @admin.display(description=label, ordering=name)
    def shown(row: Any) -> str:
        value = getattr(row, name)
        currency = row.currency if hasattr(row, "currency") else row.charge.currency
        return "–" if value is None else format_money(value, currency)

    return shown


class ReasonForm(ActionForm):
    """Money moves with a reason only."""

    reason = forms.CharField(label="Reason", required=False, max_length=200, widget=UnfoldAdminTextInputWidget)


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
        money("hold_minor", "Held"),
        money("captured_minor", "Captured"),
        money("refunded_minor", "Given back"),
        "connector",
        "card",
        "error_code",
    )
    list_filter = ("state", "organization", "currency", "created_at")
    search_fields = ("public_id", "intent_id", "checkout_id", "charge_id", "email")
    list_select_related = ("connector__station", "connector__evse")
    inlines = (PaymentEventInline,)
    action_form = ReasonForm
    actions = ("refund", "retry")

    @admin.action(description="Give back all that is left (needs a reason)", permissions=["view"])
    def refund(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        reason, staff = request.POST.get("reason", ""), request.user
        assert isinstance(staff, User)
        self.act(request, queryset, lambda _access, row: services.refund(payment=row, reason=reason, staff=staff))

    @admin.action(description="Try a failed payment again", permissions=["view"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        self.act(request, queryset, lambda access, row: services.retry(payment=row, access=access))


@admin.register(PaymentEvent)
class PaymentEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "payment", "kind", money("amount_minor", "Amount"), "text")
    list_filter = ("kind", "at")
    search_fields = ("payment__public_id", "text")
    list_select_related = ("payment",)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at", "payment", "collection", money("amount_minor", "Amount"), "state", "reason", "requested_by",
        "error_text",
    )  # fmt: skip
    list_filter = ("state", "organization", "created_at")
    search_fields = ("public_id", "provider_id", "payment__public_id", "collection__public_id", "reason")
    list_select_related = ("payment", "collection", "requested_by")


@admin.register(Bill)
class BillAdmin(ReadOnlyAdmin):
    list_display = ("session", "state", money("total_minor", "Total"), "reason", "final_at")
    list_filter = ("state", "organization", "currency")
    search_fields = ("=session__id", "session__public_id", "reason")
    list_select_related = ("session__station",)


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ("number", "kind", "organization", "issued_at", money("total_minor", "Total"), "payment", "refund")
    list_filter = ("kind", "organization", "year")
    search_fields = ("=sequence", "public_id", "payment__public_id", "payment__email")
    list_select_related = ("organization", "payment", "refund__payment", "refund__collection")


@admin.register(ReceiptCounter)
class ReceiptCounterAdmin(ReadOnlyAdmin):
    list_display = ("organization", "year", "last")
    list_filter = ("organization", "year")
    search_fields = ("organization__name",)
    list_select_related = ("organization",)


@admin.register(PriceSnapshot)
class PriceSnapshotAdmin(ReadOnlyAdmin):
    list_display = ("tariff", "organization", "created_at", "digest")
    list_filter = ("organization",)
    search_fields = ("digest", "tariff__name")
    list_select_related = ("tariff", "organization")


@admin.register(Tariff)
class TariffAdmin(ServiceAdmin):
    fields = ("organization", *TERMS)
    list_display = ("name", "organization", "currency", "min_price", "max_price", "hold", "archived_at")
    list_filter = ("organization", "currency", "archived_at")
    search_fields = ("name",)
    list_select_related = ("organization",)
    autocomplete_fields = ("organization",)
    actions = ("archive",)

    def write(self, access: Access, obj: Tariff, values: dict[str, Any], change: bool) -> Tariff:
        given: services.TariffFields = chosen(values, TERMS)  # type: ignore[assignment]  # the form's fields are these
        if change:
            return services.edit_tariff(access=access, tariff=obj, **given)
        return services.create_tariff(access=access, **given)

    @admin.action(description="Archive: it holds nowhere any more", permissions=["view"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Tariff]) -> None:
        self.act(request, queryset, lambda access, tariff: services.archive_tariff(access=access, tariff=tariff))


@admin.register(TariffAssignment)
class TariffAssignmentAdmin(ServiceAdmin):
    """Made and ended, never changed: past prices stay explained."""

    fields = ("organization", "tariff", "site", "station", "connector", "valid_from", "valid_until")
    list_display = ("tariff", "organization", "site", "station", "connector", "valid_from", "valid_until")
    list_filter = ("organization",)
    search_fields = ("tariff__name", "site__name", "station__identity")
    list_select_related = ("tariff", "organization", "site", "station", "connector__station", "connector__evse")
    autocomplete_fields = ("organization", "tariff", "site", "station", "connector")
    actions = ("end",)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def write(self, access: Access, obj: TariffAssignment, values: dict[str, Any], change: bool) -> TariffAssignment:
        fields = ("tariff", "site", "station", "connector", "valid_from", "valid_until")
        return services.assign_tariff(access=access, **chosen(values, fields))

    @admin.action(description="End now", permissions=["view"])
    def end(self, request: HttpRequest, queryset: QuerySet[TariffAssignment]) -> None:
        self.act(request, queryset, lambda access, row: services.end_assignment(access=access, assignment=row))


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "kind", "object_id", "applied_at", "tries", "error")
    list_filter = ("kind", "applied_at")
    search_fields = ("provider_id", "object_id", "error")
    actions = ("apply_again",)

    @admin.action(description="Apply again what was not applied", permissions=["view"])
    def apply_again(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> None:
        assert isinstance(request.user, User)
        ids = list(queryset.values_list("pk", flat=True))
        count = services.apply_again(webhook_ids=ids, staff=request.user)
        messages.success(request, f"{count} webhooks will be applied within ten seconds.")


@admin.register(CardReader)
class CardReaderAdmin(ReadOnlyAdmin):
    list_display = ("label", "organization", "station", "site", "state", "asking", "seen_at", "error_text")
    list_filter = ("state", "organization")
    search_fields = ("label", "provider_id", "station__identity", "site__name")
    list_select_related = ("organization", "station", "site", "asking")


@admin.register(TerminalReport)
class TerminalReportAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "station", "psp_ref", "status", "amount", "currency", "outcome", "detail", "seen_by")
    list_filter = ("outcome", "status", "received_at")
    search_fields = ("psp_ref", "transaction_id", "station__identity", "detail")
    list_select_related = ("station", "seen_by")
