"""Sites, stations and their connectors; links, commands and exchanges; what stations report; planned work."""

from .maintenance import MaintenancePlan, MaintenanceWindow, Rhythm, TakenConnector, TakenState, WindowState
from .reports import FirmwareFile, FirmwareUpdate, LogUpload, Monitor, SecurityEvent, StationEvent
from .street import (
    CODE_ALPHABET,
    IDENTITY,
    Connector,
    Evse,
    Gateway,
    PlugType,
    PowerType,
    Site,
    SiteGrant,
    Station,
    connector_code,
)
from .talk import Command, Connection, DynamicQr, OcppMessage, RefusedHandshake, StatusChange, Variable

__all__ = [
    "CODE_ALPHABET",
    "IDENTITY",
    "Command",
    "Connection",
    "Connector",
    "DynamicQr",
    "Evse",
    "FirmwareFile",
    "FirmwareUpdate",
    "Gateway",
    "LogUpload",
    "MaintenancePlan",
    "MaintenanceWindow",
    "Monitor",
    "OcppMessage",
    "PlugType",
    "PowerType",
    "RefusedHandshake",
    "Rhythm",
    "SecurityEvent",
    "Site",
    "SiteGrant",
    "Station",
    "StationEvent",
    "StatusChange",
    "TakenConnector",
    "TakenState",
    "Variable",
    "WindowState",
    "connector_code",
]
