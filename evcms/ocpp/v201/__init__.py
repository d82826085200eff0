"""OCPP 2.0.1: its tables. One file for each functional block; a further message is one small function there."""

from collections.abc import Mapping
from typing import Any

from evcms.ocpp import errors
from evcms.ocpp.charger import CommandCodec, Handler, ManyHandler
from evcms.ocpp.errors import OcppError

from . import (
    authorization,
    availability,
    data_transfer,
    diagnostics,
    firmware,
    metering,
    monitoring,
    prices,
    provisioning,
    remote,
    reservation,
    security,
    smart_charging,
    transactions,
)

HANDLERS: Mapping[str, Handler] = {
    **provisioning.HANDLERS,
    **availability.HANDLERS,
    **authorization.HANDLERS,
    **transactions.HANDLERS,
    **metering.HANDLERS,
    **smart_charging.HANDLERS,
    **firmware.HANDLERS,
    **diagnostics.HANDLERS,
    **security.HANDLERS,
    **monitoring.HANDLERS,
    **data_transfer.HANDLERS,
}
MANY: Mapping[str, ManyHandler] = {
    **availability.MANY,
    **authorization.MANY,
    **transactions.MANY,
    **metering.MANY,
    **security.MANY,
    **monitoring.MANY,
}
COMMANDS: Mapping[type[Any], CommandCodec] = {  # Any: classes of stations.commands
    **provisioning.COMMANDS,
    **availability.COMMANDS,
    **authorization.COMMANDS,
    **transactions.COMMANDS,
    **remote.COMMANDS,
    **reservation.COMMANDS,
    **smart_charging.COMMANDS,
    **prices.COMMANDS,
    **firmware.COMMANDS,
    **diagnostics.COMMANDS,
    **monitoring.COMMANDS,
    **data_transfer.COMMANDS,
}
ERRORS: Mapping[type[OcppError], str] = {  # 2.0.1 part 4, 4.3
    errors.FormatViolation: "FormatViolation",
    errors.OccurrenceConstraintViolation: "OccurrenceConstraintViolation",
    errors.PropertyConstraintViolation: "PropertyConstraintViolation",
    errors.TypeConstraintViolation: "TypeConstraintViolation",
    errors.ActionNotImplemented: "NotImplemented",
    errors.NotSupported: "NotSupported",
    errors.ProtocolError: "ProtocolError",
    errors.RpcFrameworkError: "RpcFrameworkError",
    errors.MessageTypeNotSupported: "MessageTypeNotSupported",
    errors.SecurityError: "SecurityError",
    errors.InternalError: "InternalError",
    errors.GenericError: "GenericError",
}
