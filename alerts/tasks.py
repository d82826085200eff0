"""Celery's side of alerts."""

from celery import shared_task

from . import services


@shared_task(name="alerts.send")
def send() -> int:
    """Hands over what is queued; nudged by notify(), swept every ten seconds."""
    return services.send_due()


@shared_task(name="alerts.sweep")
def sweep() -> None:
    """Every ten seconds: dark stations, returned gateways."""
    services.sweep()


@shared_task(name="alerts.recover")
def recover() -> int:
    """Automatic steps that are due; nudged by answers of stations, swept every ten seconds."""
    return services.recover()


@shared_task(name="alerts.tell")
def tell() -> int:
    """Chains that are due and what they tell; nudged by incidents, swept every ten seconds."""
    services.wake()
    return services.tell()


@shared_task(name="alerts.prune_contacts")
def prune_contacts() -> int:
    """Nightly: old addresses and the words of old mails."""
    return services.prune_contacts()


@shared_task(name="alerts.offer")
def offer() -> int:
    """Every ten seconds: freed connectors to those who wait for one, and outages that are over."""
    services.look_at_outages()
    return services.offer_free()


@shared_task(name="alerts.announce")
def announce() -> int:
    """Planned work that is to be told by now; nudged when some is planned or moved, swept every ten seconds."""
    return services.announce()


@shared_task(name="alerts.prices")
def prices() -> int:
    """Every few minutes, for prices that begin by the calendar; a changed tariff is looked at at once."""
    return services.compare_prices()


@shared_task(name="alerts.judge_stations")
def judge_stations() -> int:
    """Every half hour: how well each station serves."""
    return services.judge_stations()
