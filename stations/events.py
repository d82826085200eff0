"""Facts about stations that others build on. Connector and station ids are primary keys."""

from evcms.core.events import event


@event
class StationConnected:
    station_id: int


@event
class StationDisconnected:
    """The last live link is gone (not: an old socket after a newer one)."""

    station_id: int
    at: str  # ISO 8601


@event
class GatewayLost:
    """A gateway's lease lapsed; its stations are offline for one cause."""

    gateway_id: str
    station_ids: list[int]
    at: str


@event
class StationBooted:
    station_id: int
    reason: str


@event
class StationQuarantined:
    """An unknown station knocked for the first time."""

    station_id: int


@event
class ConnectorStatusChanged:
    """`connector_id` null: the whole station."""

    station_id: int
    connector_id: int | None
    status: str
    previous: str
    at: str
    live: bool  # False when replayed from an offline buffer


@event
class CommandAnswered:
    """A command came to its end: any final state."""

    command_id: str
    station_id: int
    kind: str
    state: str
    remote_start_id: int | None


@event
class MaintenancePlanned:
    window_id: int


@event
class MaintenanceMoved:
    """Its times are others than they were."""

    window_id: int


@event
class MaintenanceStarted:
    window_id: int


@event
class MaintenanceEnded:
    window_id: int


@event
class MaintenanceCancelled:
    window_id: int


@event
class SecurityEventReported:
    """Once however often the station says it."""

    security_event_id: int


@event
class FirmwareStatusChanged:
    """`state`: a FirmwareState of stations.reports; ends are FIRMWARE_ENDS, trouble FIRMWARE_TROUBLE."""

    update_id: int
    state: str


@event
class LogStatusChanged:
    """`state`: a LogState of stations.reports."""

    upload_id: int
    state: str


@event
class StationEventReported:
    """A datum of NotifyEvent: a threshold crossed, a value changed, and its end. What comes at its time is not told."""

    station_event_id: int
