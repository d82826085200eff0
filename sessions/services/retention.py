"""What is thrown away, and when: readings after RETENTION_SAMPLES_DAYS, people after RETENTION_PERSONAL_DAYS; 0: never.

Sessions, their energy and their hours stay: the books need them. Who charged is forgotten.
"""

from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from evcms.core import clock, retention
from sessions.models import Attempt, ChargingSession, Driver, IdToken, MeterSample


def prune_samples() -> int:
    """Removes old readings of ended sessions and of sites; returns how many."""
    border = retention.border(settings.RETENTION_SAMPLES_DAYS)
    if border is None:
        return 0
    over = Q(session=None) | Q(session__ended_at__lt=border)
    rows = MeterSample.objects.filter(over, received_at__lt=border)
    return retention.in_batches(rows, lambda batch: batch.delete())


def forget_people() -> int:
    """Erases drivers who have not charged since the border, guests' tokens and what stations reported of old tokens.

    Drivers with an account are left: the account is theirs to close; so are those who still hold a token. Returns how
    many drivers.
    """
    border = retention.border(settings.RETENTION_PERSONAL_DAYS)
    if border is None:
        return 0
    retention.in_batches(IdToken.objects.filter(guest=True, created_at__lt=border), lambda batch: batch.delete())
    sessions = ChargingSession.objects.filter(ended_at__lt=border).exclude(token_value="", stop_token_value="")
    retention.in_batches(sessions, lambda batch: batch.update(token_value="", stop_token_value=""))
    attempts = Attempt.objects.filter(at__lt=border).exclude(token_value="")
    retention.in_batches(attempts, lambda batch: batch.update(token_value=""))
    return retention.in_batches(_quiet(border), _forget)


def _quiet(border: datetime) -> QuerySet[Driver]:
    recent = ChargingSession.objects.filter(Q(ended_at=None) | Q(ended_at__gte=border), driver=OuterRef("pk"))
    held = IdToken.objects.filter(guest=False, driver=OuterRef("pk"))
    drivers = Driver.objects.filter(user=None, erased_at=None, created_at__lt=border)
    return drivers.filter(~Exists(recent), ~Exists(held))


def _forget(batch: QuerySet[Driver]) -> None:
    batch.update(name="", email="", phone="", language="", erased_at=clock.now())
