"""Django's backend for SQLite, whose transactions share the one write lock fairly.

SQLite has no queue for it. Who waits looks after longer and longer pauses, at last each tenth of a second, and whoever
makes one transaction after the other has taken the lock again meanwhile. Measured: while the worker derived 2,000
stations in 80 transactions of 0.1 s, a charger's word waited up to 4.3 s; while 1,500 stations were archived, any other
writer 14 s. So who waits looks every other millisecond, and who held the lock leaves it alone for as long as he had it.
"""

import time
from typing import Any, Final

from django.db import OperationalError
from django.db.backends.sqlite3 import base

LOOK_MS: Final = 3  # SQLite looks again after 1 and 2 ms, then gives up
REST: Final = 0.01  # s, at most, between two transactions of a connection


class DatabaseWrapper(base.DatabaseWrapper):  # Django's name for it
    _begun = _free_at = 0.0  # time.monotonic()

    def _start_transaction_under_autocommit(self) -> None:
        """BEGIN IMMEDIATE. Raises OperationalError when others held the lock for the whole of `timeout` (s)."""
        if (rest := self._free_at - time.monotonic()) > 0:
            time.sleep(min(rest, REST))  # a test may have set the clock back
        patience_ms = int(self.settings_dict["OPTIONS"].get("timeout", 5.0) * 1000)
        looks = iter(range(patience_ms // LOOK_MS, -1, -1))
        self._sleep_at_most(LOOK_MS)
        try:
            while not self._begin(last=next(looks) == 0):
                pass
        finally:
            self._sleep_at_most(patience_ms)
        self._begun = time.monotonic()

    def _begin(self, *, last: bool) -> bool:
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # unknown to Django's stubs
        except OperationalError as error:
            if last or "locked" not in str(error):
                raise
            return False
        return True

    def _sleep_at_most(self, milliseconds: int) -> None:
        """For any statement that finds the database locked. Straight to the driver: nobody counts it as a query."""
        driver: Any = self.connection
        driver.execute(f"PRAGMA busy_timeout={milliseconds}")

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._free()

    def _rollback(self) -> None:
        super()._rollback()  # type: ignore[misc]
        self._free()

    def _free(self) -> None:
        now = time.monotonic()
        self._free_at = now + min(now - self._begun, REST)
