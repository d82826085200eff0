"""OCPP 1.6 (JSON): its tables. One file for each functional block; a further message is one small function there."""

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
    **firmware.HANDLERS,
    **diagnostics.HANDLERS,
    **security.HANDLERS,
    **data_transfer.HANDLERS,
}
MANY: Mapping[str, ManyHandler] = {
    **availability.MANY,
    **authorization.MANY,
    **transactions.MANY,
    **metering.MANY,
    **security.MANY,
}
COMMANDS: Mapping[type[Any], CommandCodec] = {  # Any: classes of stations.commands
    **provisioning.COMMANDS,
    **availability.COMMANDS,
    **authorization.COMMANDS,
    **remote.COMMANDS,
    **reservation.COMMANDS,
    **smart_charging.COMMANDS,
    **firmware.COMMANDS,
    **diagnostics.COMMANDS,
    **data_transfer.COMMANDS,
}
ERRORS: Mapping[type[OcppError], str] = {  # OCPP-J 1.6, 4.2.3: its own spellings, and no code for a broken frame
    errors.FormatViolation: "FormationViolation",
    errors.OccurrenceConstraintViolation: "OccurenceConstraintViolation",
    errors.PropertyConstraintViolation: "PropertyConstraintViolation",
    errors.TypeConstraintViolation: "TypeConstraintViolation",
    errors.ActionNotImplemented: "NotImplemented",
    errors.NotSupported: "NotSupported",
    errors.ProtocolError: "ProtocolError",
    errors.RpcFrameworkError: "FormationViolation",
    errors.MessageTypeNotSupported: "FormationViolation",
    errors.SecurityError: "SecurityError",
    errors.InternalError: "InternalError",
    errors.GenericError: "GenericError",
}
