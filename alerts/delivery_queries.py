"""Reads of what people were told, cut to what a person may see."""

from django.db.models import Prefetch, Q, QuerySet

from alerts import channels
from alerts.models import DeliveryAttempt, Destination, Notification
from alerts.queries import incidents
from alerts.services import codes, works
from alerts.vocabulary import Outcome
from evcms.core.access import Access, Permission


def notifications(access: Access) -> QuerySet[Notification]:
    """Those of the organization, newest first.

    Without all sites, or without the permission to look after incidents, only those about incidents that one sees:
    drivers' addresses are not everybody's.
    """
    rows = Notification.objects.filter(organization=access.organization)
    if not (access.all_sites and access.can(Permission.INCIDENTS)):
        rows = rows.filter(incident__in=incidents(access).order_by())
    attempts = DeliveryAttempt.objects.select_related("destination").order_by("id")
    return (
        rows.select_related("recipient", "destination", "incident", "digest", "subscription")
        .prefetch_related(Prefetch("delivery_attempts", attempts))
        .order_by("-created_at", "-id")
    )


def found(rows: QuerySet[Notification], wish: dict[str, str]) -> QuerySet[Notification]:
    """`wish`: state, channel, template, recipient and window of maintenance (numbers), q (a part of an address or
    subject); empty is any.
    """
    for name in ("state", "channel", "template"):
        if wish.get(name):
            rows = rows.filter(**{name: wish[name]})
    if wish.get("recipient", "").isdigit():
        rows = of_recipient(rows, int(wish["recipient"][:18]))
    if wish.get("window", "").isdigit():
        rows = rows.filter(key__startswith=works.key(int(wish["window"][:18])))
    words = wish.get("q", "").strip()
    if words:
        named = Q(recipient__name__icontains=words) | Q(to__icontains=words)
        rows = rows.filter(named | Q(subject__icontains=words))
    return rows


def of_recipient(rows: QuerySet[Notification], recipient_id: int) -> QuerySet[Notification]:
    """Also what went to one of his addresses alone: tests, requests to confirm."""
    return rows.filter(Q(recipient=recipient_id) | Q(destination__recipient=recipient_id))


def is_secret(row: Notification) -> bool:
    """Its words are a key that only their receiver may hold: nobody else reads them."""
    return row.template == codes.TEMPLATE


def doubles(row: Notification) -> int:
    """How often the person may have got it twice: attempts without an answer, or answered late, that another followed.

    Not where the receiver drops a second one of the same id.
    """
    attempts = list(row.delivery_attempts.all())
    return sum(any(_doubled(attempt, other) for other in attempts) for attempt in attempts)


def _doubled(attempt: DeliveryAttempt, other: DeliveryAttempt) -> bool:
    """Whether `other` was begun because nobody knew that `attempt` had arrived, and may have arrived, too."""
    if other.pk <= attempt.pk or Outcome.REFUSED in (attempt.outcome, other.outcome):
        return False
    if other.channel == attempt.channel and channels.transport(attempt.channel).DROPS_DOUBLES:
        return False
    late = attempt.ended_at is not None and other.at < attempt.ended_at
    return attempt.outcome == Outcome.UNKNOWN or (late and attempt.outcome != Outcome.BOUNCED)


def dead_addresses(access: Access) -> QuerySet[Destination]:
    """Addresses that bounced or complained, and are not used until somebody says so."""
    rows = Destination.objects.filter(organization=access.organization, disabled_at__isnull=False)
    return (rows if access.all_sites else rows.none()).select_related("recipient").order_by("-disabled_at")
