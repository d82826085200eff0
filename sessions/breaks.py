"""What broke a charge off: the station's own word at its end, or the fault that its connector reported with it."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from sessions.models import ChargingSession
from sessions.verdicts import of_stop
from stations.models import StatusChange
from stations.vocabulary import ConnectorStatus

AROUND: Final = timedelta(minutes=1)  # of the end: fault and stop come in either order
SAYS_NOTHING: Final = ("", "other")  # stop reasons that leave it to the connector's status
NO_CODES: Final = ("", "NoError")


def broken_by(session: ChargingSession) -> str:
    """A stop reason or a fault's code, verbatim; empty while it runs and when it ended as charges end.

    A fault without a code is "Faulted". A query when the stop itself says nothing.
    """
    if session.ended_at is None:
        return ""
    if of_stop(session.stop_reason, energy=session.energy_mwh > 0) is not None:
        return session.stop_reason.strip()
    if session.stop_reason.strip().lower() not in SAYS_NOTHING:
        return ""
    said = statuses(session.station_id, session.connector_id, session.ended_at - AROUND, session.ended_at + AROUND)
    return next((code if code not in NO_CODES else "Faulted" for status, code in said if is_fault(status, code)), "")


def is_fault(status: str, code: str) -> bool:
    return code not in NO_CODES or status == ConnectorStatus.FAULTED


def statuses(station_id: int, connector_id: int | None, since: datetime, until: datetime) -> list[tuple[str, str]]:
    """(status, error code) that the connector and the whole station said, at most fifty."""
    rows = StatusChange.objects.filter(
        Q(connector=connector_id) if connector_id else Q(connector=None),
        station_id=station_id, happened_at__gte=since, happened_at__lte=until,
    )  # fmt: skip
    if connector_id:
        whole = StatusChange.objects.filter(
            station_id=station_id, connector=None, happened_at__gte=since, happened_at__lte=until
        )
        rows = rows | whole
    return list(rows.values_list("status", "error_code")[:50])
