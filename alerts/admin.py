"""Incidents, subscriptions and the proof of every message."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline

from alerts import services
from alerts.models import (
    DeliveryAttempt,
    Destination,
    Incident,
    IncidentEntry,
    Notification,
    OperatorContact,
    Subscription,
)
from evcms.core import audit
from evcms.core.access import Access
from evcms.core.admin_base import ReadOnlyAdmin, ServiceAdmin
from evcms.core.models import User


class EntryInline(TabularInline):
    model = IncidentEntry
    extra = 0
    can_delete = False
    fields = readonly_fields = ("at", "actor", "text")

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class AttemptInline(TabularInline):
    model = DeliveryAttempt
    extra = 0
    can_delete = False
    fields = readonly_fields = ("at", "ok", "detail")

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    list_display = ("title", "kind", "severity", "state", "organization", "site", "opened_at", "resolved_at")
    list_filter = ("state", "kind", "severity", "organization")
    search_fields = ("title", "key", "station__identity")
    list_select_related = ("organization", "site")
    inlines = (EntryInline,)
    actions = ("acknowledge", "resolve")

    @admin.action(description="Acknowledge", permissions=["view"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Incident]) -> None:
        self.act(request, queryset, lambda access, incident: services.acknowledge(access=access, incident=incident))

    @admin.action(description="Resolve", permissions=["view"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Incident]) -> None:
        self.act(request, queryset, lambda access, incident: services.resolve(access=access, incident=incident))


@admin.register(IncidentEntry)
class IncidentEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "incident", "actor", "text")
    search_fields = ("text", "actor", "incident__title")
    list_filter = ("at",)
    list_select_related = ("incident",)


@admin.register(OperatorContact)
class OperatorContactAdmin(ServiceAdmin):
    fields = ("organization", "email", "least_severity")
    fixed = ("organization", "email")
    list_display = ("email", "organization", "least_severity")
    list_filter = ("organization", "least_severity")
    search_fields = ("email",)
    list_select_related = ("organization",)
    autocomplete_fields = ("organization",)
    actions = ("remove",)

    def write(self, access: Access, obj: OperatorContact, values: dict[str, object], change: bool) -> OperatorContact:
        return services.save_contact(
            access=access,
            email=str(values.get("email") or obj.email),
            least_severity=int(str(values["least_severity"])),
        )

    @admin.action(description="Remove", permissions=["view"])
    def remove(self, request: HttpRequest, queryset: QuerySet[OperatorContact]) -> None:
        self.act(request, queryset, lambda access, row: services.remove_contact(access=access, pk=str(row.pk)))


@admin.register(Destination)
class DestinationAdmin(ReadOnlyAdmin):
    list_display = ("address", "organization", "confirmed_at", "disabled_at", "disabled_reason")
    list_filter = ("organization", "confirmed_at", "disabled_at")
    search_fields = ("address",)
    list_select_related = ("organization",)
    exclude = ("token",)


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ("destination", "connector", "topic", "created_at", "ended_at")
    list_filter = ("topic", "ended_at")
    search_fields = ("destination__address", "connector__code")
    exclude = ("token",)
    list_select_related = ("destination", "connector__station", "connector__evse")


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "to", "subject", "template", "state", "tries", "sent_at")
    list_filter = ("state", "template", "organization")
    search_fields = ("to", "subject", "key")
    inlines = (AttemptInline,)
    actions = ("send_again",)

    @admin.action(description="Send failed notifications again", permissions=["view"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        assert isinstance(request.user, User)
        ids = list(queryset.values_list("pk", flat=True))
        count = services.retry(notification_ids=ids)
        audit.record_staff(request.user, "notification.retried", None, notifications=ids)
        messages.success(request, f"{count} notifications are queued again.")


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(ReadOnlyAdmin):
    list_display = ("at", "notification", "ok", "detail")
    list_filter = ("ok", "at")
    search_fields = ("notification__to", "detail")
    list_select_related = ("notification",)
