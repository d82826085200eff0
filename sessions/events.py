"""Facts about charging that others build on."""

from evcms.core.events import event


@event
class SessionStarted:
    session_id: int
    attempt_id: int | None
    live: bool  # False when replayed from an offline buffer


@event
class SessionJoined:
    """A running session (plugged in first) turned out to be the one that an attempt asked for."""

    session_id: int
    attempt_id: int


@event
class SessionIdentified:
    """A session that was plugged in first got its token."""

    session_id: int


@event
class DriverErased:
    """Somebody wanted to be forgotten: what is kept of him elsewhere goes, too. `address`: his e-mail, for what was
    written to it up to then (`at`, ISO 8601: he may be back with it before this is heard); whoever has heard takes it
    out of the event (`core.delivery.redact`). `farewell`: he did it himself, and one last mail says that it is done.
    """

    driver_id: int
    address: str = ""
    at: str = ""
    organization_id: int | None = None
    language: str = ""
    farewell: bool = False


@event
class SessionEnded:
    session_id: int
    attempt_id: int | None
    live: bool


@event
class SessionCorrected:
    """Late facts changed an ended session (samples, a stop after a system close)."""

    session_id: int


@event
class SessionReached:
    """A watch was crossed."""

    session_id: int
    reason: str


@event
class SessionFailed:
    """An attempt came to nothing: no session for it."""

    attempt_id: int
    cause: str


@event
class DiscrepancyFound:
    discrepancy_id: int
    station_id: int
    kind: str
