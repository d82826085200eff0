"""Who stands at the door: every operator page starts here."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from evcms.core.access import Access, Permission

View = Callable[..., HttpResponseBase]


def operator(permission: Permission = Permission.VIEW) -> Callable[[View], View]:
    """Gives the view `access` as second argument; 403 with a sentence for who may not."""

    def wrap(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # Any: path arguments
            access: Access | None = getattr(request, "access", None)
            if access is None:
                raise PermissionDenied(_("You are not a member of any organization."))
            access.demand(permission)
            return view(request, access, *args, **kwargs)

        return guarded

    return wrap
