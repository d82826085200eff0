"""Who may open a page: a member with the permission. Pages of others' objects do not exist for him (404)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from evcms.core.access import Access, Permission

View = Callable[..., HttpResponseBase]


def member(permission: Permission) -> Callable[[View], View]:
    """Gives the view its `access` as second argument; without the permission the page answers 403."""

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # Any: path arguments
            access: Access | None = getattr(request, "access", None)
            if access is None:
                raise PermissionDenied(_("You are not a member of any organization."))
            access.demand(permission)
            return view(request, access, *args, **kwargs)

        return guarded

    return decorate


def complain(form: forms.BaseForm, error: ValidationError) -> None:
    """Puts what a service said to the fields that it speaks of, the rest above the form."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, errors in error.error_dict.items():
        form.add_error(name if name in form.fields else None, errors)
