"""What is thrown away, and when: readings after RETENTION_SAMPLES_DAYS, people after RETENTION_PERSONAL_DAYS; 0: never.

Sessions, their energy and their hours stay: the books need them. Who charged is forgotten.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from evcms.core import clock
from sessions.models import Attempt, ChargingSession, Driver, IdToken, MeterSample

BATCH: Final = 5_000  # rows in one transaction: other writers wait no longer than that takes
MOST_BATCHES: Final = 200


def prune_samples() -> int:
    """Removes old readings of ended sessions and of sites; returns how many."""
    if not settings.RETENTION_SAMPLES_DAYS:
        return 0
    border = clock.now() - timedelta(days=settings.RETENTION_SAMPLES_DAYS)
    over = Q(session=None) | Q(session__ended_at__lt=border)
    gone = 0
    for _ in range(MOST_BATCHES):
        with transaction.atomic():
            old = MeterSample.objects.filter(over, received_at__lt=border).order_by("pk")  # the oldest are the first
            ids = list(old.values_list("pk", flat=True)[:BATCH])
            MeterSample.objects.filter(pk__in=ids).delete()
        gone += len(ids)
        if len(ids) < BATCH:
            break
    return gone


def forget_people() -> int:
    """Erases drivers who have not charged since the border, guests' tokens and what stations reported of old tokens.

    Drivers with an account are left: the account is theirs to close. Returns how many drivers.
    """
    if not settings.RETENTION_PERSONAL_DAYS:
        return 0
    border = clock.now() - timedelta(days=settings.RETENTION_PERSONAL_DAYS)
    with transaction.atomic():
        IdToken.objects.filter(guest=True, created_at__lt=border).delete()
        old = ChargingSession.objects.filter(ended_at__lt=border)
        old.exclude(token_value="", stop_token_value="").update(token_value="", stop_token_value="")
        Attempt.objects.filter(at__lt=border).exclude(token_value="").update(token_value="")
        return _forget_drivers(border)


def _forget_drivers(border: datetime) -> int:
    recent = ChargingSession.objects.filter(Q(ended_at=None) | Q(ended_at__gte=border), driver__isnull=False)
    quiet = Driver.objects.filter(user=None, erased_at=None, created_at__lt=border)
    quiet = quiet.exclude(pk__in=recent.values("driver"))
    return quiet.update(name="", email="", phone="", language="", erased_at=clock.now())
