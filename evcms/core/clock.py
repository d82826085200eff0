"""The only place that reads the time.

Everything that stores, compares or prints a moment calls `now()`. Tests move the clock of *all* processes
at once (web, gateway, worker, supervisor) by writing an offset into one small file; outside tests the file
is never looked at.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

TESTING_VARIABLE = "EVCMS_TESTING"
FILE_VARIABLE = "EVCMS_CLOCK_FILE"

_ZERO = timedelta(0)


class ClockIsReal(RuntimeError):
    """Somebody tried to move the clock of a real system."""


class _Offset:
    """The offset as last read: one `stat` per reading, the file itself only when it changed."""

    def __init__(self) -> None:
        self._seen: tuple[str, int, int] | None = None
        self._value = _ZERO

    def read(self) -> timedelta:
        path = offset_file()
        if path is None:
            return _ZERO
        try:
            status = path.stat()
        except FileNotFoundError:
            self._seen, self._value = None, _ZERO
            return _ZERO
        seen = (str(path), status.st_mtime_ns, status.st_ino)
        if seen != self._seen:
            self._value = timedelta(seconds=float(path.read_text("ascii")))
            self._seen = seen
        return self._value


_offset = _Offset()


def testing() -> bool:
    """Is this process part of a test? Only then may the clock be moved."""
    return os.environ.get(TESTING_VARIABLE) == "1"


def offset_file() -> Path | None:
    """The file with the offset in seconds; None in a real system, whatever the environment says."""
    name = os.environ.get(FILE_VARIABLE, "")
    return Path(name) if name and testing() else None


def offset() -> timedelta:
    """How far the clock of this installation runs ahead of the machine's (zero but in tests)."""
    return _offset.read()


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC) + offset()


def set_offset(offset: timedelta) -> None:
    """Move the clock of every process that shares the offset file. Tests only.

    The file is replaced in one step, so no process ever reads half a number.

    Raises:
        ClockIsReal: outside tests, or when no offset file is named.
    """
    path = offset_file()
    if path is None:
        raise ClockIsReal(f"The clock can only be moved with {TESTING_VARIABLE}=1 and {FILE_VARIABLE} set.")
    if offset == _ZERO:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(repr(offset.total_seconds()), "ascii")
    draft.replace(path)


def advance(by: timedelta) -> None:
    """Move the clock of every process on from where it stands. Tests only."""
    set_offset(offset() + by)
