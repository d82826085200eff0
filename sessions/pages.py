"""Reads of the token pages."""

from django.db.models import Count, Q, QuerySet

from evcms.core.access import Access
from sessions.models import IdToken


def tokens(access: Access, *, sought: str = "", status: str = "") -> QuerySet[IdToken]:
    """The organization's tokens (guest tokens of single paid starts left out), with their number of sessions."""
    rows = IdToken.objects.filter(organization=access.organization, guest=False).select_related("driver")
    if sought:
        rows = rows.filter(
            Q(folded__contains=sought.strip().upper())
            | Q(label__icontains=sought)
            | Q(driver__name__icontains=sought)
            | Q(driver__email__icontains=sought)
        )
    if status:
        rows = rows.filter(status=status)
    return rows.annotate(session_count=Count("sessions")).order_by("label", "value")
