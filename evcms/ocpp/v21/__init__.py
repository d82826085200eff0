"""OCPP 2.1: what differs from 2.0.1. Its own schemas check every message, so equal members need no second function."""

from collections.abc import Mapping
from typing import Any

from evcms.ocpp import v201
from evcms.ocpp.charger import CommandCodec, Handler, ManyHandler
from evcms.ocpp.errors import OcppError

from . import authorization, diagnostics, monitoring, payment, remote, smart_charging, tariffs, transactions

HANDLERS: Mapping[str, Handler] = {
    **v201.HANDLERS,
    **authorization.HANDLERS,
    **transactions.HANDLERS,
    **smart_charging.HANDLERS,
    **payment.HANDLERS,
    **monitoring.HANDLERS,
}
MANY: Mapping[str, ManyHandler] = {**v201.MANY, **authorization.MANY, **transactions.MANY}
COMMANDS: Mapping[type[Any], CommandCodec] = {  # Any: classes of stations.commands
    **v201.COMMANDS,
    **remote.COMMANDS,
    **smart_charging.COMMANDS,
    **payment.COMMANDS,
    **tariffs.COMMANDS,
    **diagnostics.COMMANDS,
    **monitoring.COMMANDS,
}
ERRORS: Mapping[type[OcppError], str] = {**v201.ERRORS}
