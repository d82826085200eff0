"""What the provider tells us: stored once and answered at once; applied by a task that fetches the object.

The mark "applied" and the effect commit together, so a crash between them loses neither.
"""

import structlog
from django.db import transaction

from billing.gateways import gateway
from billing.gateways.base import GatewayError
from billing.models import WebhookEvent
from evcms.core import audit, clock, events
from evcms.core.models import User

from . import following, moves

log = structlog.get_logger(__name__)


def receive_webhook(*, body: bytes, signature: str) -> None:
    """Raises BadNotice for what is unsigned, too old, malformed or of the other mode; PaymentsOff."""
    notice = gateway().read_notice(body, signature)
    ours = bool(notice.object_id)
    with transaction.atomic():
        WebhookEvent.objects.bulk_create(
            [WebhookEvent(
                provider_id=notice.notice_id[:80], kind=notice.kind[:80], object_id=notice.object_id[:80],
                applied_at=None if ours else clock.now(), due_at=clock.now() if ours else None,
            )],
            ignore_conflicts=True,
        )  # fmt: skip
        if ours:
            events.nudge("billing.apply_webhooks")


def apply_webhooks(*, most: int = 100) -> int:
    """Applies what is due, oldest first; returns how many were."""
    due = WebhookEvent.objects.filter(applied_at=None, due_at__lte=clock.now()).order_by("received_at", "id")
    return sum(_apply(row) for row in due[:most])


def apply_again(*, webhook_ids: list[int], staff: User) -> int:
    """Lets webhooks that were not applied be due now (an action of staff); returns how many."""
    with transaction.atomic():
        rows = WebhookEvent.objects.filter(pk__in=webhook_ids, applied_at=None)
        count = rows.update(due_at=clock.now(), error="")
        audit.record_staff(staff, "webhook.applied_again", None, webhooks=webhook_ids)
        events.nudge("billing.apply_webhooks")
    return count


def _apply(row: WebhookEvent) -> bool:
    mine = WebhookEvent.objects.filter(pk=row.pk, applied_at=None, due_at=row.due_at)
    if not mine.update(due_at=clock.now() + moves.LEASE, tries=row.tries + 1):
        return False
    try:
        found, given_back = following.look_up(row.object_id)
        with transaction.atomic():
            first = WebhookEvent.objects.filter(pk=row.pk, applied_at=None).update(
                applied_at=clock.now(), due_at=None, error="" if found else "not a payment of ours"
            )
            if first and found:
                following.catch_up(found=found, given_back=given_back)
    except GatewayError as error:
        _put_off(row, error.text)
        return False
    except Exception as error:  # a bug of ours in applying: the row must remember it, the others must go on
        log.exception("webhook not applied", notice=row.provider_id)
        _put_off(row, f"{type(error).__name__}: {error}")
        return False
    return True


def _put_off(row: WebhookEvent, error: str) -> None:
    tries = row.tries + 1
    due_at = moves.next_try(tries) if tries < moves.MOST_TRIES else None
    WebhookEvent.objects.filter(pk=row.pk, applied_at=None).update(due_at=due_at, error=error[:255])
