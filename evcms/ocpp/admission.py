"""What a station may say before the operator's decision lets it say everything.

2.0.1 part 2 B02.FR.02, B03: while Pending only BootNotification and what the CSMS asked for; 1.6 §4.2 says
the same of the charge point. The specification's words are the keys here: they are the same in all versions.
"""

from collections.abc import Mapping
from typing import Any, Final

from evcms.ocpp.errors import SecurityError
from stations.vocabulary import Approval

BOOT: Final = "BootNotification"
HEARTBEAT: Final = "Heartbeat"
APPROVALS: Final = {
    "Accepted": Approval.ACCEPTED,
    "Pending": Approval.QUARANTINED,
    "Rejected": Approval.REJECTED,
}
SOLICITED: Final[dict[str, tuple[str, ...]]] = {
    "GetBaseReport": ("NotifyReport",),
    "GetReport": ("NotifyReport",),
    "GetMonitoringReport": ("NotifyMonitoringReport",),
    "GetLog": ("LogStatusNotification",),
    "GetDiagnostics": ("DiagnosticsStatusNotification",),
    "UpdateFirmware": ("FirmwareStatusNotification",),
    "CustomerInformation": ("NotifyCustomerInformation",),
    "GetChargingProfiles": ("ReportChargingProfiles",),
    "GetDisplayMessages": ("NotifyDisplayMessages",),
}
TRIGGERS: Final = {
    "SignChargingStationCertificate": "SignCertificate",
    "SignV2GCertificate": "SignCertificate",
    "SignChargePointCertificate": "SignCertificate",
    "SignCombinedCertificate": "SignCertificate",
    "SignV2G20Certificate": "SignCertificate",
}


class Admission:
    """One link's permission to speak: the operator's decision, and what was asked of a pending station."""

    __slots__ = ("_asked", "approval")

    def __init__(self, approval: Approval) -> None:
        self.approval = approval
        self._asked: frozenset[str] = frozenset()

    def check(self, action: str) -> None:
        """Raises SecurityError for what the station may not say now."""
        if self.approval is Approval.ACCEPTED or action == BOOT:
            return
        if self.approval is Approval.QUARANTINED and action in self._asked:
            return
        word = "pending" if self.approval is Approval.QUARANTINED else "rejected"
        raise SecurityError(f"this station is {word}: only BootNotification is accepted now")

    def asked(self, action: str, payload: Mapping[str, Any]) -> None:
        """We sent this request to the station; its answers by message are welcome from now on."""
        if action in ("TriggerMessage", "ExtendedTriggerMessage"):
            wanted = str(payload.get("requestedMessage", ""))
            self._asked |= {TRIGGERS.get(wanted, wanted)}
        else:
            self._asked |= set(SOLICITED.get(action, ()))

    def booted(self, answer: Mapping[str, Any]) -> None:
        """The boot was answered (and committed): the answer's status is the decision."""
        self.approval = APPROVALS.get(str(answer.get("status")), self.approval)

    @property
    def may_be_told(self) -> bool:
        """Nothing is sent to a rejected station (1.6 §4.2, 2.0.1 B03.FR.03)."""
        return self.approval is not Approval.REJECTED
