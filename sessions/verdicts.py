"""Why an attempt to charge failed: one cause for any evidence. Pure; docs/attempt-causes.md is this table, by a test.

`RULES` is the precedence: the first rule whose clue is there decides, so the order of the clues plays no part. What
somebody said in so many words comes before what we conclude; of those, the link of the chain without which the others
had no chance: money, our own systems, the line, the car (by the station's word), the station, the driver.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


class Cause(StrEnum):
    """Whose part of the chain did not hold."""

    PAYMENT = "payment"
    BACKEND = "backend"
    NETWORK = "network"
    STATION = "station"
    CAR = "car"
    DRIVER = "driver"


class Stage(IntEnum):
    """How far an attempt came. Each step takes all before it for granted once energy flows."""

    SIGN = 0
    AUTHORIZED = 1
    PLUGGED = 2
    STARTED = 3
    ENERGY = 4
    ENDED_WELL = 5


class Clue(StrEnum):
    """What the rows say. Several may hold at once."""

    PAYMENT_DECLINED = "payment_declined"
    NO_CREDIT = "no_credit"
    PAYMENT_LATE = "payment_late"
    OUR_ERROR = "our_error"
    GATEWAY_LOST = "gateway_lost"
    OUR_RESET = "our_reset"
    CANCELLED = "cancelled"
    OFFLINE = "offline"
    CAR_ERROR = "car_error"
    EMERGENCY = "emergency"
    FAULT = "fault"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    POWER_LOSS = "power_loss"
    REBOOT = "reboot"
    STATION_PAUSED = "station_paused"
    CAR_PAUSED = "car_paused"
    TOKEN_REFUSED = "token_refused"  # noqa: S105  (a clue)
    TAKEN = "taken"
    ABANDONED = "abandoned"
    NOT_PLUGGED = "not_plugged"
    NOT_IDENTIFIED = "not_identified"
    CHANGED_MIND = "changed_mind"
    STOP_LOST = "stop_lost"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True)
class Rule:
    """`counted`: does it count against the success rate; `firm`: it was said, not concluded: two firm ones that name
    different causes are a contradiction that a person looks at.
    """

    clue: Clue
    cause: Cause
    when: str
    why: str
    example: str
    counted: bool = True
    firm: bool = True


RULES: Final = (
    Rule(
        Clue.PAYMENT_DECLINED, Cause.PAYMENT, "the bank or the payment provider refused",
        "without money nothing else was even asked for", "card declined, 3-D Secure failed",
    ),
    Rule(
        Clue.NO_CREDIT, Cause.PAYMENT, "the token is known, its account may not charge",
        "the card worked, the money behind it did not", "prepaid balance used up, open debt",
    ),
    Rule(
        Clue.PAYMENT_LATE, Cause.BACKEND, "the hold reached us too late to start",
        "the driver had paid in time; the news of it was ours to carry", "a webhook that took eleven minutes",
    ),
    Rule(
        Clue.OUR_ERROR, Cause.BACKEND, "we answered the station with an internal error",
        "the station asked rightly and got no answer it could use", "InternalError on StartTransaction",
    ),
    Rule(
        Clue.GATEWAY_LOST, Cause.BACKEND, "our gateway was down in the middle of it",
        "the line broke at our end", "the gateway's process died",
    ),
    Rule(
        Clue.OUR_RESET, Cause.BACKEND, "we had the station restarted in the middle of it",
        "it did what we asked for", "Reset sent while the driver tapped",
    ),
    Rule(
        Clue.CANCELLED, Cause.BACKEND, "one of us called the start off",
        "not the driver's doing, and no failure of the equipment", "an operator cancels a request", counted=False,
    ),
    Rule(
        Clue.OFFLINE, Cause.NETWORK, "the station had no link to us",
        "what it could not hear it could not do", "its SIM card lost the mobile network",
    ),
    Rule(
        Clue.CAR_ERROR, Cause.CAR, "the station names the car as the trouble",
        "it spoke with the car, we did not; its own fault code says so", "EVCommunicationError",
    ),
    Rule(
        Clue.EMERGENCY, Cause.STATION, "the emergency stop was pressed",
        "a safety circuit of the station ended it, whoever pressed", "stop reason EmergencyStop",
    ),
    Rule(
        Clue.FAULT, Cause.STATION, "the station reported a fault",
        "it says itself that it cannot deliver", "GroundFailure, status Faulted",
    ),
    Rule(
        Clue.REFUSED, Cause.STATION, "the station refused the start",
        "it was asked, heard it, and said no", "RemoteStartTransaction answered Rejected",
    ),
    Rule(
        Clue.NO_ANSWER, Cause.STATION, "the station is linked but did not answer",
        "the line stood: its software was stuck", "no answer to RequestStartTransaction in 60 s",
    ),
    Rule(
        Clue.POWER_LOSS, Cause.STATION, "the power at the station went away",
        "the supply belongs to the site", "stop reason PowerLoss",
    ),
    Rule(
        Clue.REBOOT, Cause.STATION, "the station restarted by itself",
        "nobody had asked it to", "stop reason Reboot",
    ),
    Rule(
        Clue.TOKEN_REFUSED, Cause.DRIVER, "the token is unknown, blocked or expired",
        "everything worked but the card; it counts, for a driver stood there without help", "a card of another network",
    ),
    Rule(
        Clue.STATION_PAUSED, Cause.STATION, "started, and the station held the energy back",
        "SuspendedEVSE is the station's own word", "no power left for this plug", firm=False,
    ),
    Rule(
        Clue.CAR_PAUSED, Cause.CAR, "started, and the car took nothing",
        "SuspendedEV: energy was offered and not drawn", "a charging timer, a full battery", firm=False,
    ),
    Rule(
        Clue.TAKEN, Cause.DRIVER, "somebody else was faster at this plug",
        "the plug did charge a car", "two drivers, one connector", counted=False,
    ),
    Rule(
        Clue.ABANDONED, Cause.DRIVER, "the payment page was left",
        "nobody and nothing said no", "looked at the amount held and drove on", counted=False,
    ),
    Rule(
        Clue.NOT_PLUGGED, Cause.DRIVER, "accepted, and no cable was plugged in in time",
        "the station waited for the car", "tapped, then could not find the cable", counted=False, firm=False,
    ),
    Rule(
        Clue.NOT_IDENTIFIED, Cause.DRIVER, "plugged in, and nobody tapped or paid",
        "the station waited for a card", "parked and plugged in, left to eat", counted=False, firm=False,
    ),
    Rule(
        Clue.CHANGED_MIND, Cause.DRIVER, "ended by hand within two minutes, before energy flowed",
        "no time for anything to fail", "plugged in at the wrong station", counted=False, firm=False,
    ),
    Rule(
        Clue.STOP_LOST, Cause.NETWORK, "it charged, and its end was never reported",
        "the driver was served, the record is an estimate", "the stop was lost on the way", firm=False,
    ),
    Rule(
        Clue.UNEXPLAINED, Cause.STATION, "nothing above holds",
        "the benefit of the doubt is the driver's: look at the station first", "energy never came, nobody says why",
        firm=False,
    ),
)  # fmt: skip

BY_CLUE: Final = {rule.clue: rule for rule in RULES}


def judge(clues: Collection[Clue]) -> Rule:
    """The one rule that decides, whatever the evidence and its order; none at all is UNEXPLAINED."""
    return next((rule for rule in RULES if rule.clue in clues), BY_CLUE[Clue.UNEXPLAINED])


def contradictory(clues: Collection[Clue]) -> bool:
    """Do firm clues name different causes?"""
    return len({rule.cause for rule in RULES if rule.firm and rule.clue in clues}) > 1


# Stop reasons: OCPP 1.6 Reason, 2.0.1 and 2.1 ReasonEnumType, lower case. What is not here is an ordinary end.
STOPS: Final = {
    "emergencystop": Clue.EMERGENCY,
    "powerloss": Clue.POWER_LOSS,
    "reboot": Clue.REBOOT,
    "hardreset": Clue.REBOOT,
    "softreset": Clue.REBOOT,
    "immediatereset": Clue.REBOOT,
    "groundfault": Clue.FAULT,
    "overcurrentfault": Clue.FAULT,
    "powerquality": Clue.FAULT,
    "deauthorized": Clue.TOKEN_REFUSED,
    "reqenergytransferrejected": Clue.CAR_ERROR,
    "timeout": Clue.NOT_PLUGGED,
    "localoutofcredit": Clue.NO_CREDIT,
}
BY_HAND: Final = frozenset({"local", "remote", "evdisconnected", "stoppedbyev", "unlockcommand"})
CAR_CODES: Final = frozenset({"evcommunicationerror"})  # fault codes that blame the car
RESETS: Final = frozenset({"reboot", "hardreset", "softreset", "immediatereset"})
AFTER_ENERGY: Final = frozenset({Clue.NOT_PLUGGED, Clue.NO_CREDIT})  # with energy these are ordinary ends


def of_stop(reason: str, *, energy: bool) -> Clue | None:
    """What a stop reason tells; None for an ordinary end."""
    clue = STOPS.get(reason.strip().lower())
    return None if energy and clue in AFTER_ENERGY else clue


def of_fault(code: str) -> Clue:
    return Clue.CAR_ERROR if code.strip().lower() in CAR_CODES else Clue.FAULT


def stage(*, authorized: bool, plugged: bool, started: bool, energy: bool, well: bool) -> Stage:
    """The last step without a gap before it."""
    if energy:
        return Stage.ENDED_WELL if well else Stage.ENERGY
    steps = (authorized, plugged or started, started)
    return Stage(next((number for number, done in enumerate(steps) if not done), len(steps)))


def as_table() -> str:
    """The precedence as docs/attempt-causes.md has it, markdown."""
    head = "| | Cause | When | Why it comes here | For example | Clue | Counts |\n|---|---|---|---|---|---|---|\n"
    rows = [
        f"| {number} | {rule.cause} | {rule.when} | {rule.why} | {rule.example} | `{rule.clue}` | "
        f"{'yes' if rule.counted else 'no'} |\n"
        for number, rule in enumerate(RULES, 1)
    ]
    return head + "".join(rows)
