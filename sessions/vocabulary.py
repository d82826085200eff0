"""Our words for sessions, tokens and readings. Energy is integer mWh, power integer W, current mA, voltage mV."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from sessions import verdicts

if TYPE_CHECKING:
    from .models import IdToken


class SessionState(models.TextChoices):
    """The life of a session; EVSE and EV may take turns pausing. ENDED is for good."""

    PREPARING = (
        "preparing",
        _("Preparing"),
    )  # transaction open, no energy offered yet (2.x EVConnected, Idle before charge)
    CHARGING = "charging", _("Charging")
    SUSPENDED_EV = "suspended_ev", _("Paused by the car")
    SUSPENDED_EVSE = "suspended_evse", _("Paused by the station")
    FINISHING = "finishing", _("Finishing")  # energy flow over, cable perhaps still in
    ENDED = "ended", _("Ended")


SESSION_MOVES: dict[SessionState, frozenset[SessionState]] = {
    state: frozenset(set(SessionState) - {state}) for state in SessionState if state != SessionState.ENDED
} | {SessionState.ENDED: frozenset()}


class TokenStatus(models.TextChoices):
    """What the operator says about a token; expiry is judged by time (OCPP 1.6 AuthorizationStatus, 2.x likewise)."""

    ACCEPTED = "accepted", _("Accepted")
    BLOCKED = "blocked", _("Blocked")
    EXPIRED = "expired", _("Expired")
    INVALID = "invalid", _("Invalid")


class Verdict(models.TextChoices):
    """What a charger is told about a token."""

    ACCEPTED = "accepted", _("Accepted")
    BLOCKED = "blocked", _("Blocked")
    EXPIRED = "expired", _("Expired")
    INVALID = "invalid", _("Unknown")
    CONCURRENT = "concurrent", _("Already charging elsewhere")
    NO_CREDIT = "no_credit", _("No credit")


@dataclass(frozen=True)
class TokenDecision:
    verdict: Verdict
    group_id: str = ""
    expires_at: datetime | None = None
    language: str = ""
    max_cost_minor: int | None = None  # a prepaid token's limit, for versions that can carry it

    @property
    def accepted(self) -> bool:
        return self.verdict == Verdict.ACCEPTED


class TokenType(models.TextChoices):
    """OCPP 2.0.1 IdTokenEnumType / 2.1 strings; 1.6 knows none: ISO14443 is assumed."""

    ISO14443 = "ISO14443", "RFID (ISO 14443)"
    ISO15693 = "ISO15693", "RFID (ISO 15693)"
    CENTRAL = "Central", _("Issued by us")
    EMAID = "eMAID", "eMAID"
    KEY_CODE = "KeyCode", _("Key code")
    LOCAL = "Local", _("Local")
    MAC_ADDRESS = "MacAddress", _("Car (MAC address)")
    DIRECT_PAYMENT = "DirectPayment", _("Payment terminal")
    NO_AUTHORIZATION = "NoAuthorization", _("No authorization")


class ReadingKind(models.IntegerChoices):
    """Why a reading was taken (OCPP ReadingContext)."""

    PERIODIC = 0, _("periodic")
    BEGIN = 1, _("begin")
    END = 2, _("end")
    CLOCK = 3, _("clock")
    TRIGGER = 4, _("trigger")
    OTHER = 5, _("other")


@dataclass(frozen=True)
class Sample:
    """One meterValue of any version, all values of one moment. None: not reported.

    `energy_mwh` is the import register (Energy.Active.Import.Register) as the meter shows it, not a difference;
    `interval_mwh` is Energy.Active.Import.Interval. `refused` lists values that could not be read, verbatim.
    """

    at: datetime
    kind: ReadingKind = ReadingKind.PERIODIC
    energy_mwh: int | None = None
    interval_mwh: int | None = None
    power_w: int | None = None
    offered_w: int | None = None
    current_ma: int | None = None
    voltage_mv: int | None = None
    soc_percent: int | None = None
    phases: dict[str, int] = field(default_factory=dict)  # l1_ma, l2_ma, l3_ma, l1_mv …
    other: list[dict[str, str]] = field(default_factory=list)  # remaining sampledValues, verbatim
    signed: list[dict[str, str]] = field(default_factory=list)  # OCMF and friends, unaltered
    refused: list[str] = field(default_factory=list)


class ClosedBy(models.TextChoices):
    STATION = "station", _("the station")
    SYSTEM = "system", _("closed by system")
    OPERATOR = "operator", _("an operator")


class AttemptKind(models.TextChoices):
    SCAN = "scan", _("scanned and paid")
    TAP = "tap", _("tapped a card")
    PLUG = "plug", _("plugged in")
    REMOTE = "remote", _("started from the dashboard")
    API = "api", _("started by API")


class AttemptState(models.TextChoices):
    REQUESTED = "requested", _("requested")
    STARTED = "started", _("started")
    FAILED = "failed", _("failed")
    ENDED = "ended", _("ended")


class AttemptGrouping(models.TextChoices):
    """By what a day's attempts are counted."""

    HOUR = "hour", _("hour, stage and cause")
    SITE = "site", _("site")
    MODEL = "model", _("model and firmware")


