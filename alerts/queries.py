"""Reads of incidents, subscriptions and notifications, cut to what a person may see."""

from django.db.models import Q, QuerySet

from alerts.models import Incident, Notification, Rule, Subscription
from alerts.vocabulary import IncidentState, NotificationState
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


def live_subscriptions(connector_id: int) -> int:
    return Subscription.objects.filter(connector_id=connector_id, ended_at=None).count()


def rules(access: Access) -> QuerySet[Rule]:
    """Exceptions of the organization; without all sites those that concern all, or granted sites."""
    rows = Rule.objects.filter(organization=access.organization).select_related("site", "station", "policy")
    if not access.all_sites:
        sites = visible_sites(access)
        rows = rows.filter(Q(site=None, station=None) | Q(site__in=sites) | Q(station__site__in=sites))
    return rows.order_by("kind", "scope")
