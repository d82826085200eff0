"""Firmware, logs and monitors."""

from decimal import Decimal, InvalidOperation
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from stations import commands
from stations.reports import LogKind, MonitorType

from .fields import Field, FieldType, Operation, Values, own_id

YES: Final = (("yes", _("yes")), ("no", _("no")))
BASES: Final = tuple((name, name) for name in ("All", "FactoryDefault", "HardWiredOnly"))  # MonitoringBaseEnumType
MONITORING_CRITERIA: Final = ("ThresholdMonitoring", "DeltaMonitoring", "PeriodicMonitoring")
LOG_KINDS: Final = tuple((kind.value, kind.label) for kind in LogKind)
MONITOR_TYPES: Final = tuple((kind.value, kind.label) for kind in MonitorType)
_RETRIES: Final = Field("retries", FieldType.WHOLE, _("Tries"), help=_("How often the station tries again"))
_INTERVAL: Final = Field("retry_interval", FieldType.WHOLE, _("Between tries (s)"))
_FILE: Final = Field("file", FieldType.WHOLE, _("Firmware file"), help=_("Its number in the list of firmware files"))
_ADDRESS: Final = Field(
    "location", FieldType.TEXT, _("Address"), longest=2000, help=_("Where the station fetches it; empty: the file's")
)
_VERSION: Final = Field("version", FieldType.TEXT, _("Version"), longest=64, help=_("As the station will report it"))
_PART_HELP: Final = _("Component.Variable, such as ChargingStation.Temperature or EVSE:1.Power")


def _source(v: Values) -> None:
    """A file of ours, or an address."""
    if not v["location"] and v["file"] is None:
        raise ValidationError({"location": [_("A firmware file or an address is needed.")]})


def _update(v: Values) -> commands.Command:
    _source(v)
    return commands.UpdateFirmware(
        request_id=own_id(),
        location=v["location"] or "",
        file_id=v["file"],
        version=v["version"] or "",
        retrieve_at=v["retrieve_at"],
        install_at=v["install_at"],
        retries=v["retries"],
        retry_interval=v["retry_interval"],
        signature=v["signature"] or "",
        certificate=v["certificate"] or "",
    )


def _publish(v: Values) -> commands.Command:
    _source(v)
    return commands.PublishFirmware(
        request_id=own_id(),
        location=v["location"] or "",
        checksum=v["checksum"] or "",
        file_id=v["file"],
        version=v["version"] or "",
        retries=v["retries"],
        retry_interval=v["retry_interval"],
    )


def _log(v: Values) -> commands.Command:
    return commands.GetLog(
        request_id=own_id(),
        kind=LogKind(v["kind"]),
        location=v["location"] or "",
        oldest=v["oldest"],
        latest=v["latest"],
        retries=v["retries"],
        retry_interval=v["retry_interval"],
        extended=v["extended"] == "yes",
    )


def _monitor(v: Values) -> commands.Command:
    try:
        value = Decimal(v["value"])
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) >= Decimal(10) ** 12:
        raise ValidationError({"value": [_("The value must be a number.")]})
    severity = 5 if v["severity"] is None else v["severity"]
    watch = commands.WatchFor(
        v["part"], MonitorType(v["type"]), value, severity, v["transaction"] == "yes", v["monitor_id"]
    )
    return commands.SetMonitors((watch,))


def _clear(v: Values) -> commands.Command:
    texts = v["monitor_ids"]
    if not all(text.isascii() and text.isdecimal() and len(text) <= 10 for text in texts):
        raise ValidationError({"monitor_ids": [_("Monitors have whole numbers, one in a line.")]})
    return commands.ClearMonitors(tuple(map(int, texts)))


def _criteria(v: Values) -> tuple[str, ...]:
    return (v["criterion"],) if v["criterion"] else ()


