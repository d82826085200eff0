"""What the parts say: each line with its part's name on the terminal, and in a rotating file of its own."""

from __future__ import annotations

import logging
import sys
import threading
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

COLOURS = (36, 32, 33, 35, 34, 96, 92, 95)
LARGEST_FILE = 5_000_000
FILES_KEPT = 3
WIDTH = 9
EVERYDAY = ('"level": "info"', '"level": "debug"', "[info ", "[debug ")  # as evcms.settings.LOGGING writes them


class Console:
    """Called from one thread per part; whole lines never mix.

    The files keep everything; the terminal leaves everyday lines out unless `chatty`, so that what matters
    stays in sight.
    """

    def __init__(self, log_dir: Path, out: TextIO | None = None, *, chatty: bool = True) -> None:
        self._out = out or sys.stdout
        self._colours = self._out.isatty()
        self._log_dir = log_dir
        self._chatty = chatty
        self._lock = threading.RLock()  # a signal handler may speak while the main thread does
        self._files: dict[str, logging.Handler] = {}
        log_dir.mkdir(parents=True, exist_ok=True)

    def line(self, part: str, words: str) -> None:
        with self._lock:
            self._file(part).emit(logging.makeLogRecord({"msg": words}))
            if self._chatty or not any(mark in words for mark in EVERYDAY):
                self._show(f"{self._name(part)} {words}\n")

    def say(self, words: str = "") -> None:
        """The supervisor's own words: plain, for the person who started it."""
        with self._lock:
            self._show(f"{words}\n")

    def _show(self, words: str) -> None:
        """A closed terminal (a killed `| tee`) must not end the installation."""
        try:
            self._out.write(words)
            self._out.flush()
        except (OSError, ValueError):
            pass

    def _name(self, part: str) -> str:
        padded = f"{part:<{WIDTH}}|"
        if not self._colours:
            return padded
        colour = COLOURS[list(self._files).index(part) % len(COLOURS)]
        return f"\x1b[{colour}m{padded}\x1b[0m"

    def _file(self, part: str) -> logging.Handler:
        if part not in self._files:
            path = self._log_dir / f"{part}.log"
            self._files[part] = RotatingFileHandler(path, maxBytes=LARGEST_FILE, backupCount=FILES_KEPT)
        return self._files[part]
