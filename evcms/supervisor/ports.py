"""Is a port free, does somebody listen there; and the sentence for a port that is taken."""

from __future__ import annotations

import socket

VARIABLES = {
    "web": "EVCMS_PORT",
    "gateway": "EVCMS_OCPP_PORT",
    "provider": "EVCMS_PROVIDER_PORT",
    "inbox": "EVCMS_INBOX_PORT",
    "simulator": "EVCMS_SIMULATOR_PORT",
    "smtp": "EVCMS_SMTP_PORT",
    "valkey": "EVCMS_REDIS_PORT",
}


class PortTaken(RuntimeError):
    """The message names the port, who wanted it and the variable that moves it."""


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Can a server of ours listen there now? (A port in TIME_WAIT is free, as servers set SO_REUSEADDR.)"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def some_free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def answers(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.3):
            return True
    except OSError:
        return False


def demand(wanted: dict[str, int]) -> None:
    """Check what each part wants to listen on.

    Raises:
        PortTaken: for the first port that somebody else has, or that two parts want.
    """
    seen: dict[int, str] = {}
    for part, port in wanted.items():
        variable = VARIABLES.get(part.split("-")[0], "EVCMS_OCPP_PORT")
        if port in seen:
            raise PortTaken(f"{part} and {seen[port]} both want port {port}: set {variable} to another one.")
        if not is_free(port):
            raise PortTaken(
                f"Port {port}, which {part} needs, is taken by another program: "
                f"stop that program, or set {variable} to a free port."
            )
        seen[port] = part
