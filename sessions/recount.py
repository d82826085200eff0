"""The energy of a session counted again from the readings that are kept: for those who want proof."""

from .models import ChargingSession, MeterSample
from .services import _accounts


def energy_of(session: ChargingSession) -> int | None:
    """mWh, as if all readings came now in order; None when none are kept any more."""
    if not MeterSample.objects.filter(session=session).exists():
        return None
    meter, _rows, _believed = _accounts.counted(session, session.ended_at)
    return meter.energy_mwh
