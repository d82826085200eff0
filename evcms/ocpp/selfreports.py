"""What stations say of their firmware and logs, in our words: all versions spell these statuses alike. Pure.

OCPP 1.6 7.16 and 7.25, its security whitepaper 5.7 and 5.14, OCPP 2.x FirmwareStatusEnumType, UploadLogStatusEnumType
and PublishFirmwareStatusEnumType. A word that none of them has is kept verbatim and moves nothing.
"""

from typing import Final

from evcms.ocpp.charger import Charger, Payload
from evcms.ocpp.readings import parse_time
from stations.reports import FirmwareKind, FirmwareReport, FirmwareState, LogKind, LogReport, LogState, SecurityReport

IDLE: Final = "Idle"
FIRMWARE_STATES: Final = {
    "DownloadScheduled": FirmwareState.SCHEDULED,
    "Downloading": FirmwareState.DOWNLOADING,
    "DownloadPaused": FirmwareState.PAUSED,
    "Downloaded": FirmwareState.DOWNLOADED,
    "DownloadFailed": FirmwareState.DOWNLOAD_FAILED,
    "SignatureVerified": FirmwareState.VERIFIED,
    "InvalidSignature": FirmwareState.INVALID,
    "InstallScheduled": FirmwareState.INSTALL_SCHEDULED,
    "Installing": FirmwareState.INSTALLING,
    "InstallRebooting": FirmwareState.REBOOTING,
    "Installed": FirmwareState.INSTALLED,
    "InstallationFailed": FirmwareState.INSTALL_FAILED,
    "InstallVerificationFailed": FirmwareState.INSTALL_FAILED,
    # of PublishFirmware
    "ChecksumVerified": FirmwareState.VERIFIED,
    "InvalidChecksum": FirmwareState.INVALID,
    "Published": FirmwareState.PUBLISHED,
    "PublishFailed": FirmwareState.INSTALL_FAILED,
}
LOG_STATES: Final = {
    "Uploading": LogState.UPLOADING,
    "Uploaded": LogState.UPLOADED,
    "UploadFailed": LogState.FAILED,  # 1.6 diagnostics
    "UploadFailure": LogState.FAILED,
    "BadMessage": LogState.FAILED,
    "NotSupportedOperation": LogState.FAILED,
    "PermissionDenied": LogState.FAILED,
    "AcceptedCanceled": LogState.CANCELLED,
}


def firmware(charger: Charger, payload: Payload, kind: FirmwareKind = FirmwareKind.UPDATE) -> FirmwareReport:
    status = payload["status"]
    return FirmwareReport(
        status=status,
        state=FIRMWARE_STATES.get(status),
        received_at=charger.received_at,
        request_id=payload.get("requestId"),
        kind=kind,
        info=_info(payload),
        idle=status == IDLE,
    )


def log(charger: Charger, payload: Payload, kind: LogKind | None = None) -> LogReport:
    status = payload["status"]
    return LogReport(
        status=status,
        state=LOG_STATES.get(status),
        received_at=charger.received_at,
        request_id=payload.get("requestId"),
        kind=kind,
        info=_info(payload),
        idle=status == IDLE,
    )


def security(charger: Charger, payload: Payload) -> SecurityReport:
    return SecurityReport(
        type=payload["type"],
        at=parse_time(payload["timestamp"], charger.received_at),
        received_at=charger.received_at,
        tech_info=payload.get("techInfo", ""),
    )


def _info(payload: Payload) -> str:
    """2.1 StatusInfoType."""
    said = payload.get("statusInfo") or {}
    return " ".join(text for text in (said.get("reasonCode", ""), said.get("additionalInfo", "")) if text)
