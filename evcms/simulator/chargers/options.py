"""How a simulated charger behaves beyond its protocol: pace, patience and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Faults:
    """Wrong behaviour, to be switched on and off while it runs."""

    clock_skew_s: float = 0.0  # its clock is ahead by this; BootNotification's answer does not help
    energy_unit: str = "Wh"  # Wh | kWh | none (Wh without unit) | kWh_unlabelled (kWh without unit)
    lose_stops: bool = False  # StopTransaction, or Ended, never leaves
    repeat_frames: bool = False  # each CALL is sent twice with one message id
    repeat_messages: bool = False  # transaction messages come again with a new id, as if unanswered
    refuse_remote_start: bool = False
    refuse_profiles: bool = False  # SetChargingProfile is answered Rejected
    no_profiles: bool = False  # it knows no charging profiles at all (CALLERROR), nor a transactionLimit
    no_terminal: bool = False  # nobody can pay by card at the station itself
    firmware_fails: str = ""  # download | signature | install | silent: how an update goes wrong
    log_fails: str = ""  # refused | upload
    security_every_s: float = 0.0  # it reports a security event about this often; 0: only what happens
    heat_c: float = 0.0  # 2.x: the cabinet's temperature, whatever the power; 0: as it is
    flap_every_s: float = 0.0  # the link is lost about this often; 0: never
    reboot_every_s: float = 0.0  # it starts anew about this often; 0: never
    no_energy: bool = False  # it says that it charges, and nothing flows


@dataclass
class Options:
    """`speed` makes energy flow faster than the clock; samples, power and times stay those of the clock."""

    speed: int = 1
    tick_s: float = 1.0
    sample_interval_s: float | None = None  # instead of the configured MeterValueSampleInterval
    connect_timeout_s: float | None = None  # instead of the configured ConnectionTimeOut
    retry_interval_s: float | None = None  # instead of the configured TransactionMessageRetryInterval
    call_timeout_s: float = 30.0
    open_timeout_s: float = 15.0
    backoff_s: float = 1.0
    backoff_max_s: float = 30.0
    reboot_s: float = 2.0
    boot_on_reconnect: bool = False
    tx_start_point: str = ""  # 2.x: instead of the version's default TxStartPoint
    faults: Faults = field(default_factory=Faults)
