"""What all admin pages share. Staff sees every organization; whatever staff does is audited.

`ReadOnlyAdmin`: money, logs and facts – looked at, searched, acted on by named actions, never edited.
`ServiceAdmin`: configuration – edited through the same services as everywhere else.
"""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponseRedirect
from unfold.admin import ModelAdmin

from .access import Access, Role
from .middleware import client_address
from .models import Membership, Organization, User


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


class ReadOnlyAdmin(ModelAdmin):
    list_per_page = 50
    show_full_result_count = False
    list_fullwidth = True

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class ServiceAdmin(ModelAdmin):
    """`write(access, obj, values, change)` calls the service; what it raises is shown. Nothing is deleted."""

    list_per_page = 50
    show_full_result_count = False
    list_fullwidth = True

    def write(self, access: Access, obj: Any, values: dict[str, Any], change: bool) -> models.Model:
        """Any: the model's instance and its form's values."""
        raise NotImplementedError

    def organization_of(self, obj: Any, values: dict[str, Any]) -> Organization | None:
        """Any: as in `write`."""
        chosen = values.get("organization") or getattr(obj, "organization", None)
        return chosen if isinstance(chosen, Organization) else None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Any: Django's own signature."""
        values = form.cleaned_data
        stored = type(obj)._default_manager.get(pk=obj.pk) if change else obj
        written = self.write(staff_access(request, self.organization_of(stored, values)), stored, values, change)
        obj.__dict__.update(written.__dict__)

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

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
