"""What pages say of the limit that a station keeps by itself."""

from billing.models import BudgetGuard
from sessions.models import ChargingSession


def offline_guard(session: ChargingSession) -> BudgetGuard | None:
    """None: the session has no hold that could be used up, or the station has not been told yet."""
    return BudgetGuard.objects.filter(session=session).first()
