"""The supervisor's own facts, in one file: read by `/healthz`, and by the next start after a kill."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import IO, Any

from evcms.supervisor.child import Child

FILE = "up.json"


class RunsAlready(RuntimeError):
    """A supervisor already serves this data folder."""


def lock(run_dir: Path) -> IO[str]:
    """Hold the returned file open for as long as the installation runs.

    Raises:
        RunsAlready: when another supervisor holds it.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    file = (run_dir / "up.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise RunsAlready(
            f"EVCMS already runs on {run_dir.parent} (process {file.read().strip() or 'unknown'}): "
            "stop it first, or set EVCMS_DATA_DIR to another folder."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def write(run_dir: Path, children: list[Child]) -> None:
    """Replaced in one step, so that a reader never sees half of it."""
    parts = {
        child.part.name: {
            "state": child.state,
            "restarts": child.restarts,
            "pid": child.pid,
            "argv": list(child.part.argv),
        }
        for child in children
    }
    draft = run_dir / f"{FILE}.draft"
    draft.write_text(json.dumps({"pid": os.getpid(), "parts": parts}, indent=1))
    draft.replace(run_dir / FILE)


def read(run_dir: Path) -> dict[str, Any] | None:
    """What the last supervisor wrote (Any: JSON), or None."""
    try:
        said: dict[str, Any] = json.loads((run_dir / FILE).read_text())
    except (OSError, ValueError):
        return None
    return said


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end_left_overs(run_dir: Path) -> list[str]:
    """End children of a supervisor that was killed (where the kernel did not); returns their names.

    Call it only with the lock held. A pid may belong to a stranger by now, so the command line must match.
    """
    said = read(run_dir) or {"parts": {}}
    ended = []
    for name, part in said["parts"].items():
        pid = part.get("pid")
        if pid and is_running(pid) and _command_line(pid) == " ".join(part["argv"]):
            _end(pid)
            ended.append(name)
    return ended


def _command_line(pid: int) -> str:
    said = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return said.stdout.strip()


def _end(pid: int) -> None:
    for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 2.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)
        until = time.monotonic() + patience
        while is_running(pid) and time.monotonic() < until:
            time.sleep(0.05)
