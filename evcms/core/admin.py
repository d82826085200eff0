"""People, organizations, the bus and the audit log."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from . import audit, delivery, mailboxes
from .admin_base import ReadOnlyAdmin, StaffAdmin
from .models import ApiToken, AuditEntry, Delivery, Event, Membership, Organization, User

# The site's own login, with its second factor and its limits on guessing: Django's page knows neither.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.unregister(Group)  # roles are memberships, not Django groups


class Audited(StaffAdmin):
    """Accounts are Django's own to edit, by those whom its permissions allow; all staff sees them. Audited."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Any: Django's own signature."""
        super().save_model(request, obj, form, change)
        assert isinstance(request.user, User)
        changed = [name for name in form.changed_data if "password" not in name]
        action = f"{obj._meta.model_name}.{'edited' if change else 'created'}"
        audit.record_staff(request.user, action, obj, fields=changed)


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ("organization",)


@admin.register(User)
class UserAdmin(Audited, DjangoUserAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active", "memberships__organization")
    search_fields = ("email", "name")
    ordering = ("email",)
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "time_zone", "language")}),
        ("May", {"fields": ("is_active", "is_staff", "is_superuser")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)
    inlines = (MembershipInline,)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Any: Django's own signature. A former address opens the account no longer."""
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            mailboxes.forget(obj)
            mailboxes.know(obj)


@admin.register(Organization)
class OrganizationAdmin(Audited):
    list_display = ("name", "slug", "currency", "time_zone", "mfa_policy", "created_at")
    list_filter = ("currency", "mfa_policy")
    search_fields = ("name", "slug", "legal_name", "vat_id")


@admin.register(Membership)
class MembershipAdmin(Audited):
    list_display = ("user", "organization", "role", "all_sites")
    list_filter = ("organization", "role", "all_sites")
    search_fields = ("user__email", "user__name")
    autocomplete_fields = ("user", "organization")
    list_select_related = ("user", "organization")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ("name", "prefix", "membership", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("membership__organization",)
    search_fields = ("name", "prefix", "membership__user__email")
    list_select_related = ("membership__user",)
    exclude = ("digest",)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "created_at", "payload")
    list_filter = ("name", "created_at")
    search_fields = ("name", "=id")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("id", "subscriber", "event", "state", "attempts", "due_at", "last_error")
    list_filter = ("state", "subscriber")
    search_fields = ("subscriber", "last_error", "=event__id")
    list_select_related = ("event",)
    actions = ("try_again",)

    @admin.action(description="Try dead deliveries again", permissions=["view"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        assert isinstance(request.user, User)
        ids = list(queryset.values_list("pk", flat=True))
        count = delivery.revive(ids)
        audit.record_staff(request.user, "delivery.revived", None, deliveries=ids)
        messages.success(request, f"{count} deliveries will be tried again within ten seconds.")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "action", "object_type", "object_label", "organization", "address")
    list_filter = ("organization", "action", "at")
    search_fields = ("actor", "action", "object_label", "object_id")
    list_select_related = ("organization",)
