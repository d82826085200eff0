"""Incidents, subscriptions and the proof of every message."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Count, Field, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSelectWidget

from alerts import services
from alerts.models import (
    AlertSettings,
    Announcement,
    Asked,
    ConnectorHealth,
    DeliveryAttempt,
    Destination,
    EscalationLevel,
    EscalationPolicy,
    Following,
    Incident,
    IncidentEntry,
    KnownPrice,
    MessageTemplate,
    Notification,
    Offer,
    OnCallOverride,
    OnCallSchedule,
    OnCallTurn,
    Outage,
    PhoneCode,
    ProblemReport,
    Recipient,
    RecoveryStep,
    Rule,
    StationHealth,
    Subscription,
    Telling,
)
from alerts.services import wording
from evcms.core import audit
from evcms.core.admin_base import ReadOnlyAdmin, ServiceAdmin, staff_access
from evcms.core.models import User
from evcms.templatetags.figures import at_zone


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
    fields = readonly_fields = ("at", "channel", "outcome", "provider_id", "detail")

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


@admin.register(ConnectorHealth)
class ConnectorHealthAdmin(ReadOnlyAdmin):
    list_display = ("connector", "alarmed_at", "updated_at")
    list_filter = ("alarmed_at",)
    search_fields = ("connector__code", "connector__station__identity")
    list_select_related = ("connector__station", "connector__evse")


@admin.register(StationHealth)
class StationHealthAdmin(ReadOnlyAdmin):
    list_display = ("station", "permille", "up_permille", "tried", "failed", "target_permille", "short", "judged_at")
    list_filter = ("short",)
    search_fields = ("station__identity", "station__name")
    list_select_related = ("station",)


@admin.register(RecoveryStep)
class RecoveryStepAdmin(ReadOnlyAdmin):
    list_display = ("incident", "position", "kind", "state", "due_at", "ended_at", "detail")
    list_filter = ("state", "kind")
    search_fields = ("incident__title", "detail")
    list_select_related = ("incident",)


@admin.register(Telling)
class TellingAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "incident", "recipient", "kind", "step", "done_at", "dropped")
    list_filter = ("kind", "dropped", "created_at")
    search_fields = ("incident__title", "recipient__name")
    exclude = ("token",)
    list_select_related = ("incident", "recipient")


@admin.register(AlertSettings)
class AlertSettingsAdmin(ReadOnlyAdmin):
    list_display = ("organization", "automatic_recovery", "status_page")
    search_fields = ("organization__name",)
    list_filter = ("automatic_recovery", "status_page")
    list_select_related = ("organization",)


@admin.register(Rule)
class RuleAdmin(ReadOnlyAdmin):
    list_display = ("kind", "organization", "site", "station", "station_model", "enabled", "threshold", "duration_s")
    list_filter = ("kind", "enabled", "organization")
    search_fields = ("station__identity", "station_model", "site__name")
    list_select_related = ("organization", "site", "station")


@admin.register(EscalationPolicy)
class EscalationPolicyAdmin(ReadOnlyAdmin):
    list_display = ("name", "organization", "default", "least_severity", "repeat")
    list_filter = ("organization",)
    search_fields = ("name",)
    list_select_related = ("organization",)


@admin.register(EscalationLevel)
class EscalationLevelAdmin(ReadOnlyAdmin):
    list_display = ("policy", "position", "after_minutes", "schedule", "recipient")
    search_fields = ("policy__name",)
    list_filter = ("policy",)
    list_select_related = ("policy", "schedule", "recipient")


@admin.register(OnCallSchedule)
class OnCallScheduleAdmin(ReadOnlyAdmin):
    list_display = ("name", "organization", "time_zone", "starts_on", "turn_days", "hand_over_at")
    list_filter = ("organization",)
    search_fields = ("name",)
    list_select_related = ("organization",)


@admin.register(OnCallTurn)
class OnCallTurnAdmin(ReadOnlyAdmin):
    list_display = ("schedule", "position", "recipient")
    list_filter = ("schedule",)
    search_fields = ("recipient__name",)
    list_select_related = ("schedule", "recipient")


@admin.register(OnCallOverride)
class OnCallOverrideAdmin(ReadOnlyAdmin):
    list_display = ("schedule", "recipient", "starts_at", "ends_at")
    list_filter = ("schedule",)
    search_fields = ("recipient__name",)
    list_select_related = ("schedule", "recipient")


@admin.register(Recipient)
class RecipientAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "audience", "organization", "language", "digest", "least_severity", "created_at")
    list_filter = ("audience", "organization", "digest")
    search_fields = ("name", "destinations__address")
    list_select_related = ("organization",)
    exclude = ("token",)


@admin.register(Destination)
class DestinationAdmin(ReadOnlyAdmin):
    list_display = ("address", "channel", "audience", "organization", "confirmed_at", "disabled_at", "disabled_reason")
    list_filter = ("channel", "audience", "organization", "confirmed_at", "disabled_at")
    search_fields = ("address",)
    list_select_related = ("organization",)
    exclude = ("token", "keys")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = ("recipient", "topic", "connector", "station", "site", "label", "created_at", "ended_at")
    list_filter = ("topic", "ended_at")
    search_fields = ("recipient__destinations__address", "connector__code")
    exclude = ("token",)
    list_select_related = ("recipient", "connector__station", "connector__evse", "station", "site")


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin):
    list_display = ("at", "subscription", "connector", "free_since")
    list_filter = ("at",)
    search_fields = ("connector__code",)
    list_select_related = ("subscription__recipient", "connector__station", "connector__evse")


@admin.register(Asked)
class AskedAdmin(ReadOnlyAdmin):
    list_display = ("at", "organization", "channel", "prefix")
    list_filter = ("channel", "organization")
    search_fields = ("prefix",)


@admin.register(PhoneCode)
class PhoneCodeAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "organization", "number", "tries", "until", "used_at")
    list_filter = ("organization", "used_at")
    search_fields = ("number",)
    exclude = ("token", "digest", "then")


@admin.register(Outage)
class OutageAdmin(ReadOnlyAdmin):
    list_display = ("connector", "began_at", "due_at", "closed_at")
    list_filter = ("closed_at",)
    search_fields = ("connector__code",)
    list_select_related = ("connector__station", "connector__evse")


@admin.register(Announcement)
class AnnouncementAdmin(ReadOnlyAdmin):
    list_display = ("window", "due_at", "done_at", "revision")
    list_filter = ("due_at", "done_at")
    search_fields = ("window__title",)
    list_select_related = ("window",)


@admin.register(KnownPrice)
class KnownPriceAdmin(ReadOnlyAdmin):
    list_display = ("connector", "changed_at")
    list_filter = ("changed_at",)
    search_fields = ("connector__code",)
    list_select_related = ("connector__station", "connector__evse")


@admin.register(Following)
class FollowingAdmin(ReadOnlyAdmin):
    list_display = ("recipient", "session", "created_at", "ended_at")
    list_filter = ("ended_at",)
    search_fields = ("session__public_id",)
    list_select_related = ("recipient", "session__station__site")


@admin.register(ProblemReport)
class ProblemReportAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "connector", "problem", "text", "incident", "closed_at")
    list_filter = ("problem", "organization", "closed_at")
    search_fields = ("text", "connector__code", "public_id")
    exclude = ("public_id",)
    list_select_related = ("connector__station", "connector__evse", "incident")


def _choice(db_field: Field[Any, Any], offered: Sequence[tuple[str, Any]]) -> forms.ChoiceField:
    """Any: lazy words."""
    words = str(db_field.verbose_name).capitalize()
    return forms.ChoiceField(label=words, choices=[("", "–"), *offered], widget=UnfoldAdminSelectWidget)


@admin.register(MessageTemplate)
class MessageTemplateAdmin(ServiceAdmin):
    """Staff changes the words of one organization, or (without one) of all."""

    fixed = ("organization", "template", "language")
    fields = ("organization", "template", "language", "subject", "text", "short")
    list_display = ("template", "language", "organization", "updated_at", "updated_by")
    list_filter = ("language", "organization")
    search_fields = ("template", "subject")
    list_select_related = ("organization", "updated_by")

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **more: Any) -> Any:
        """The messages and languages that there are, to choose from. Any: Django's own signature."""
        if db_field.name == "template":
            return _choice(db_field, [(name, wording.title(name)) for name in wording.built_in()])
        if db_field.name == "language":
            return _choice(db_field, settings.LANGUAGES)
        return super().formfield_for_dbfield(db_field, request, **more)

    def save_model(self, request: HttpRequest, obj: MessageTemplate, form: Any, change: bool) -> None:
        """As for an organization's owner; without organization there is no access to act by. Any: Django's own."""
        stored = MessageTemplate.objects.get(pk=obj.pk) if change else obj
        access = staff_access(request, stored.organization) if stored.organization else None
        assert isinstance(request.user, User)
        row = wording.save(
            access=access,
            user=request.user,
            organization=stored.organization,
            template=stored.template,
            language=stored.language,
            **{part: form.cleaned_data[part] for part in wording.PARTS},
        )
        obj.__dict__.update(row.__dict__)


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ("made", "to", "subject", "template", "state", "all_tries", "sent")
    list_filter = ("state", "template", "organization")
    search_fields = ("to", "subject", "key")
    inlines = (AttemptInline,)
    actions = ("send_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        """`attempts`: on all addresses; the row's own `tries` begins anew at the next one."""
        tried = DeliveryAttempt.objects.filter(notification=OuterRef("pk")).order_by().values("notification")
        count = Subquery(tried.annotate(count=Count("pk")).values("count"))
        rows: QuerySet[Notification] = super().get_queryset(request)
        return rows.annotate(attempts=Coalesce(count, 0))

    @admin.display(description="Created at", ordering="created_at")
    def made(self, row: Notification) -> str:
        return at_zone(row.created_at)

    @admin.display(description="Sent at", ordering="sent_at")
    def sent(self, row: Notification) -> str:
        return at_zone(row.sent_at)

    @admin.display(description="Tries", ordering="attempts")
    def all_tries(self, row: Notification) -> int:
        return int(row.attempts)  # type: ignore[attr-defined]

    @admin.action(description="Send failed notifications again", permissions=["view"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        assert isinstance(request.user, User)
        ids = list(queryset.values_list("pk", flat=True))
        count = services.retry(notification_ids=ids)
        audit.record_staff(request.user, "notification.retried", None, notifications=ids)
        messages.success(request, f"{count} notifications are queued again.")


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(ReadOnlyAdmin):
    list_display = ("at", "notification", "channel", "outcome", "provider_id", "detail")
    list_filter = ("outcome", "channel", "at")
    search_fields = ("notification__to", "provider_id", "detail")
    list_select_related = ("notification",)
