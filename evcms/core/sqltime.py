"""Moments as the database's driver takes and gives them, for plain SQL: what Django does, without its detours."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from .sql import vendor

UTC_OFFSET: Final = len("+00:00")


def stored(moment: datetime | None) -> Any:
    """For a parameter. SQLite keeps text in UTC without a zone, PostgreSQL's driver takes aware moments.

    Any: what the driver wants. Raises ValueError for a moment without a zone.
    """
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no zone")
    if vendor() != "sqlite":
        return moment
    return _text(moment if moment.tzinfo is UTC else moment.astimezone(UTC))  # of a zone's two 02:30 only one is kept


@lru_cache(4096)
def _text(in_utc: datetime) -> str:
    """Kept for a while: an exchange stores some ten moments, most of them the same; spelling one out takes 0.7 µs."""
    return str(in_utc)[:-UTC_OFFSET]


def read_in_utc(value: datetime | None, _expression: Any = None, _connection: Any = None) -> datetime | None:
    """What Django's SQLite driver gives for a column of moments; the signature is that of Django's converters."""
    return None if value is None else value.replace(tzinfo=UTC)
