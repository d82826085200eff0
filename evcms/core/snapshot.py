"""Several reads of one moment: what is written meanwhile is seen by none of them, or by the next round."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

BEGIN: Final = {
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "sqlite": "BEGIN DEFERRED",  # a reader's snapshot (WAL), not the write lock that atomic() takes here
}


@contextmanager
def snapshot() -> Iterator[None]:
    """For reads only, and never around a call to the outside. Inside a transaction it adds nothing."""
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(BEGIN[connection.vendor])
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