ALL: Final = (
    Operation(
        "update-firmware",
        _("Update the firmware"),
        _("The station fetches a firmware, installs it and restarts. Signed when the file has a signature."),
        _update,
        (
            _FILE,
            _ADDRESS,
            _VERSION,
            Field("retrieve_at", FieldType.TIME, _("Fetch at"), help=_("Empty: now")),
            Field("install_at", FieldType.TIME, _("Install at"), help=_("Empty: when it is there; not in plain 1.6")),
            _RETRIES,
            _INTERVAL,
            Field("signature", FieldType.TEXT, _("Signature"), longest=800),
            Field("certificate", FieldType.TEXT, _("Signing certificate"), longest=5500, help=_("PEM")),
        ),
        destructive=True,
        words=("UpdateFirmware", "SignedUpdateFirmware"),
    ),
    Operation(
        "publish-firmware",
        _("Publish a firmware locally"),
        _("A local controller fetches it and keeps it for the stations behind it. OCPP 2.x only."),
        _publish,
        (
            _FILE,
            _ADDRESS,
            Field("checksum", FieldType.TEXT, _("MD5 checksum"), longest=32, help=_("Empty: the file's")),
            _VERSION,
            _RETRIES,
            _INTERVAL,
        ),
        words=("PublishFirmware",),
        only_2x=True,
    ),
    Operation(
        "unpublish-firmware",
        _("Take a published firmware back"),
        _("The local controller keeps it no more. OCPP 2.x only."),
        lambda v: commands.UnpublishFirmware(v["checksum"]),
        (Field("checksum", FieldType.TEXT, _("MD5 checksum"), required=True, longest=32),),
        destructive=True,
        words=("UnpublishFirmware",),
        only_2x=True,
    ),
    Operation(
        "get-log",
        _("Fetch a log"),
        _("The station sends its diagnostics or its security log; the file appears under Firmware & logs."),
        _log,
        (
            Field("kind", FieldType.CHOICE, _("Which"), choices=LOG_KINDS, default=LogKind.DIAGNOSTICS.value),
            Field("oldest", FieldType.TIME, _("From")),
            Field("latest", FieldType.TIME, _("Until")),
            Field(
                "location",
                FieldType.TEXT,
                _("Send it to"),
                longest=2000,
                help=_("Empty: here. Or an ftp, sftp or http address of your own"),
            ),
            _RETRIES,
            _INTERVAL,
            Field(
                "extended",
                FieldType.CHOICE,
                _("By GetLog"),
                choices=YES,
                help=_("OCPP 1.6 with the security extension, instead of GetDiagnostics"),
            ),
        ),
        words=("GetLog", "GetDiagnostics"),
    ),
    Operation(
        "set-monitor",
        _("Watch a value"),
        _("The station reports when one of its values crosses a limit, changes, or at fixed times. OCPP 2.x only."),
        _monitor,
        (
            Field("part", FieldType.TEXT, _("Value of"), required=True, longest=150, help=_PART_HELP),
            Field("type", FieldType.CHOICE, _("When it is"), choices=MONITOR_TYPES, required=True),
            Field("value", FieldType.TEXT, _("Limit, change, or seconds"), required=True, longest=20),
            Field("severity", FieldType.WHOLE, _("Severity"), help=_("0 is danger, 9 debugging; 5 when empty")),
            Field("transaction", FieldType.CHOICE, _("Only while charging"), choices=YES),
            Field("monitor_id", FieldType.WHOLE, _("Monitor"), help=_("Replaces this one; empty: a new one")),
        ),
        words=("SetVariableMonitoring",),
        only_2x=True,
    ),
    Operation(
        "clear-monitors",
        _("Watch values no more"),
        _("Removes monitors by their numbers. OCPP 2.x only."),
        _clear,
        (Field("monitor_ids", FieldType.LIST, _("Monitors"), required=True, help=_("One in a line")),),
        destructive=True,
        words=("ClearVariableMonitoring",),
        only_2x=True,
    ),
    Operation(
        "get-monitors",
        _("Ask what is watched"),
        _("The station reports its monitors; without anything all of them. OCPP 2.x only."),
        lambda v: commands.GetMonitors(own_id(), v["parts"] or (), _criteria(v)),
        (
            Field("parts", FieldType.LIST, _("Of"), help=_PART_HELP, longest=150),
            Field(
                "criterion", FieldType.CHOICE, _("Only"), choices=tuple((name, name) for name in MONITORING_CRITERIA)
            ),
        ),
        words=("GetMonitoringReport",),
        only_2x=True,
    ),
    Operation(
        "monitoring-base",
        _("Choose the set of monitors"),
        _("All, those of the factory, or only what is wired in. OCPP 2.x only."),
        lambda v: commands.SetMonitoringBase(v["base"]),
        (Field("base", FieldType.CHOICE, _("Set"), choices=BASES, required=True),),
        destructive=True,
        words=("SetMonitoringBase",),
        only_2x=True,
    ),
    Operation(
        "monitoring-level",
        _("Choose what is reported"),
        _("Events of this severity and worse are reported. OCPP 2.x only."),
        lambda v: commands.SetMonitoringLevel(v["severity"]),
        (Field("severity", FieldType.WHOLE, _("Severity"), required=True, help=_("0 is danger, 9 debugging")),),
        words=("SetMonitoringLevel",),
        only_2x=True,
    ),
)
