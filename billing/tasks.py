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


@shared_task(name="billing.hold")
def hold() -> int:
    """Holds on saved cards."""
    return services.place_due()


@shared_task(name="billing.collect")
def collect() -> int:
    """Amounts from saved cards; what was paid twice goes back."""
    return services.collect_due()


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


@shared_task(name="billing.grow")
def grow() -> int:
    """Larger holds that the budget guard asked for."""
    return services.grow_due()


@shared_task(name="billing.send_evidence")
def send_evidence() -> int:
    """Evidence about disputes that people asked for."""
    return services.answer_due()


@shared_task(name="billing.read_payouts")
def read_payouts() -> int:
    """The lines of payouts that the provider told us of."""
    return services.payouts_due()


@shared_task(name="billing.read_books")
def read_books() -> int:
    """Nightly: fees, transfers to the bank, and whatever else moved our balance at the provider."""
    return services.nightly_books()


@shared_task(name="billing.reconcile")
def reconcile() -> int:
    """Nightly: the last days as the provider has them."""
    return services.reconcile_lately()


@shared_task(name="billing.prune_webhooks")
def prune_webhooks() -> int:
    """Nightly: webhooks that were applied long ago."""
    return services.prune_webhooks()


@shared_task(name="billing.issue_statements")
def issue_statements() -> int:
    """Nightly: the months of fleets that are complete."""
    return services.issue_statements()


@shared_task(name="billing.show_costs")
def show_costs() -> int:
    """Every 10 s: running costs for the stations' displays, each at most once a minute."""
    return services.show_costs()


@shared_task(name="billing.simulate")
def simulate() -> int:
    """Drafts over past sessions, in the order in which they were asked for."""
    return services.run_simulations()


@shared_task(name="billing.prune_simulations")
def prune_simulations() -> int:
    return services.prune_simulations()


@shared_task(name="billing.count_revenue")
def count_revenue() -> int:
    """Every 10 minutes: days that are settled, and those of which a bill has changed since."""
    return services.count_revenue()


@shared_task(name="billing.recount_revenue")
def recount_revenue() -> int:
    """Nightly: the last days once more."""
    return services.recount_revenue()


@shared_task(name="billing.count_ledger")
def count_ledger() -> int:
    """Every 10 minutes: days of the journal that are settled, or into which something was booked late."""
    return services.count_ledger()


@shared_task(name="billing.recount_ledger")
def recount_ledger() -> int:
    """Nightly: the last days once more."""
    return services.recount_ledger()


@shared_task(name="billing.prove")
def prove() -> int:
    """Proofs that were asked for."""
    return services.run_proofs()


@shared_task(name="billing.prove_nightly")
def prove_nightly() -> int:
    """Nightly: asks for the running month and the last one."""
    return services.prove_nightly()


@shared_task(name="billing.count_customers")
def count_customers() -> int:
    """Countings of customers that were asked for."""
    return services.count_customers()


@shared_task(name="billing.ask_customers_nightly")
def ask_customers_nightly() -> int:
    """Nightly: asks for the usual months."""
    return services.ask_customers_nightly()
