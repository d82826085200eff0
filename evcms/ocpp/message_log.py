"""Stores rows of the message log: the one write of this door, a statement a batch.

Model instances and `bulk_create` would cost more than the rest of an exchange; the columns are read from the
model, so a renamed field fails loudly.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple

from django.db import connection

from evcms.core import sql
from evcms.core.sqltime import stored
from stations.models import OcppMessage

FIELDS: Final = (
    "station",
    "direction",
    "action",
    "message_id",
    "request",
    "answer",
    "outcome",
    "error_code",
    "at",
    "duration_us",
    "count",
    "command",
)
LONGEST_TEXT: Final = 65_536  # characters of a payload that are kept


class Row(NamedTuple):
    """One OcppMessage; the order is that of FIELDS."""

    station_id: int
    direction: str
    action: str
    message_id: str
    request: str
    answer: str
    outcome: str
    error_code: str
    at: datetime
    duration_us: int | None
    how_many: int
    command_id: uuid.UUID | None


def keep(rows: Sequence[Row]) -> None:
    """Insert the rows in the transaction that is open."""
    sql.execute(_statement(sql.vendor()), [_values(row) for row in rows])


def _values(row: Row) -> tuple[Any, ...]:
    """The row as the database's driver takes it, as the model's fields would convert it; long payloads
    cut.
    """
    command: Any = row.command_id  # Any: what the driver wants for a UUID
    if command is not None and not connection.features.has_native_uuid_field:
        command = command.hex
    request, answer = row.request[:LONGEST_TEXT], row.answer[:LONGEST_TEXT]
    return (*row[:4], request, answer, *row[6:8], stored(row.at), *row[9:11], command)


@cache
def _statement(vendor: str) -> str:
    columns = [OcppMessage._meta.get_field(name).column for name in FIELDS]  # type: ignore[union-attr]
    names = ", ".join(connection.ops.quote_name(str(column)) for column in columns)
    marks = ", ".join(["%s"] * len(columns))
    table = connection.ops.quote_name(OcppMessage._meta.db_table)
    return f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608  (names of our own model)
