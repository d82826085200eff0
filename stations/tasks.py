"""The clockwork of this room: each task calls the service of its name. All may run twice, late, or side by side."""

from celery import shared_task

from . import services


@shared_task(name="stations.sweep_gateways")
def sweep_gateways() -> int:
    """Every 10 s."""
    return services.sweep_gateways()


@shared_task(name="stations.expire_commands")
def expire_commands() -> int:
    """Every 10 s."""
    return services.expire_commands()


@shared_task(name="stations.run_maintenance")
def run_maintenance() -> int:
    """Every 10 s."""
    return services.run_maintenance()


@shared_task(name="stations.take_connectors")
def take_connectors() -> int:
    """Every 10 s."""
    return services.take_connectors()


@shared_task(name="stations.derive_availability")
def derive_availability() -> int:
    """Every half minute; what one run does not reach the next does."""
    return services.derive_availability(most=2_000)


@shared_task(name="stations.count_availability_days")
def count_availability_days() -> int:
    """Every minute; what one run does not reach the next does."""
    return services.count_availability_days()


@shared_task(name="stations.run_bulk")
def run_bulk() -> int:
    """Every 10 s, and at once when one is confirmed."""
    return services.run_bulk()


@shared_task(name="stations.run_imports")
def run_imports() -> int:
    """Every 10 s, and at once when a table is brought or confirmed."""
    return services.run_imports()


@shared_task(name="stations.prune_drafts")
def prune_drafts() -> int:
    """Every night."""
    return services.prune_drafts() + services.prune_imports() + services.prune_tags()


@shared_task(name="stations.make_statements")
def make_statements() -> int:
    """Every hour: what one run does not reach the next does."""
    return services.make_statements()


@shared_task(name="stations.extend_plans")
def extend_plans() -> int:
    """Every night."""
    return services.extend_plans()


@shared_task(name="stations.prune_messages")
def prune_messages() -> int:
    """Every night, in small batches."""
    return services.prune_messages() + services.prune_fleeting()


@shared_task(name="stations.lose_reports")
def lose_reports() -> int:
    """Every 10 s; works hours after the last word."""
    return services.lose_firmware() + services.lose_logs()


@shared_task(name="stations.prune_reports")
def prune_reports() -> int:
    """Every night, in small batches."""
    return services.prune_reports() + services.prune_files()
