"""Several reads of one moment: what is written meanwhile is seen by none of them, or by the next round."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

BEGIN: Final = {
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "sqlite": "BEGIN DEFERRED",  # a reader's snapshot (WAL), not the write lock that atomic() takes here
}
OPEN: Final = "evcms_snapshot"  # attribute of the thread's connection: a BEGIN of ours is not Django's to know


@contextmanager
def snapshot() -> Iterator[None]:
    """For reads only, and never around a call to the outside. Inside a transaction, or another one, it adds nothing."""
    if connection.in_atomic_block or getattr(connection, OPEN, False):
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(BEGIN[connection.vendor])
        setattr(connection, OPEN, True)
        try:
            yield
        finally:
            setattr(connection, OPEN, False)
            cursor.execute("ROLLBACK")
