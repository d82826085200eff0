"""Where kWh or money may get lost: each check is a query that finds nothing as long as all is well.

The order matters: what explains more comes first (billing.proof.first_of_each tells one leak a session or payment).
Every check takes a `Look` and gives leaks; none changes a row.
"""

from datetime import datetime, timedelta

from billing.proof import Leak
from evcms.core import clock
from evcms.core.models import Organization

from . import bills, collected, documents, energy, journal, payments, provider
from .common import Look

CHECKS = (
    *provider.CHECKS, *payments.CHECKS, *collected.CHECKS, *energy.CHECKS, *bills.CHECKS, *documents.CHECKS,
    *journal.CHECKS, documents.goodwill_off,
)  # fmt: skip
PATIENCE = timedelta(hours=1)  # what is under way may take so long: retries, sweeps, a provider that is slow


def look_at(organization: Organization, since: datetime, until: datetime, *, provider: bool = False) -> Look:
    """`provider`: the open payments are read from the payment provider, too."""
    return Look(organization, since, until, settled_before=clock.now() - PATIENCE, ask=provider)


def find(look: Look) -> list[Leak]:
    return [leak for check in CHECKS for leak in check(look)]
