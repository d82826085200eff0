"""Money's calls to the outside. The rows say what is to do, so a lost or doubled task does no harm."""

from celery import shared_task

from . import services


@shared_task(name="billing.capture")
def capture() -> int:
    """Captures and releases that are due."""
    return services.capture_due()


@shared_task(name="billing.refund")
def refund() -> int:
    return services.refund_due()


@shared_task(name="billing.apply_webhooks")
def apply_webhooks() -> int:
    return services.apply_webhooks()


@shared_task(name="billing.sweep")
def sweep() -> int:
    """Every 10 s: whatever a lost nudge or webhook, a dead worker or a silent provider left behind."""
    return services.sweep()


@shared_task(name="billing.prune_contacts")
def prune_contacts() -> int:
    """Nightly: old guests' addresses."""
    return services.prune_contacts()


@shared_task(name="billing.readers")
def readers() -> int:
    """Every 2 s: card readers that ask for a tap, and cars that wait for one."""
    return services.run_readers()


@shared_task(name="billing.watch_readers")
def watch_readers() -> int:
    """Every 30 s: which card readers the provider reaches."""
    return services.watch_readers()
