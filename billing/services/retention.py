"""Guests' addresses go when they are old; payments, bills, receipts and refunds stay for ever: they are fiscal."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from billing.models import Account, Collection, Debt, Enrolment, Payment, PaymentMethod, WebhookEvent
from billing.vocabulary import EnrolmentState, MethodState, PaymentState
from evcms.core import clock, retention
from sessions.models import IdToken

from . import cards

OVER = (PaymentState.CAPTURED, PaymentState.RELEASED, PaymentState.EXPIRED, PaymentState.FAILED)


def prune_contacts() -> int:
    """Blanks the e-mail address of payments, collections and debts that were over RETENTION_PERSONAL_DAYS ago.

    0 days: never. Returns how many.
    """
    border = retention.border(settings.RETENTION_PERSONAL_DAYS)
    if border is None:
        return 0
    old = (
        Payment.objects.filter(state__in=OVER, created_at__lt=border),
        Collection.objects.filter(due_at=None, created_at__lt=border),
        Debt.objects.filter(closed_at__lt=border),
    )
    return sum(_blank(rows) for rows in old)


def _blank(rows: QuerySet[Any]) -> int:
    """Any: one of the models with an address."""
    return retention.in_batches(rows.exclude(email=""), lambda batch: batch.update(email=""))


def prune_webhooks() -> int:
    """Deletes webhooks applied RETENTION_EVENTS_DAYS ago (0: never). A later repeat is fetched and changes nothing."""
    border = retention.border(settings.RETENTION_EVENTS_DAYS)
    if border is None:
        return 0
    rows = WebhookEvent.objects.filter(applied_at__lt=border)
    return retention.in_batches(rows, lambda batch: batch.delete())


def _without_name(account: Account) -> None:
    """What stands on it can be found and paid out by its reference, which its driver was told when he left."""
    name = f"{_('Former driver')} {account.reference}"
    Account.objects.filter(pk=account.pk).update(name=name, email="", legal_name="", address="", vat_id="")


def forget_driver(*, driver_id: int) -> None:
    """An erased driver: his cards are forgotten here and (by the sweep) at the provider, his cars and addresses go.
    What was paid, and what is owed, stays without a name. Twice is once.
    """
    with transaction.atomic():
        for method in PaymentMethod.objects.filter(driver_id=driver_id).exclude(state=MethodState.REMOVED):
            cards.drop(method)
        cars = Enrolment.objects.filter(driver_id=driver_id)
        IdToken.objects.filter(enrolment__in=cars).delete()
        cars.update(
            token=None, vehicle_id="", label="", state=EnrolmentState.ENDED, ended_at=Coalesce("ended_at", clock.now())
        )
        for account in Account.objects.filter(driver_id=driver_id):
            _without_name(account)
        for rows in (Debt.objects, Payment.objects, Collection.objects):
            rows.filter(driver_id=driver_id).update(email="")