ATTEMPT_MOVES: dict[AttemptState, frozenset[AttemptState]] = {
    AttemptState.REQUESTED: frozenset({AttemptState.STARTED, AttemptState.FAILED}),
    AttemptState.STARTED: frozenset({AttemptState.ENDED, AttemptState.FAILED}),
    # the station started after we had given up; a correction brought energy
    AttemptState.FAILED: frozenset({AttemptState.STARTED, AttemptState.ENDED}),
    AttemptState.ENDED: frozenset({AttemptState.FAILED}),  # a look at the rows shows an interruption, or no energy
}


class FailureCause(models.TextChoices):
    REFUSED = "refused", _("the station refused the start")
    OFFLINE = "offline", _("the station was offline")
    TIMEOUT = "timeout", _("the station did not answer")
    NOT_PLUGGED = "not_plugged", _("no cable was plugged in in time")
    TOKEN = "token", _("the token was not accepted")
    NO_ENERGY = "no_energy", _("no energy flowed")
    PAYMENT = "payment", _("the payment failed")
    CANCELLED = "cancelled", _("cancelled")
    ABANDONED = "abandoned", _("the payment was not finished")
    TAKEN = "taken", _("somebody else was faster")
    LATE = "late", _("the payment reached us too late")
    NOTHING = "nothing", _("nothing was started")
    INTERRUPTED = "interrupted", _("charging was interrupted")


class Party(models.TextChoices):
    """The one cause of a failed attempt: whose part of the chain did not hold (sessions.verdicts)."""

    DRIVER = verdicts.Cause.DRIVER.value, _("driver")
    CAR = verdicts.Cause.CAR.value, _("car")
    STATION = verdicts.Cause.STATION.value, _("station")
    NETWORK = verdicts.Cause.NETWORK.value, _("network")
    BACKEND = verdicts.Cause.BACKEND.value, _("our backend")
    PAYMENT = verdicts.Cause.PAYMENT.value, _("payment")


class AttemptStage(models.IntegerChoices):
    """How far an attempt came (sessions.verdicts.Stage)."""

    SIGN = verdicts.Stage.SIGN.value, _("first sign")
    AUTHORIZED = verdicts.Stage.AUTHORIZED.value, _("authorized")
    PLUGGED = verdicts.Stage.PLUGGED.value, _("plugged in")
    STARTED = verdicts.Stage.STARTED.value, _("started")
    ENERGY = verdicts.Stage.ENERGY.value, _("energy flowed")
    ENDED_WELL = verdicts.Stage.ENDED_WELL.value, _("ended well")


class ReservationState(models.TextChoices):
    REQUESTED = "requested", _("requested")
    ACTIVE = "active", _("active")
    REFUSED = "refused", _("refused by the station")
    USED = "used", _("used")
    EXPIRED = "expired", _("expired")
    CANCELLED = "cancelled", _("cancelled")


class DiscrepancyKind(models.TextChoices):
    UNKNOWN_STOP = "unknown_stop", _("stop of an unknown session")
    CONFLICTING_STOP = "conflicting_stop", _("second stop with other values")
    UNKNOWN_TRANSACTION = "unknown_transaction", _("readings of an unknown session")
    REGISTER_JUMP = "register_jump", _("implausible jump of the meter")
    REGISTER_RESET = "register_reset", _("the meter ran backwards")
    NEGATIVE = "negative", _("the meter stopped below its start")
    IMPLAUSIBLE = "implausible", _("more energy than the connector can deliver")
    UNREADABLE = "unreadable", _("unreadable reading")
    SEQUENCE_GAP = "sequence_gap", _("events are missing")
    START_LOST = "start_lost", _("the start was never reported")
    STOP_LOST = "stop_lost", _("the stop was never reported")
    CLOCK = "clock", _("the station's clock is wrong")
    AFTER_END = "after_end", _("readings after the end")


