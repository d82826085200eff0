"""Facts about trouble."""

from evcms.core.events import event


@event
class IncidentOpened:
    incident_id: int


@event
class IncidentResolved:
    incident_id: int
