"""What a charger's error code means, for people; the code itself stands small beside it.

OCPP 1.6: ChargePointErrorCode (edition 2, 7.7). OCPP 2.x has no list of its own: NotifyEvent's `techCode` says what its
maker calls it, as a rule one of the ChargeX consortium's Minimum Required Error Codes (rev. 5, which take over 1.6's
names), some write them as "MREC2GroundFailure".
"""

import re
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NOTHING: Final = "noerror"
PREFIX: Final = re.compile(r"\Amrec[\s_-]*\d*")
WORDS: Final[dict[str, Promise]] = {
    "connectorlockfailure": _("the plug cannot be locked or unlocked"),
    "evcommunicationerror": _("no understanding with the car"),
    "groundfailure": _("current leaks to earth"),
    "groundfault": _("current leaks to earth"),
    "hightemperature": _("too hot inside"),
    "overtemperature": _("too hot inside"),
    "internalerror": _("a part inside has failed"),
    "locallistconflict": _("its list of cards contradicts ours"),
    "othererror": _("a fault that only its maker names"),
    "overcurrentfailure": _("too much current: the breaker has tripped"),
    "powermeterfailure": _("the energy meter cannot be read"),
    "powerswitchfailure": _("the power switch does not obey"),
    "readerfailure": _("the card reader does not work"),
    "resetfailure": _("it could not restart"),
    "undervoltage": _("the grid's voltage is too low"),
    "overvoltage": _("the grid's voltage is too high"),
    "weaksignal": _("its radio signal is weak"),
    # ChargeX, beyond 1.6's
    "emergencystop": _("the emergency stop is pressed"),
    "authorizationtimeout": _("nobody was authorized in time"),
    "invalidvehiclemode": _("the car is in a state that does not fit"),
    "cablecheckfault": _("the cable's insulation test failed"),
    "prechargefault": _("the voltage of car and charger did not meet"),
    "nointernet": _("it has no internet"),
    "pilotfault": _("the control line to the car is disturbed"),
    "powerloss": _("it has no power from the grid"),
    "evcontactorfault": _("the car's contactor does not switch"),
    "evsecontactorfault": _("its contactor does not switch"),
    "cableovertempderate": _("the cable is hot: it gives less power"),
    "cableovertempstop": _("the cable was too hot: it stopped"),
    "partialinsertion": _("the plug is not all the way in"),
    "capacitancefault": _("the insulation to the car is not right"),
    "resistancefault": _("the insulation to the car is too weak"),
    "proximityfault": _("it cannot tell whether a plug is in"),
    "connectorvoltagehigh": _("the voltage at the plug is too high"),
    "brokenlatch": _("the plug's latch is broken"),
    "cutcable": _("the cable is cut"),
}


def in_words(code: str) -> str:
    """Empty for no fault and for codes that only their maker knows."""
    letters = re.sub(r"[\s_-]", "", PREFIX.sub("", code.strip().lower()))
    return str(WORDS.get(letters, ""))


def headline(code: str) -> str:
    """The words, else the code as it came; empty when there is no fault."""
    return "" if code.strip().lower() == NOTHING else in_words(code) or code


def told(*codes: str) -> str:
    """Words and codes in a line: "current leaks to earth · GroundFailure · E7"."""
    words = next((word for code in codes if (word := in_words(code))), "")
    return " · ".join(filter(None, (words, *(code for code in codes if code.strip().lower() != NOTHING))))