class ReviewOutcome(models.TextChoices):
    ACCEPTED = "accepted", _("what the system did stands")
    CORRECTED = "corrected", _("corrected")
    DISMISSED = "dismissed", _("no problem after all")


Judge = Callable[[Sequence["IdToken"]], Sequence[Verdict | None]]
"""A further word on tokens that would be accepted (money's, given by the floor above): None lets one charge."""


@dataclass(frozen=True)
class SessionStart:
    """StartTransaction (1.6), TransactionEvent Started (2.x), or the first sign of a transaction whose start was lost.

    `transaction_id` None: 1.6, where we give the number. `evse` None: never said. `start_lost`: first seen as Updated
    or Ended.
    `state` None: the message says none (1.6), its connector's status will.
    """

    station_id: int
    protocol: str
    at: datetime
    received_at: datetime
    transaction_id: str | None = None
    evse: int | None = None
    connector: int | None = None
    token_value: str = ""
    token_type: str = TokenType.ISO14443
    meter_start_mwh: int | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    state: SessionState | None = None
    seq_no: int | None = None
    offline: bool = False
    start_lost: bool = False
    samples: tuple[Sample, ...] = ()
    judge: "Judge | None" = None


@dataclass(frozen=True)
class SessionUpdate:
    """TransactionEvent Updated. `token_value` when a card came after the plug."""

    station_id: int
    transaction_id: str
    at: datetime
    received_at: datetime
    state: SessionState | None = None
    evse: int | None = None
    connector: int | None = None
    token_value: str = ""
    token_type: str = TokenType.ISO14443
    remote_start_id: int | None = None
    seq_no: int | None = None
    offline: bool = False
    trigger: str = ""
    samples: tuple[Sample, ...] = ()
    judge: "Judge | None" = None


@dataclass(frozen=True)
class SessionEnd:
    """StopTransaction (1.6), TransactionEvent Ended (2.x). `reason` and `token_value` verbatim."""

    station_id: int
    transaction_id: str
    at: datetime
    received_at: datetime
    meter_stop_mwh: int | None = None
    reason: str = ""
    token_value: str = ""
    token_type: str = TokenType.ISO14443
    evse: int | None = None
    connector: int | None = None
    seq_no: int | None = None
    offline: bool = False
    samples: tuple[Sample, ...] = ()
    closed_by: ClosedBy = ClosedBy.STATION
    estimated: bool = False
    id_by_station: bool = False  # 2.x: an unknown id means a lost start, which the caller then starts


@dataclass(frozen=True)
class MeterReport:
    """MeterValues: readings of a transaction, or (`transaction_id` None) of an EVSE; EVSE 0 is the site's meter."""

    station_id: int
    evse: int
    samples: tuple[Sample, ...]
    received_at: datetime
    transaction_id: str | None = None


@dataclass(frozen=True)
class Updated:
    """`session_id` None: the transaction is unknown; its start was lost, and the caller starts it."""

    session_id: int | None
    decision: TokenDecision | None = None  # None: no token was presented


@dataclass(frozen=True)
class Started:
    """`session_id` None only when the station itself is unknown. `transaction_id` is what the station is told (1.6)."""

    session_id: int
    transaction_id: str
    decision: TokenDecision | None  # None: no token was presented
    created: bool


@dataclass(frozen=True)
class Ended:
    """`session_id` None: nobody's stop, kept as a Discrepancy."""

    session_id: int | None
    decision: TokenDecision | None  # validity of the token that stopped it
    changed: bool  # False: a repeat


STAYS_S: Final = tuple(minutes * 60 for minutes in (15, 30, 60, 120, 240, 480, 1440))  # one class more lies beyond
ENERGIES_MWH: Final = tuple(kwh * 1_000_000 for kwh in (1, 5, 10, 20, 30, 40, 60))


class PowerClass(models.TextChoices):
    """What drivers tell ports apart by."""

    SLOW = "slow", _("up to 43 kW")
    FAST = "fast", _("44 to 149 kW")
    HIGH = "high", _("150 kW and more")


def power_class(watts: int) -> PowerClass:
    if watts < 44_000:
        return PowerClass.SLOW
    return PowerClass.FAST if watts < 150_000 else PowerClass.HIGH
