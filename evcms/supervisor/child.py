"""One running part: started tied to the supervisor, its output read, ended with patience and then without."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from enum import StrEnum

from evcms.environment import BASE_DIR
from evcms.supervisor import ports
from evcms.supervisor.console import Console
from evcms.supervisor.orphans import tied_to_me
from evcms.supervisor.parts import Part

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
HEALTHY_AFTER = 60.0


class State(StrEnum):
    WAITING = "waiting"  # for a part that it needs
    STARTING = "starting"  # runs, its port does not answer yet
    RUNNING = "running"
    FALLEN = "fallen"  # ended by itself; is started again after a pause
    STOPPED = "stopped"


class Child:
    """Times come from the monotonic clock: a moved wall clock restarts nobody."""

    def __init__(self, part: Part, console: Console) -> None:
        self.part = part
        self.state = State.WAITING
        self.restarts = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._console = console
        self._pause = FIRST_PAUSE
        self._started = 0.0
        self._start_at = 0.0

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    @property
    def due(self) -> bool:
        return self.state in {State.WAITING, State.FALLEN} and time.monotonic() >= self._start_at

    def start(self) -> None:
        """In a session of its own: Ctrl-C reaches the supervisor alone, which then stops in order."""
        self.process = subprocess.Popen(
            self.part.argv,
            cwd=BASE_DIR,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.part.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=tied_to_me(),
        )
        self._started = time.monotonic()
        self.state = State.STARTING if self.part.port else State.RUNNING
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        for line in process.stdout:
            self._console.line(self.part.name, line.decode(errors="replace").rstrip("\n"))

    def look(self) -> bool:
        """Look at the process once; True when its state changed."""
        before = self.state
        if self.process is None or self.state not in {State.STARTING, State.RUNNING}:
            return False
        if (code := self.process.poll()) is not None:
            self._fell(code)
        elif self.state is State.STARTING and self.part.port and ports.answers(self.part.port):
            self.state = State.RUNNING
        if time.monotonic() - self._started > HEALTHY_AFTER:
            self._pause = FIRST_PAUSE
        return self.state is not before

    def _fell(self, code: int) -> None:
        """Its own children must not go on without it: the whole group goes."""
        self._signal(signal.SIGKILL)
        self.state = State.FALLEN
        self.restarts += 1
        self._start_at = time.monotonic() + self._pause
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        self._console.say(f"{self.part.name} {how}; it is started again in {self._pause:g} s.")
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def stop(self) -> None:
        """Ask, wait for `stop_timeout`, then insist; returns when the whole group is gone."""
        self.state = State.STOPPED
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.part.stop_timeout)
        self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number: int) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)
