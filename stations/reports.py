"""Our words for what stations report of themselves, beside sessions and statuses: firmware, logs, security, monitors.

One vocabulary for every OCPP version; `evcms/ocpp/v*/` translate. A state moves only as its table says, so that a
repeat or a late word never takes it back.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from stations.vocabulary import CommandState


class FirmwareKind(models.TextChoices):
    UPDATE = "update", _("installed by the station")  # UpdateFirmware
    PUBLISH = "publish", _("kept for the stations behind it")  # 2.x PublishFirmware, of a local controller


class FirmwareState(models.TextChoices):
    """The life of an update. 1.6 says seven of these words, the security extension and 2.x fourteen."""

    REQUESTED = "requested", _("asked for")
    ACCEPTED = "accepted", _("accepted")
    SCHEDULED = "scheduled", _("download planned")
    DOWNLOADING = "downloading", _("downloading")
    PAUSED = "paused", _("download paused")
    DOWNLOADED = "downloaded", _("downloaded")
    VERIFIED = "verified", _("signature verified")
    INSTALL_SCHEDULED = "planned", _("installation planned")
    INSTALLING = "installing", _("installing")
    REBOOTING = "rebooting", _("restarting")
    INSTALLED = "installed", _("installed")
    PUBLISHED = "published", _("published")
    DOWNLOAD_FAILED = "undelivered", _("download failed")
    INVALID = "invalid", _("signature, certificate or checksum wrong")
    INSTALL_FAILED = "failed", _("installation failed")
    REFUSED = "refused", _("not taken by the station")
    CANCELLED = "cancelled", _("replaced by another")
    LOST = "lost", _("no word any more")


_F = FirmwareState
FIRMWARE_ENDS: Final = frozenset(
    {_F.INSTALLED, _F.PUBLISHED, _F.DOWNLOAD_FAILED, _F.INVALID, _F.INSTALL_FAILED, _F.REFUSED, _F.CANCELLED, _F.LOST}
)
FIRMWARE_TROUBLE: Final = frozenset({_F.DOWNLOAD_FAILED, _F.INVALID, _F.INSTALL_FAILED, _F.LOST})
OPEN_FIRMWARE: Final = tuple(state for state in _F if state not in FIRMWARE_ENDS)
_FETCHING: Final = frozenset({_F.SCHEDULED, _F.DOWNLOADING, _F.PAUSED})
_PUTTING: Final = frozenset({_F.INSTALLING, _F.REBOOTING})
_HERE: Final = frozenset({_F.DOWNLOADED, _F.VERIFIED, _F.INSTALL_SCHEDULED}) | _PUTTING
_DONE: Final = frozenset({_F.INSTALLED, _F.PUBLISHED})
FIRMWARE_MOVES: Final[dict[FirmwareState, frozenset[FirmwareState]]] = {
    _F.REQUESTED: frozenset(set(_F) - {_F.REQUESTED}),
    _F.ACCEPTED: _FETCHING | _HERE | FIRMWARE_ENDS,
    _F.SCHEDULED: _FETCHING - {_F.SCHEDULED} | _HERE | FIRMWARE_ENDS,
    _F.DOWNLOADING: frozenset({_F.PAUSED}) | _HERE | FIRMWARE_ENDS,
    _F.PAUSED: frozenset({_F.DOWNLOADING}) | _HERE | FIRMWARE_ENDS,  # pauses come and go
    _F.DOWNLOADED: _HERE - {_F.DOWNLOADED} | FIRMWARE_ENDS - {_F.DOWNLOAD_FAILED},
    _F.VERIFIED: frozenset({_F.INSTALL_SCHEDULED}) | _PUTTING | FIRMWARE_ENDS - {_F.DOWNLOAD_FAILED},
    _F.INSTALL_SCHEDULED: _PUTTING | FIRMWARE_ENDS - {_F.DOWNLOAD_FAILED},
    _F.INSTALLING: frozenset({_F.REBOOTING}) | FIRMWARE_ENDS - {_F.DOWNLOAD_FAILED},
    _F.REBOOTING: frozenset({_F.INSTALLING}) | FIRMWARE_ENDS - {_F.DOWNLOAD_FAILED},  # some restart before they install
    # another try of the station got further than the one that it gave up
    _F.DOWNLOAD_FAILED: _HERE | _DONE | {_F.INVALID, _F.INSTALL_FAILED},
    _F.INSTALL_FAILED: frozenset(_DONE),
    _F.LOST: _FETCHING | _HERE | FIRMWARE_ENDS - {_F.LOST, _F.REFUSED},  # it speaks again
    **{end: frozenset() for end in (_F.INSTALLED, _F.PUBLISHED, _F.INVALID, _F.REFUSED, _F.CANCELLED)},
}


class LogKind(models.TextChoices):
    DIAGNOSTICS = "diagnostics", _("diagnostics")
    SECURITY = "security", _("security log")
    DATA_COLLECTOR = "data_collector", _("data collector")  # 2.1


class LogState(models.TextChoices):
    REQUESTED = "requested", _("asked for")
    ACCEPTED = "accepted", _("accepted")
    UPLOADING = "uploading", _("uploading")
    UPLOADED = "uploaded", _("uploaded")
    FAILED = "failed", _("upload failed")
    REFUSED = "refused", _("not given by the station")
    CANCELLED = "cancelled", _("replaced by another")
    LOST = "lost", _("no word any more")


_L = LogState
LOG_ENDS: Final = frozenset({_L.UPLOADED, _L.FAILED, _L.REFUSED, _L.CANCELLED, _L.LOST})
OPEN_LOGS: Final = tuple(state for state in _L if state not in LOG_ENDS)
LOG_MOVES: Final[dict[LogState, frozenset[LogState]]] = {
    _L.REQUESTED: frozenset(set(_L) - {_L.REQUESTED}),
    _L.ACCEPTED: frozenset({_L.UPLOADING}) | LOG_ENDS,
    _L.UPLOADING: LOG_ENDS - {_L.REFUSED},
    _L.FAILED: frozenset({_L.UPLOADED}),  # another try came through
    _L.LOST: frozenset({_L.UPLOADING, _L.UPLOADED, _L.FAILED, _L.CANCELLED}),
    **{end: frozenset() for end in (_L.UPLOADED, _L.REFUSED, _L.CANCELLED)},
}
UNTOLD: Final = frozenset(  # ends of a command that say: the station does not do it
    {CommandState.REJECTED, CommandState.CALLERROR, CommandState.UNSUPPORTED, CommandState.OFFLINE}
)

# OCPP 2.0.1 part 2, appendix 1 "Security events" (and 2.1's, and the names of the 1.6 security whitepaper, section 3):
# those that a station must report at once. Others it only has to log.
CRITICAL_SECURITY_EVENTS: Final = frozenset(
    {
        "FirmwareUpdated",
        "SettingSystemTime",
        "StartupOfTheDevice",
        "ResetOrReboot",
        "SecurityLogWasCleared",
        "MemoryExhaustion",
        "TamperDetectionActivated",
        "InvalidFirmwareSignature",
        "InvalidFirmwareSigningCertificate",
        "InvalidCsmsCertificate",
        "InvalidCentralSystemCertificate",
        "InvalidChargingStationCertificate",
        "InvalidChargePointCertificate",
        "DiscardedRenewedClientCertificate",
        "InvalidTLSVersion",
        "InvalidTLSCipherSuite",
        "MaintenanceLoginAccepted",
        "MaintenanceLoginFailed",
    }
)
# "Critical" or not, these tell of a station's ordinary life
ROUTINE_SECURITY_EVENTS: Final = frozenset(
    {
        "FirmwareUpdated",
        "SettingSystemTime",
        "StartupOfTheDevice",
        "ResetOrReboot",
        "ReconfigurationOfSecurityParameters",
    }
)


class EventTrigger(models.TextChoices):
    """Why a station sent a value (2.x EventTriggerEnumType)."""

    ALERTING = "alerting", _("crossed a threshold")
    DELTA = "delta", _("changed")
    PERIODIC = "periodic", _("at its time")


class MonitorSeverity(models.IntegerChoices):
    """How grave a monitor's event is (2.x, VariableMonitoring.severity): the smaller the worse."""

    DANGER = 0, _("danger")
    HARDWARE = 1, _("hardware failure")
    SYSTEM = 2, _("system failure")
    CRITICAL = 3, _("critical")
    ERROR = 4, _("error")
    ALERT = 5, _("alert")
    WARNING = 6, _("warning")
    NOTICE = 7, _("notice")
    INFORMATION = 8, _("information")
    DEBUG = 9, _("debug")


