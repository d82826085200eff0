"""Sessions that ended and starts that failed, for the early-fault alarm."""

from alerts.services import early
from evcms.core.events import subscribe
from sessions.events import SessionEnded, SessionFailed


@subscribe(SessionEnded, "alerts.early_session")
def early_session(fact: SessionEnded) -> None:
    early.session_ended(session_id=fact.session_id)


@subscribe(SessionFailed, "alerts.early_failed_start")
def early_failed_start(fact: SessionFailed) -> None:
    early.start_failed(attempt_id=fact.attempt_id)
