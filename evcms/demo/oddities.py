"""What waits for a person under Review: something that a station said and no machine should decide."""

from datetime import timedelta
from typing import Final

from evcms.core.models import Organization
from sessions.models import ChargingSession, Discrepancy
from sessions.vocabulary import DiscrepancyKind

LATER: Final = timedelta(minutes=14)
MORE_MWH: Final = 1_600_000


def plant(organization: Organization) -> None:
    """The newest session was stopped twice, with two meters: what came first counts, and the books still add up."""
    ended = ChargingSession.objects.filter(organization=organization).exclude(ended_at=None)
    session = ended.exclude(meter_stop_mwh=None).order_by("-ended_at", "pk").first()
    if session is None or session.ended_at is None or session.meter_stop_mwh is None:
        return
    said = {
        "transaction_id": session.transaction_id,
        "at": (session.ended_at + LATER).isoformat(),
        "meter_stop_mwh": session.meter_stop_mwh + MORE_MWH,
    }
    Discrepancy.objects.create(
        station_id=session.station_id, session=session, kind=DiscrepancyKind.CONFLICTING_STOP, detail=said
    )
