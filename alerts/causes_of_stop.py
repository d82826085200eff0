"""Why a charge stopped although nobody asked for it, in a driver's words."""

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sessions.facts import SessionFacts

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
    # 1.6 ChargePointErrorCode, where the stop itself gives no reason
    "GroundFailure": gettext_lazy("The station found a fault to ground and switched off."),
    "OverCurrentFailure": gettext_lazy("The car drew more current than allowed, and the station switched off."),
    "OverVoltage": gettext_lazy("The grid was not good enough to go on."),
    "UnderVoltage": gettext_lazy("The grid was not good enough to go on."),
    "HighTemperature": gettext_lazy("The station became too hot and switched off."),
    "EVCommunicationError": gettext_lazy("Station and car lost touch with each other."),
    "Other": gettext_lazy("The station gave no reason."),
}


FAULT = gettext_lazy("The station reported a fault and switched off.")


def sentence(reason: str, *, by_system: bool, language: str) -> str:
    """Empty when it ended as it should: the driver, the car, or a limit that was asked for."""
    with translation.override(language or "en"):
        if by_system:
            return _("We lost the station and closed the charge with its last reading.")
        return str(WORDS.get(reason, ""))


def of_break(found: SessionFacts, *, language: str) -> str:
    """What broke the charge off or left its end unknown; empty when it ended as charges end."""
    if not found.broken_by or found.by_system:
        return sentence("", by_system=found.by_system, language=language)
    with translation.override(language or "en"):
        return str(WORDS.get(found.broken_by, FAULT))


def in_full(found: SessionFacts, *, language: str) -> str:
    """For who reads it without the rest of a page; empty when it ended as charges end."""
    with translation.override(language or "en"):
        broken = _("Charging broke off before you ended it.") if found.broken_by and not found.by_system else ""
    return " ".join(filter(None, (broken, of_break(found, language=language))))
