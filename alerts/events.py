"""Facts about trouble."""

from evcms.core.events import event


@event
class IncidentOpened:
    incident_id: int


@event
class IncidentResolved:
    incident_id: int


@event
class IncidentRaised:
    """It is worse than it was."""

    incident_id: int


@event
class IncidentAcknowledged:
    incident_id: int
