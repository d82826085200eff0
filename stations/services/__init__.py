"""Every write of this room. See ARCHITECTURE.md for the contract; one file for each part of it."""

from .boots import booted
from .commands import (
    command_answered,
    command_failed,
    command_sent,
    describe,
    expire_commands,
    send,
    wait_for_command,
)
from .links import (
    connected,
    disconnected,
    gateway_alive,
    gateway_ended,
    gateway_started,
    quarantine,
    refuse_handshake,
    seen,
    sole_organization,
    sweep_gateways,
)
from .statuses import ensure_connector, session_status, status_reported, statuses_reported
from .variables import variables_reported

__all__ = [
    "booted",
    "command_answered",
    "command_failed",
    "command_sent",
    "connected",
    "describe",
    "disconnected",
    "ensure_connector",
    "expire_commands",
    "gateway_alive",
    "gateway_ended",
    "gateway_started",
    "quarantine",
    "refuse_handshake",
    "seen",
    "send",
    "session_status",
    "sole_organization",
    "status_reported",
    "statuses_reported",
    "sweep_gateways",
    "variables_reported",
    "wait_for_command",
]
