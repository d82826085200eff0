"""Starting, stopping, asking, setting: what every station is told."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from stations import commands

from .fields import EVSE, Field, FieldType, Operation, Values, own_id

_CONNECTOR = Field("connector", FieldType.WHOLE, _("Connector"), help=_("Of the EVSE; OCPP 2.x only"), only_2x=True)
_TOKEN = Field("id_token", FieldType.TEXT, _("Token"), required=True)
_TOKEN_TYPES = tuple(
    (name, name)
    for name in ("Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization")
)
_TOKEN_TYPE = Field("token_type", FieldType.CHOICE, _("Token type"), choices=_TOKEN_TYPES, default="Central")

# OCPP 1.6 MessageTrigger and OCPP 2.0.1/2.1 MessageTriggerEnumType together
TRIGGERS: Final = (
    "BootNotification", "StatusNotification", "Heartbeat", "MeterValues", "TransactionEvent",
    "FirmwareStatusNotification", "DiagnosticsStatusNotification", "LogStatusNotification",
    "PublishFirmwareStatusNotification", "SignChargingStationCertificate", "SignCombinedCertificate",
    "SignV2GCertificate", "SignV2G20Certificate", "CustomTrigger",
)  # fmt: skip


def _start(v: Values) -> commands.Command:
    return commands.StartCharging(
        id_token=v["id_token"],
        remote_start_id=v["remote_start_id"] or own_id(),
        evse=v["evse"],
        token_type=v["token_type"],
    )


def _reserve(v: Values) -> commands.Command:
    number = v["reservation_id"]
    return commands.ReserveNow(
        reservation_id=own_id() if number is None else number,
        id_token=v["id_token"],
        expires_at=v["expires_at"],
        evse=v["evse"],
        connector=v["connector"],
        group_id=v["group_id"] or "",
        token_type=v["token_type"],
    )


ALL: Final = (
    Operation(
        "start",
        _("Start charging"),
        _("Asks the station to begin a session for a token."),
        _start,
        (
            _TOKEN,
            EVSE,
            _TOKEN_TYPE,
            Field(
                "remote_start_id",
                FieldType.WHOLE,
                _("Remote start id"),
                help=_("Made when empty; OCPP 2.x only"),
                only_2x=True,
            ),
        ),
        words=("RemoteStartTransaction", "RequestStartTransaction"),
    ),
    Operation(
        "stop",
        _("Stop charging"),
        _("Asks the station to end a session."),
        lambda v: commands.StopCharging(v["transaction_id"]),
        (Field("transaction_id", FieldType.TEXT, _("Transaction id"), required=True, longest=40),),
        destructive=True,
        words=("RemoteStopTransaction", "RequestStopTransaction"),
    ),
    Operation(
        "reset",
        _("Restart"),
        _("Restarts the station; softly it lets sessions end first."),
        lambda v: commands.Reset(commands.ResetKind(v["kind"]), v["evse"]),
        (
            Field(
                "kind",
                FieldType.CHOICE,
                _("How"),
                default="soft",
                choices=(("soft", _("softly, when it is idle")), ("hard", _("at once"))),
            ),
            Field("evse", FieldType.WHOLE, _("EVSE"), help=_("Empty: the whole station; OCPP 2.x only"), only_2x=True),
        ),
        destructive=True,
        words=("Reset",),
    ),
    Operation(
        "unlock",
        _("Unlock the plug"),
        _("Frees a cable that is held."),
        lambda v: commands.Unlock(v["evse"], 1 if v["connector"] is None else v["connector"]),
        (Field("evse", FieldType.WHOLE, _("EVSE"), required=True, help=_("OCPP 1.6: the connector")), _CONNECTOR),
        words=("UnlockConnector",),
    ),
    Operation(
        "change-availability",
        _("Change availability"),
        _("Takes the station, or one connector, out of service or back. While charging it takes effect afterwards."),
        lambda v: commands.ChangeAvailability(commands.Availability(v["availability"]), v["evse"], v["connector"]),
        (
            Field(
                "availability",
                FieldType.CHOICE,
                _("Availability"),
                required=True,
                choices=(("operative", _("in service")), ("inoperative", _("out of service"))),
            ),
            Field("evse", FieldType.WHOLE, _("EVSE"), help=_("Empty: the whole station")),
            _CONNECTOR,
        ),
        destructive=True,
        words=("ChangeAvailability",),
    ),
    Operation(
        "trigger",
        _("Ask for a message"),
        _("Asks the station to send a message now."),
        lambda v: commands.Trigger(v["message"], v["evse"], v["connector"], v["extended"] == "yes"),
        (
            Field(
                "message",
                FieldType.TEXT,
                _("Message"),
                required=True,
                longest=50,
                help=_("Such as BootNotification, StatusNotification, Heartbeat, MeterValues"),
                suggestions=TRIGGERS,
            ),
            EVSE,
            _CONNECTOR,
            Field(
                "extended",
                FieldType.CHOICE,
                _("By ExtendedTriggerMessage"),
                choices=(("yes", _("yes")), ("no", _("no"))),
                help=_("OCPP 1.6 with the security extension"),
            ),
        ),
        words=("TriggerMessage", "ExtendedTriggerMessage"),
    ),
    Operation(
        "get-variables",
        _("Read configuration"),
        _("Reads keys (1.6) or variables (2.x); without any, all of them."),
        lambda v: commands.GetVariables(v["keys"] or ()),
        (Field("keys", FieldType.LIST, _("Keys"), help=_("One in a line; 2.x: Component.Variable")),),
        words=("GetConfiguration", "GetVariables", "GetBaseReport"),
    ),
    Operation(
        "set-variables",
        _("Change configuration"),
        _("Sets keys (1.6) or variables (2.x)."),
        lambda v: commands.SetVariables(v["values"]),
        (
            Field(
                "values",
                FieldType.PAIRS,
                _("Values"),
                required=True,
                longest=2500,
                help=_("One in a line: key=value; 2.x: Component.Variable=value"),
            ),
        ),
        words=("ChangeConfiguration", "SetVariables"),
    ),
    Operation(
        "clear-cache",
        _("Clear the token cache"),
        _("The station forgets which tokens it knew."),
        lambda v: commands.ClearCache(),
        words=("ClearCache",),
    ),
    Operation(
        "reserve",
        _("Reserve"),
        _("Keeps a connector for a token until a time."),
        _reserve,
        (
            _TOKEN,
            Field("expires_at", FieldType.TIME, _("Until"), required=True),
            EVSE,
            _CONNECTOR,
            Field("reservation_id", FieldType.WHOLE, _("Reservation id"), help=_("Made when empty")),
            Field("group_id", FieldType.TEXT, _("Group token"), longest=36),
            _TOKEN_TYPE,
        ),
        words=("ReserveNow",),
    ),
    Operation(
        "cancel-reservation",
        _("Cancel a reservation"),
        _("Frees what was reserved."),
        lambda v: commands.CancelReservation(v["reservation_id"]),
        (Field("reservation_id", FieldType.WHOLE, _("Reservation id"), required=True),),
        words=("CancelReservation",),
    ),
    Operation(
        "send-data",
        _("Send vendor data"),
        _("A message in the vendor's own words."),
        lambda v: commands.SendData(v["vendor_id"], v["message_id"] or "", v["data"] or ""),
        (
            Field("vendor_id", FieldType.TEXT, _("Vendor id"), required=True),
            Field("message_id", FieldType.TEXT, _("Message id"), longest=50),
            Field("data", FieldType.TEXT, _("Data"), longest=20_000),
        ),
        words=("DataTransfer",),
    ),
    Operation(
        "transaction-status",
        _("Ask about a transaction"),
        _("Is it still running, are messages waiting? OCPP 2.x only."),
        lambda v: commands.GetTransactionStatus(v["transaction_id"]),
        (Field("transaction_id", FieldType.TEXT, _("Transaction id"), required=True, longest=36),),
        words=("GetTransactionStatus",),
        only_2x=True,
    ),
)