PROBLEM: Final = "problem"  # the variable by which any component says that something is wrong with it (true, false)
LEAST_ALARM: Final = MonitorSeverity.ERROR  # from alert on (5) the station goes on serving, says the specification


class MonitorType(models.TextChoices):
    """2.x MonitorEnumType; the last two are 2.1's."""

    UPPER = "upper", _("above")
    LOWER = "lower", _("below")
    DELTA = "delta", _("changes by")
    PERIODIC = "periodic", _("every (s)")
    CLOCK = "clock", _("every (s), on the clock")
    TARGET = "target", _("off its target by")
    TARGET_SHARE = "target_share", _("off its target by the share of")


@dataclass(frozen=True)
class Part:
    """Whose value it is: a variable of a component (2.x device model)."""

    component: str
    variable: str
    component_instance: str = ""
    variable_instance: str = ""
    evse: int | None = None
    connector: int | None = None


@dataclass(frozen=True)
class SecurityReport:
    """SecurityEventNotification. `at` by the station's clock."""

    type: str
    at: datetime
    received_at: datetime
    tech_info: str = ""


@dataclass(frozen=True)
class FirmwareReport:
    """FirmwareStatusNotification and its kin. `state` None: a word that we do not know, or Idle (nothing under way)."""

    status: str  # verbatim
    state: FirmwareState | None
    received_at: datetime
    request_id: int | None = None
    kind: FirmwareKind = FirmwareKind.UPDATE
    info: str = ""
    idle: bool = False


