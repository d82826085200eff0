"""The rules of sessions.verdicts in the reader's language."""

from typing import Final

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from sessions.verdicts import Clue

RULES: Final[dict[str, Promise]] = {
    Clue.PAYMENT_DECLINED: _("the bank or the payment provider refused"),
    Clue.NO_CREDIT: _("the token's account may not charge"),
    Clue.PAYMENT_LATE: _("the hold reached us too late to start"),
    Clue.OUR_ERROR: _("we answered the station with an internal error"),
    Clue.GATEWAY_LOST: _("our gateway was down in the middle of it"),
    Clue.OUR_RESET: _("we had the station restarted in the middle of it"),
    Clue.CANCELLED: _("one of us called the start off"),
    Clue.OFFLINE: _("the station had no link to us"),
    Clue.CAR_ERROR: _("the station names the car as the trouble"),
    Clue.EMERGENCY: _("the emergency stop was pressed"),
    Clue.FAULT: _("the station reported a fault"),
    Clue.REFUSED: _("the station refused the start"),
    Clue.NO_ANSWER: _("the station is linked but did not answer"),
    Clue.POWER_LOSS: _("the power at the station went away"),
    Clue.REBOOT: _("the station restarted by itself"),
    Clue.TOKEN_REFUSED: _("the token is unknown, blocked or expired"),
    Clue.STATION_PAUSED: _("started, and the station held the energy back"),
    Clue.CAR_PAUSED: _("started, and the car took nothing"),
    Clue.TAKEN: _("somebody else was faster at this plug"),
    Clue.ABANDONED: _("the payment page was left"),
    Clue.NOT_PLUGGED: _("accepted, and no cable was plugged in in time"),
    Clue.NOT_IDENTIFIED: _("plugged in, and nobody tapped or paid"),
    Clue.CHANGED_MIND: _("ended by hand within two minutes, before energy flowed"),
    Clue.STOP_LOST: _("it charged, and its end was never reported"),
    Clue.UNEXPLAINED: _("no explanation was found"),
}


def rule_text(rule: str) -> str:
    """ "The station refused the start"; "–" for an attempt that was not looked at yet."""
    return capfirst(str(RULES[rule])) if rule in RULES else "–"
