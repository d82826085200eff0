"""No process of ours outlives the one that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


def tied_to_me(number: int = signal.SIGTERM) -> Callable[[], None]:
    """A `preexec_fn` for children of this process: the kernel sends them `number` when it dies.

    Even by SIGKILL. Linux only (prctl(2)); elsewhere the next start ends what it finds in the state file.
    Start such children from the main thread: the kernel watches the thread, not the process.
    """
    parent = os.getpid()

    def tie() -> None:
        _tie(parent, number)

    return tie


def tie_to_parent(number: int = signal.SIGTERM) -> None:
    """The same, called by the child about itself (Celery's pool processes, which Celery forks)."""
    _tie(os.getppid(), number)


def _tie(parent: int, number: int) -> None:
    """The parent may have died before the call: a second look at its pid covers that."""
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)
