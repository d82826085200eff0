"""Reads of the token pages."""

from django.db.models import CharField, Count, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.expressions import Case, When
from django.db.models.functions import Coalesce

from evcms.core import clock
from evcms.core.access import Access
from sessions.models import ChargingSession, IdToken
from sessions.vocabulary import TokenStatus


def tokens(access: Access, *, sought: str = "", status: str = "") -> QuerySet[IdToken]:
    """The organization's tokens (guest tokens of single paid starts left out), with their number of sessions.

    `shown`: the status as a charger is told it; an accepted one whose time is over is expired.
    """
    rows = IdToken.objects.filter(organization=access.organization, guest=False).select_related("driver")
    over = When(status=TokenStatus.ACCEPTED, expires_at__lte=clock.now(), then=Value(TokenStatus.EXPIRED.value))
    rows = rows.annotate(shown=Case(over, default=F("status"), output_field=CharField()))
    if sought:
        rows = rows.filter(
            Q(folded__contains=sought.strip().upper())
            | Q(label__icontains=sought)
            | Q(driver__name__icontains=sought)
            | Q(driver__email__icontains=sought)
        )
    if status:
        rows = rows.filter(shown=status)
    used = ChargingSession.objects.filter(id_token=OuterRef("pk")).order_by().values("id_token").annotate(n=Count("pk"))
    return rows.annotate(session_count=Coalesce(Subquery(used.values("n")), 0)).order_by("label", "value")
