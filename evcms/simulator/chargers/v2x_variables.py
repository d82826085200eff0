"""The device model of a 2.x charger: components, variables, and what may be done with them (2.x block B, appendix)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evcms.simulator.chargers.meter import DEFAULT_MEASURANDS
from evcms.simulator.fleet import FleetConnector, FleetStation

Payload = dict[str, Any]
READ_ONLY, READ_WRITE, WRITE_ONLY = "ReadOnly", "ReadWrite", "WriteOnly"


@dataclass
class Variable:
    """One variable's Actual attribute. `evse`/`connector` 0: of the station; `instance` of the variable."""

    component: str
    name: str
    value: str
    mutability: str = READ_ONLY
    data_type: str = "string"
    unit: str = ""
    instance: str = ""
    evse: int = 0
    connector: int = 0
    values_list: str = ""
    needs_reboot: bool = False

    def accepts(self, value: str) -> bool:
        if self.data_type == "integer":
            return value.lstrip("-").isdigit()
        if self.data_type == "boolean":
            return value in ("true", "false")
        if self.data_type == "MemberList" and self.values_list:
            return set(value.split(",")) <= set(self.values_list.split(","))
        return True

    def report(self) -> Payload:
        """A row of NotifyReport."""
        attribute = {"type": "Actual", "mutability": self.mutability}
        if self.mutability != WRITE_ONLY:
            attribute["value"] = self.value
        characteristics: Payload = {"dataType": self.data_type, "supportsMonitoring": False}
        if self.unit:
            characteristics["unit"] = self.unit
        if self.values_list:
            characteristics["valuesList"] = self.values_list
        return {
            "component": self.component_payload(),
            "variable": self.variable_payload(),
            "variableAttribute": [attribute],
            "variableCharacteristics": characteristics,
        }

    def component_payload(self) -> Payload:
        if not self.evse:
            return {"name": self.component}
        evse = {"id": self.evse} | ({"connectorId": self.connector} if self.connector else {})
        return {"name": self.component, "evse": evse}

    def variable_payload(self) -> Payload:
        return {"name": self.name} | ({"instance": self.instance} if self.instance else {})


class Variables:
    """All variables of one charger; names are compared without case (2.x part 2, 1.2.6: CaseInsensitive)."""

    def __init__(self, station: FleetStation, tx_start_point: str) -> None:
        self.rows = [*_station(station, tx_start_point), *_plugs(station)]

    def value(self, component: str, name: str, instance: str = "") -> str:
        return self.find(component, name, instance)[0].value

    def find(self, component: str, name: str, instance: str = "", evse: int = 0, connector: int = 0) -> list[Variable]:
        """The matching variables; at most one, as a list."""
        return [
            row
            for row in self.rows
            if row.component.lower() == component.lower()
            and row.name.lower() == name.lower()
            and row.instance.lower() == instance.lower()
            and (row.evse, row.connector) == (evse, connector)
        ]

    def has_component(self, component: str) -> bool:
        return any(row.component.lower() == component.lower() for row in self.rows)


