"""What this room's pages share."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils.translation import gettext as _

from evcms.core.access import Access, Permission


def access_of(request: HttpRequest, permission: Permission) -> Access:
    """The request's access. Raises PermissionDenied for somebody who is in no organization, or may not."""
    access: Access | None = getattr(request, "access", None)
    if access is None:
        raise PermissionDenied(_("You are not a member of any organization."))
    access.demand(permission)
    return access


def whole_books(request: HttpRequest) -> Access:
    """Proof, ledger and register are the organization's: who sees only some sites sees none of them."""
    access = access_of(request, Permission.MONEY)
    if not access.all_sites:
        raise PermissionDenied(_("The books are the whole organization's; you see some of its sites."))
    return access


def show_errors(form: BaseForm, error: ValidationError) -> None:
    """Puts a service's sentences beside the fields that they are about."""
    if hasattr(error, "error_dict"):
        for name, problems in error.error_dict.items():
            form.add_error(name if name in form.fields else None, problems)
    else:
        form.add_error(None, error)
