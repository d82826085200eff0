"""Sessions that ended and starts that failed, for the early-fault alarm."""

from alerts.events import IncidentResolved
from alerts.models import Incident
from alerts.services import early
from alerts.vocabulary import IncidentKind
from evcms.core.events import subscribe
from sessions.events import SessionEnded, SessionFailed


@subscribe(SessionEnded, "alerts.early_session")
def early_session(fact: SessionEnded) -> None:
    early.session_ended(session_id=fact.session_id)


@subscribe(IncidentResolved, "alerts.early_looked_after")
def early_looked_after(fact: IncidentResolved) -> None:
    """A person resolved it: he mended it or found nothing, and the count begins anew."""
    incident = Incident.objects.get(pk=fact.incident_id)
    by_person = incident.resolved_by not in ("", "system")
    if incident.kind == IncidentKind.EARLY_FAULT and incident.connector_id and by_person:
        early.looked_after(connector_id=incident.connector_id)


@subscribe(SessionFailed, "alerts.early_failed_start")
def early_failed_start(fact: SessionFailed) -> None:
    early.start_failed(attempt_id=fact.attempt_id)
