"""Why a charge stopped although nobody asked for it, in a driver's words."""

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# OCPP 1.6 Reason and 2.0.1/2.1 ReasonEnumType, verbatim
WORDS = {
    "EmergencyStop": gettext_lazy("The emergency stop was pressed."),
    "GroundFault": gettext_lazy("The station found a fault to ground and switched off."),
    "OvercurrentFault": gettext_lazy("The car drew more current than allowed, and the station switched off."),
    "PowerLoss": gettext_lazy("The station lost its power."),
    "PowerQuality": gettext_lazy("The grid was not good enough to go on."),
    "Reboot": gettext_lazy("The station restarted."),
    "HardReset": gettext_lazy("The station restarted."),
    "SoftReset": gettext_lazy("The station restarted."),
    "ImmediateReset": gettext_lazy("The station restarted."),
    "ReqEnergyTransferRejected": gettext_lazy("The station could not give what the car asked for."),
    "Timeout": gettext_lazy("Car and station waited for each other too long."),
    "DeAuthorized": gettext_lazy("Your card or payment was not accepted any more."),
    "UnlockCommand": gettext_lazy("The cable was released by the operator."),
    "Other": gettext_lazy("The station gave no reason."),
}


def sentence(reason: str, *, by_system: bool, language: str) -> str:
    """Empty when it ended as it should: the driver, the car, or a limit that was asked for."""
    with translation.override(language or "en"):
        if by_system:
            return _("We lost the station and closed the charge with its last reading.")
        return str(WORDS.get(reason, ""))