def _station(station: FleetStation, tx_start_point: str) -> Iterator[Variable]:
    points = "ParkingBayOccupancy,EVConnected,Authorized,DataSigned,PowerPathClosed,EnergyTransfer"

    def whole(component: str, name: str, value: str, unit: str = "", mutability: str = READ_WRITE) -> Variable:
        return Variable(component, name, value, mutability, "integer", unit)

    def flag(component: str, name: str, value: str, mutability: str = READ_WRITE) -> Variable:
        return Variable(component, name, value, mutability, "boolean")

    yield Variable("ChargingStation", "Model", station.model)
    yield Variable("ChargingStation", "VendorName", station.vendor)
    yield Variable("ChargingStation", "SerialNumber", station.serial)
    yield Variable("Controller", "FirmwareVersion", station.firmware)
    yield flag("ChargingStation", "Available", "true", READ_ONLY)
    yield Variable("ChargingStation", "AvailabilityState", "Available", data_type="OptionList")
    yield Variable("ChargingStation", "SupplyPhases", "3", data_type="integer")
    yield whole("OCPPCommCtrlr", "HeartbeatInterval", "300", "s")
    yield whole("OCPPCommCtrlr", "WebSocketPingInterval", "0", "s")
    yield Variable("OCPPCommCtrlr", "MessageTimeout", "30", READ_WRITE, "integer", "s", "Default")
    yield Variable("OCPPCommCtrlr", "MessageAttempts", "5", READ_WRITE, "integer", "", "TransactionEvent")
    yield Variable("OCPPCommCtrlr", "MessageAttemptInterval", "20", READ_WRITE, "integer", "s", "TransactionEvent")
    yield whole("OCPPCommCtrlr", "ResetRetries", "1")
    yield whole("OCPPCommCtrlr", "RetryBackOffWaitMinimum", "1", "s")
    yield Variable("OCPPCommCtrlr", "FileTransferProtocols", "HTTPS", data_type="MemberList")
    yield flag("AuthCtrlr", "Enabled", "true")
    yield flag("AuthCtrlr", "AuthorizeRemoteStart", "false")
    yield flag("AuthCtrlr", "LocalAuthorizeOffline", "true")
    yield flag("AuthCtrlr", "LocalPreAuthorize", "false")
    yield flag("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "false")
    yield flag("AuthCacheCtrlr", "Enabled", "true")
    yield whole("AuthCacheCtrlr", "LifeTime", "86400", "s")
    yield flag("LocalAuthListCtrlr", "Enabled", "false")
    yield whole("TxCtrlr", "EVConnectionTimeOut", "60", "s")
    yield flag("TxCtrlr", "StopTxOnInvalidId", "true")
    yield flag("TxCtrlr", "StopTxOnEVSideDisconnect", "true")
    yield Variable("TxCtrlr", "TxStartPoint", tx_start_point, READ_WRITE, "MemberList", values_list=points)
    yield Variable("TxCtrlr", "TxStopPoint", "EVConnected,Authorized", READ_ONLY, "MemberList", values_list=points)
    yield Variable("SampledDataCtrlr", "TxUpdatedMeasurands", DEFAULT_MEASURANDS, READ_WRITE, "MemberList")
    yield Variable("SampledDataCtrlr", "TxStartedMeasurands", "Energy.Active.Import.Register", data_type="MemberList")
    yield Variable("SampledDataCtrlr", "TxEndedMeasurands", "Energy.Active.Import.Register", data_type="MemberList")
    yield whole("SampledDataCtrlr", "TxUpdatedInterval", "60", "s")
    yield whole("SampledDataCtrlr", "TxEndedInterval", "0", "s")
    yield whole("AlignedDataCtrlr", "Interval", "0", "s")
    for instance, limit in (("GetVariables", "20"), ("SetVariables", "20"), ("GetReport", "20")):
        yield Variable("DeviceDataCtrlr", "ItemsPerMessage", limit, READ_ONLY, "integer", "", instance)
    yield flag("ReservationCtrlr", "Enabled", "true")
    yield flag("SmartChargingCtrlr", "Enabled", "true")
    yield Variable("SmartChargingCtrlr", "RateUnit", "A,W", data_type="MemberList")
    for instance in ("Tariff", "Cost"):
        yield Variable("TariffCostCtrlr", "Available", "true", READ_ONLY, "boolean", "", instance)
        yield Variable("TariffCostCtrlr", "Enabled", "true", READ_WRITE, "boolean", "", instance)
    yield Variable("TariffCostCtrlr", "Currency", "EUR", READ_WRITE)
    yield whole("SmartChargingCtrlr", "ProfileStackLevel", "10", "", READ_ONLY)
    yield whole("SecurityCtrlr", "SecurityProfile", "1" if station.password else "0", "", READ_ONLY)
    yield Variable("SecurityCtrlr", "BasicAuthPassword", "", WRITE_ONLY)
    yield Variable("SecurityCtrlr", "OrganizationName", "", READ_WRITE)
    yield Variable("ClockCtrlr", "TimeSource", "Heartbeat", READ_WRITE, "SequenceList")
    yield Variable("ClockCtrlr", "DateTime", "", READ_ONLY, "dateTime")


def web_payments() -> list[Variable]:
    """2.1 alone (C25): what the dynamic QR codes are made from. New from the factory it shows none."""
    component = "WebPaymentsCtrlr"
    return [
        Variable(component, "Enabled", "false", READ_WRITE, "boolean"),
        Variable(component, "URLTemplate", "", READ_WRITE),
        Variable(component, "TOTPVersion", "v1", READ_WRITE, "OptionList", values_list="v1"),
        Variable(component, "ValidityTime", "30", READ_WRITE, "integer", "s"),
        Variable(component, "SharedSecret", "", WRITE_ONLY),
        Variable(component, "Length", "20", READ_WRITE, "integer"),
        Variable("TxCtrlr", "SupportedLimits", "MaxEnergy,MaxTime", READ_ONLY, "MemberList"),
    ]


def _plugs(station: FleetStation) -> Iterator[Variable]:
    for evse in sorted({plug.evse_id for plug in station.connectors}):
        plugs = [plug for plug in station.connectors if plug.evse_id == evse]
        yield Variable("EVSE", "AvailabilityState", "Available", data_type="OptionList", evse=evse)
        yield Variable("EVSE", "Power", str(plugs[0].max_power_w), data_type="integer", unit="W", evse=evse)
        yield Variable("EVSE", "SupplyPhases", str(plugs[0].phases), data_type="integer", evse=evse)
        for plug in plugs:
            yield from _connector(evse, plug)


def _connector(evse: int, plug: FleetConnector) -> Iterator[Variable]:
    kinds = {"type2": "sType2", "ccs2": "cCCS2", "chademo": "cG105"}
    port = plug.connector
    kind = kinds.get(plug.plug, "Unknown")
    yield Variable("Connector", "ConnectorType", kind, evse=evse, connector=port)
    yield Variable("Connector", "AvailabilityState", "Available", data_type="OptionList", evse=evse, connector=port)
    yield Variable("Connector", "Available", "true", data_type="boolean", evse=evse, connector=port)
