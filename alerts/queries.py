"""Reads of incidents, subscriptions and notifications, cut to what a person may see."""

from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Coalesce

from alerts.models import Incident, Notification, ProblemReport, Recipient, Rule, Subscription
from alerts.vocabulary import Audience, ChannelName, IncidentState, NotificationState, Topic
from evcms.core.access import Access
from stations.queries import visible_sites


def incidents(access: Access) -> QuerySet[Incident]:
    """Those of the organization; without all sites only those of granted sites."""
    rows = Incident.objects.filter(organization=access.organization)
    if not access.all_sites:
        sites = visible_sites(access)
        rows = rows.filter(Q(site__in=sites) | Q(station__site__in=sites))
    return rows.select_related("site", "station", "assignee")


def open_incidents(access: Access) -> QuerySet[Incident]:
    return incidents(access).exclude(state=IncidentState.RESOLVED)


def notices(incident: Incident) -> QuerySet[Notification]:
    """The proof: who was told, when, with what result."""
    return incident.notifications.prefetch_related("delivery_attempts").order_by("created_at")


def waiting_mails(access: Access) -> int:
    """Mails that have not left yet (all of them wait while no mail is configured)."""
    waiting = (NotificationState.QUEUED, NotificationState.SENDING)
    return Notification.objects.filter(organization=access.organization, state__in=waiting).count()


def rules(access: Access) -> QuerySet[Rule]:
    """Exceptions of the organization; without all sites those that concern all, or granted sites."""
    rows = Rule.objects.filter(organization=access.organization).select_related("site", "station", "policy")
    if not access.all_sites:
        sites = visible_sites(access)
        rows = rows.filter(Q(site=None, station=None) | Q(site__in=sites) | Q(station__site__in=sites))
    return rows.order_by("kind", "scope")


PLACE = (
    "connector__station__site",
    "connector__evse",
    "station__site",
    "site",
)  # what a wish's words need


def wishes_of(recipient: Recipient) -> QuerySet[Subscription]:
    """Live ones, also those that are asleep or paused."""
    return recipient.subscriptions.filter(ended_at=None).select_related("destination", *PLACE).order_by("id")


def recipient_of_driver(driver_id: int) -> Recipient | None:
    """The one of a driver's account, when there is one already."""
    rows = Recipient.objects.filter(audience=Audience.DRIVER, driver_id=driver_id)
    return rows.select_related("organization").first()


def messages_to(recipient: Recipient | None, email: str, organization_id: int, most: int) -> list[Notification]:
    """What was written to somebody by his ways, and to his mail address beside them (links to sign in, receipts); not
    what an operator's contact with the same address heard of incidents. Newest first.
    """
    his = Q(channel=ChannelName.EMAIL, to__iexact=email) if email else Q(pk=None)
    if recipient:
        his |= Q(recipient=recipient) | Q(destination__recipient=recipient)
    rows = Notification.objects.filter(his, Q(organization=organization_id) | Q(organization=None), incident=None)
    return list(rows.order_by("-pk")[:most])


def reports_by(recipient: Recipient, most: int) -> list[ProblemReport]:
    """What he reported himself, newest first."""
    rows = recipient.problem_reports.select_related("connector__station__site", "connector__evse")
    return list(rows.order_by("-pk")[:most])


def reports_of(incident: Incident) -> QuerySet[ProblemReport]:
    """What drivers reported of it, oldest first."""
    return incident.reports.select_related("connector__station", "connector__evse").order_by("created_at")


def report_photo(access: Access, public_id: str) -> str:
    """The name of a report's photo, for who sees the site; "" otherwise."""
    rows = ProblemReport.objects.filter(organization=access.organization, public_id=public_id)
    if not access.all_sites:
        rows = rows.filter(connector__station__site__in=visible_sites(access))
    return rows.values_list("photo", flat=True).first() or ""


def asked_for_free(organization_id: int, since: datetime, until: datetime) -> dict[int, int]:
    """Site → how often drivers asked to be told when something there is free again, at a port or anywhere on it."""
    rows = Subscription.objects.filter(
        recipient__organization=organization_id, topic=Topic.FREE, created_at__gte=since, created_at__lt=until
    ).annotate(place=Coalesce("site_id", "station__site_id", "connector__station__site_id"))
    counted = rows.exclude(place=None).order_by().values("place").annotate(number=Count("pk"))
    return {row["place"]: row["number"] for row in counted}
