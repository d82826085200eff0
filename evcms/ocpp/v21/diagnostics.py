"""OCPP 2.1, N01: one more kind of log."""

from evcms.ocpp.charger import CommandCodec
from evcms.ocpp.v201.diagnostics import KINDS, get_log, promised, taken
from stations import commands
from stations.reports import LogKind

COMMANDS = {
    commands.GetLog: CommandCodec(get_log(KINDS | {LogKind.DATA_COLLECTOR: "DataCollectorLog"}), taken, promised)
}