@dataclass(frozen=True)
class LogReport:
    """DiagnosticsStatusNotification and LogStatusNotification; `state` None as in FirmwareReport."""

    status: str  # verbatim
    state: LogState | None
    received_at: datetime
    request_id: int | None = None
    kind: LogKind | None = None  # 1.6 diagnostics alone say it
    info: str = ""
    idle: bool = False


@dataclass(frozen=True)
class EventReport:
    """One datum of NotifyEvent."""

    event_id: int
    part: Part
    value: str
    trigger: EventTrigger
    at: datetime
    received_at: datetime
    notification: str = ""  # EventNotificationEnumType, verbatim
    cause: int | None = None  # id of the event that this one follows from
    monitor_id: int | None = None
    severity: int | None = None  # 2.1 says it; 2.0.1 leaves it with the monitor
    cleared: bool = False
    tech_code: str = ""
    tech_info: str = ""
    transaction_id: str = ""


@dataclass(frozen=True)
class MonitorReport:
    """One monitor of a station, as it said or as it took it from us. `value`: decimal text."""

    monitor_id: int
    part: Part
    type: MonitorType
    value: str
    severity: int
    transaction: bool = False
    notification: str = ""


def decimal_text(value: Decimal | int) -> str:
    """A number as text without an exponent; one beyond sense as it is, cut."""
    number = Decimal(value)
    return format(number, "f")[:40] if number.is_finite() and abs(number.adjusted()) < 40 else str(number)[:40]
