"""Who asks for an object that is not theirs, or not there, leaves a line in the audit log: members and API tokens."""

from datetime import timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse

from . import audit, clock
from .access import Access
from .models import AuditEntry

ACTION: Final = "access.refused"
AGAIN_AFTER: Final = timedelta(hours=1)  # a page that asks every few seconds is one line an hour


def note(request: HttpRequest, response: HttpResponse) -> None:
    """Only paths that name an object: a mistyped page is nobody's secret."""
    access: Access | None = getattr(request, "access", None)
    found = request.resolver_match
    if access is None or response.status_code not in (403, 404) or found is None or not found.kwargs:
        return
    path = request.path[:200]
    lately = AuditEntry.objects.filter(user=access.user, action=ACTION, at__gt=clock.now() - AGAIN_AFTER)
    if not lately.filter(object_label=path).exists():
        entry = audit.record(access, ACTION, method=request.method, status=response.status_code)
        AuditEntry.objects.filter(pk=entry.pk).update(object_label=path)
