"""Our words for what chargers report: one vocabulary for every OCPP version. Pure but for translations."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class ConnectorStatus(models.TextChoices):
    """OCPP 1.6 names them all; 2.x says Occupied and leaves the rest to the transaction's chargingState."""

    AVAILABLE = "available", _("Available")
    PREPARING = "preparing", _("Preparing")
    CHARGING = "charging", _("Charging")
    SUSPENDED_EV = "suspended_ev", _("Paused by the car")
    SUSPENDED_EVSE = "suspended_evse", _("Paused by the station")
    FINISHING = "finishing", _("Finishing")
    RESERVED = "reserved", _("Reserved")
    UNAVAILABLE = "unavailable", _("Out of service")
    FAULTED = "faulted", _("Faulted")
    UNKNOWN = "unknown", _("Unknown")


OCCUPIED_STATUSES = frozenset(
    {
        ConnectorStatus.PREPARING,
        ConnectorStatus.CHARGING,
        ConnectorStatus.SUSPENDED_EV,
        ConnectorStatus.SUSPENDED_EVSE,
        ConnectorStatus.FINISHING,
    }
)


class Shown(models.TextChoices):
    """What a person is told about a connector: its status seen through link, station and maintenance."""

    AVAILABLE = "available", _("Available")
    OCCUPIED = "occupied", _("In use")
    CHARGING = "charging", _("Charging")
    SUSPENDED = "suspended", _("Paused")
    RESERVED = "reserved", _("Reserved")
    MAINTENANCE = "maintenance", _("Maintenance")
    UNAVAILABLE = "unavailable", _("Out of service")
    FAULTED = "faulted", _("Faulted")
    OFFLINE = "offline", _("Offline")
    UNKNOWN = "unknown", _("Unknown")


class PortState(models.TextChoices):
    """Of a port (EVSE) in the interval store; before its first sign of life it has none."""

    UP = "up", _("In order")
    DOWN = "down", _("Out of order")
    UNKNOWN = "unknown", _("Unknown")


class Cause(models.TextChoices):
    """Why a port was not up; of several at once the first here. OCPI 2.2.1, 8.4.22 calls them OUTOFORDER, INOPERATIVE,
    (nothing: somebody proved it), UNKNOWN.
    """

    FAULTED = "faulted", _("Faulted")
    UNAVAILABLE = "unavailable", _("Out of service")
    NO_DELIVERY = "no_delivery", _("Gave no power")
    OFFLINE = "offline", _("Offline")


class ExclusionKind(models.TextChoices):
    """23 CFR 680.116(b)(3) knows the first five; HOST and OTHER count only where a contract says so."""

    MAINTENANCE = "maintenance", _("Announced maintenance")
    UTILITY = "utility", _("No power from the grid")
    VEHICLE = "vehicle", _("The vehicle's fault")
    VANDALISM = "vandalism", _("Vandalism")
    DISASTER = "disaster", _("Natural disaster")
    HOST = "host", _("The site host's network or access")
    OTHER = "other", _("Something else")
    NO_DELIVERY = "no_delivery", _("It gave no power (an outage that was not reported)")


class Formula(models.TextChoices):
    NEVI = "nevi", "NEVI"
    UK = "uk", _("UK")
    SLA = "sla", _("Contract")


class Approval(models.TextChoices):
    """What the operator decided about a station; BootNotification answers Accepted, Pending, Rejected from it."""

    QUARANTINED = "quarantined", _("Waits for approval")
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")


class SecurityProfile(models.IntegerChoices):
    """OCPP security whitepaper / 2.0.1 part 2, A.1.3."""

    NONE = 0, _("0: no password")
    BASIC = 1, _("1: password")
    BASIC_TLS = 2, _("2: password over TLS")
    MUTUAL_TLS = 3, _("3: client certificate")


