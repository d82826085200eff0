"""The configuration keys of a 1.6 charger (1.6 chapter 9; security whitepaper edition 2, chapter 2)."""

from __future__ import annotations

from dataclasses import dataclass

from evcms.simulator.chargers.meter import DEFAULT_MEASURANDS
from evcms.simulator.fleet import FleetStation


@dataclass
class Key:
    """One key. `kind` is what ChangeConfiguration accepts: int, bool, text."""

    value: str
    readonly: bool = False
    kind: str = "text"
    needs_reboot: bool = False
    secret: bool = False  # may be written, never read

    def accepts(self, value: str) -> bool:
        if self.kind == "int":
            return value.isdigit()
        return self.kind != "bool" or value in ("true", "false")


def default_keys(station: FleetStation) -> dict[str, Key]:
    """What such a station reports when it is new."""
    return {
        "AllowOfflineTxForUnknownId": Key("false", kind="bool"),
        "AuthorizationCacheEnabled": Key("true", kind="bool"),
        "AuthorizationKey": Key("", secret=True),
        "AuthorizeRemoteTxRequests": Key("false", kind="bool"),
        "BlinkRepeat": Key("3", kind="int"),
        "ChargeProfileMaxStackLevel": Key("10", readonly=True, kind="int"),
        "ChargingScheduleAllowedChargingRateUnit": Key("Current,Power", readonly=True),
        "ChargingScheduleMaxPeriods": Key("24", readonly=True, kind="int"),
        "ClockAlignedDataInterval": Key("0", kind="int"),
        "ConnectionTimeOut": Key("60", kind="int"),
        "ConnectorPhaseRotation": Key("NotApplicable"),
        "CustomDisplayCostAndPrice": Key("true", readonly=True, kind="bool"),
        "GetConfigurationMaxKeys": Key("50", readonly=True, kind="int"),
        "HeartbeatInterval": Key("300", kind="int"),
        "LocalAuthListEnabled": Key("false", kind="bool"),
        "LocalAuthListMaxLength": Key("200", readonly=True, kind="int"),
        "LocalAuthorizeOffline": Key("true", kind="bool"),
        "LocalPreAuthorize": Key("false", kind="bool"),
        "MaxChargingProfilesInstalled": Key("20", readonly=True, kind="int"),
        "MaxEnergyOnInvalidId": Key("0", kind="int"),
        "MeterValueSampleInterval": Key("60", kind="int"),
        "MeterValuesAlignedData": Key("Energy.Active.Import.Register"),
        "MeterValuesSampledData": Key(DEFAULT_MEASURANDS),
        "MinimumStatusDuration": Key("0", kind="int"),
        "NumberOfConnectors": Key(str(len(station.connectors)), readonly=True, kind="int"),
        "ReserveConnectorZeroSupported": Key("false", readonly=True, kind="bool"),
        "ResetRetries": Key("1", kind="int"),
        "SecurityProfile": Key("1" if station.password else "0", kind="int", needs_reboot=True),
        "SendLocalListMaxLength": Key("50", readonly=True, kind="int"),
        "StopTransactionOnEVSideDisconnect": Key("true", kind="bool"),
        "StopTransactionOnInvalidId": Key("true", kind="bool"),
        "StopTxnAlignedData": Key(""),
        "StopTxnSampledData": Key("Energy.Active.Import.Register"),
        "SupportedFeatureProfiles": Key("Core,Reservation,SmartCharging,RemoteTrigger", readonly=True),
        "TransactionMessageAttempts": Key("5", kind="int"),
        "TransactionMessageRetryInterval": Key("20", kind="int"),
        "UnlockConnectorOnEVSideDisconnect": Key("true", kind="bool"),
        "WebSocketPingInterval": Key("0", kind="int"),
    }
