"""The tree: start the parts in order, keep them alive, stop them in reverse."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from evcms.supervisor import state
from evcms.supervisor.child import Child, State
from evcms.supervisor.console import Console
from evcms.supervisor.parts import Part

LOOK_EVERY = 0.1
ASKED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, a service manager, a closed terminal


class Supervisor:
    """Runs in the main thread: the kernel ties children to the thread that starts them (see orphans.py)."""

    def __init__(self, parts: list[Part], console: Console, run_dir: Path) -> None:
        self.children = [Child(part, console) for part in parts]
        self._by_name = {child.part.name: child for child in self.children}
        self._console = console
        self._run_dir = run_dir
        self._stopping = False
        self._insisted = False

    def run(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Until a signal asks it to stop. `meanwhile` is called at each look (the greeting, once all is well)."""
        before = {number: signal.signal(number, self._asked) for number in ASKED_BY}
        try:
            while not self._stopping:
                self.look()
                if meanwhile:
                    meanwhile()
                time.sleep(LOOK_EVERY)
        finally:
            self.stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def look(self) -> None:
        changed = False
        for child in self.children:
            changed |= child.look()
            if child.due and self._ready_for(child):
                child.start()
                changed = True
        if changed:
            state.write(self._run_dir, self.children)

    def _ready_for(self, child: Child) -> bool:
        """A part that already ran once starts again at once: it must cope with a missing neighbour."""
        return child.restarts > 0 or all(
            self._by_name[name].state is State.RUNNING for name in child.part.after if name in self._by_name
        )

    def stop(self) -> None:
        begin = time.monotonic()
        for child in reversed(self.children):
            child.stop()
        state.write(self._run_dir, self.children)
        self._console.say(f"Everything is stopped ({time.monotonic() - begin:.1f} s).")

    def _asked(self, number: int, frame: FrameType | None) -> None:
        """The first request stops in order, a second one kills what still runs.

        A plain flag, not an Event: setting one inside a handler can wait for its own thread for ever.
        """
        if self._stopping and not self._insisted:
            self._insisted = True
            for child in self.children:
                if child.process is not None and child.process.poll() is None:
                    child.process.kill()
            return
        if not self._stopping:
            self._console.say("\nStopping …")
        self._stopping = True
