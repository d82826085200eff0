"""What all admin pages share. Staff sees every organization; whatever staff does is audited.

`ReadOnlyAdmin`: money, logs and facts – looked at, searched, acted on by named actions, never edited.
`ServiceAdmin`: configuration – edited through the same services as everywhere else.
Accounts and organizations alone (evcms/core/admin.py) need Django's own permissions to be edited.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponseRedirect
from unfold.admin import ModelAdmin

from .access import Access, Role
from .middleware import client_address
from .models import Membership, Organization, User

Row = Any  # a model's instance


def is_staff(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_active and request.user.is_staff


def staff_access(request: HttpRequest, organization: Organization | None) -> Access:
    """Staff acts in an organization as an owner would, under the name of staff.

    Raises ValidationError when the object belongs to no organization yet.
    """
    if organization is None:
        raise ValidationError("Choose the organization first.")
    user = request.user
    assert isinstance(user, User)
    membership = Membership(user=user, organization=organization, role=Role.OWNER)
    return Access(
        organization=organization,
        membership=membership,
        user=user,
        actor=f"{user} (staff)",
        address=client_address(request),
    )


class StaffAdmin(ModelAdmin):
    """Seen by all staff; nobody deletes."""

    list_per_page = 50
    show_full_result_count = False
    list_fullwidth = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_staff(request)

    def has_view_permission(self, request: HttpRequest, obj: Row = None) -> bool:
        return is_staff(request)

    def has_delete_permission(self, request: HttpRequest, obj: Row = None) -> bool:
        return False

    def organization_of(self, row: Row) -> Organization | None:
        found = getattr(row, "organization", None)
        return found if isinstance(found, Organization) else None

    def act(self, request: HttpRequest, rows: models.QuerySet[Any], work: Callable[[Access, Row], object]) -> None:
        """An action's work, row by row in the name of staff; what a service refuses is said, the others go on."""
        done = 0
        for row in rows:
            try:
                work(staff_access(request, self.organization_of(row)), row)
                done += 1
            except ValidationError as error:
                messages.error(request, f"{row}: {' '.join(error.messages)}")
            except (PermissionDenied, ObjectDoesNotExist) as error:
                messages.error(request, f"{row}: {error}")
        if done:
            messages.success(request, f"Done for {done}.")


class ReadOnlyAdmin(StaffAdmin):
    def has_add_permission(self, request: HttpRequest, obj: Row = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row = None) -> bool:
        return False


class ServiceAdmin(StaffAdmin):
    """`write(access, obj, values, change)` calls the service; what it raises is shown. `fixed`: set at the add only."""

    fixed: tuple[str, ...] = ("organization",)

    def has_add_permission(self, request: HttpRequest, obj: Row = None) -> bool:
        return is_staff(request)

    def has_change_permission(self, request: HttpRequest, obj: Row = None) -> bool:
        return is_staff(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Row = None) -> list[str]:
        shown = [str(name) for name in super().get_readonly_fields(request, obj)]
        return shown + (list(self.fixed) if obj else [])

    def write(self, access: Access, obj: Row, values: dict[str, Any], change: bool) -> models.Model:
        """Any: the form's values."""
        raise NotImplementedError

    def organization_in(self, obj: Row, values: dict[str, Any]) -> Organization | None:
        """Any: as in `write`."""
        chosen = values.get("organization") or self.organization_of(obj)
        return chosen if isinstance(chosen, Organization) else None

    def save_model(self, request: HttpRequest, obj: Row, form: Any, change: bool) -> None:
        """Any: Django's own signature."""
        values = form.cleaned_data
        stored = type(obj)._default_manager.get(pk=obj.pk) if change else obj
        access = staff_access(request, self.organization_in(stored, values))
        obj.__dict__.update(self.write(access, stored, values, change).__dict__)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """A service that refuses says why; nothing is written. Any: Django's own signature."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return HttpResponseRedirect(request.get_full_path())
        except PermissionDenied as error:
            if not str(error):
                raise
            messages.error(request, str(error))
            return HttpResponseRedirect(request.get_full_path())


def chosen(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The form's values of these fields. Any: the form's values."""
    return {name: values[name] for name in names if name in values}