class CommandState(models.TextChoices):
    QUEUED = "queued", _("queued")
    SENT = "sent", _("sent")
    ACCEPTED = "accepted", _("accepted")
    REJECTED = "rejected", _("rejected")
    CALLERROR = "callerror", _("refused with an error")
    TIMEOUT = "timeout", _("no answer in time")
    OFFLINE = "offline", _("station offline")
    UNSUPPORTED = "unsupported", _("not supported by the station's version")


COMMAND_MOVES: dict[CommandState, frozenset[CommandState]] = {
    CommandState.QUEUED: frozenset(set(CommandState) - {CommandState.QUEUED}),
    CommandState.SENT: frozenset(
        {
            CommandState.ACCEPTED,
            CommandState.REJECTED,
            CommandState.CALLERROR,
            CommandState.TIMEOUT,
            CommandState.OFFLINE,
        }
    ),
    # a late answer is recorded on the row but does not undo what was concluded from the silence
    **{state: frozenset() for state in CommandState if state not in (CommandState.QUEUED, CommandState.SENT)},
}
OPEN_COMMANDS = (CommandState.QUEUED, CommandState.SENT)


class Direction(models.TextChoices):
    IN = "in", _("from the station")
    OUT = "out", _("to the station")


class MessageOutcome(models.TextChoices):
    RESULT = "result", _("answered")
    ERROR = "error", _("error")
    TIMEOUT = "timeout", _("no answer")
    IGNORED = "ignored", _("ignored")  # SEND, late and unasked answers, malformed frames
    WAITING = "waiting", _("waiting")


class RefusalReason(models.TextChoices):
    NO_SUBPROTOCOL = "no_subprotocol", _("It offered none of our OCPP versions")
    BAD_IDENTITY = "bad_identity", _("Its identity is malformed")
    WRONG_PASSWORD = "wrong_password", _("Wrong password")
    NO_PASSWORD = "no_password", _("It sent no password, but its security profile demands one")
    REJECTED = "rejected", _("The operator rejected this station")
    ARCHIVED = "archived", _("The station is archived")
    QUARANTINE_FULL = "quarantine_full", _("Too many unknown stations wait for approval")
    TOO_MANY_FAILURES = "too_many_failures", _("Too many failed attempts")
    WRONG_PROFILE = "wrong_profile", _("Its security profile needs TLS or a client certificate on this connection")


@dataclass(frozen=True)
class Boot:
    """BootNotification in any version."""

    vendor: str
    model: str
    serial_number: str = ""
    firmware_version: str = ""
    reason: str = ""  # 2.x BootReasonEnumType, verbatim
    iccid: str = ""
    imsi: str = ""


@dataclass(frozen=True)
class StatusReport:
    """StatusNotification: `evse` 0 is the whole station. 1.6 connector n is EVSE n, connector 1."""

    evse: int
    connector: int  # 0 when evse is 0
    status: ConnectorStatus | None  # None: 2.x "Occupied", which the session explains
    at: datetime | None  # the station's clock; None when it sent none
    received_at: datetime
    error_code: str = ""
    info: str = ""
    vendor_id: str = ""
    vendor_error_code: str = ""


@dataclass(frozen=True)
class BootDecision:
    approval: Approval
    interval: int  # seconds: heartbeat when accepted, next boot otherwise


@dataclass(frozen=True)
class VariableReport:
    """One reported variable (NotifyReport, GetVariables, GetConfiguration: component ''), value None when unknown."""

    component: str
    variable: str
    value: str | None
    attribute: str = "Actual"
    component_instance: str = ""
    variable_instance: str = ""
    evse: int | None = None
    connector: int | None = None
    mutability: str = ""
    data_type: str = ""
    unit: str = ""
    rebooted_needed: bool = False


@dataclass(frozen=True)
class Answer:
    """A station's answer to a command, decoded: `accepted` in our words, `status` and `payload` verbatim."""

    accepted: bool
    status: str
    payload: dict[str, Any] = field(default_factory=dict)  # Any: JSON as the station sent it
