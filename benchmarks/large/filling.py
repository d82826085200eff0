"""Rows made by the server: INSERT … SELECT, with what our models would have given where a column is not named."""

import contextlib
import json
import re
import time
from datetime import date, datetime

from django.apps import apps
from django.db import connection
from django.db.models import NOT_PROVIDED, GeneratedField

NAME = re.compile(r"(?<![:\w]):([a-z]\w*)")
DICE = """
CREATE OR REPLACE FUNCTION pg_temp.dice(bigint, bigint) RETURNS double precision IMMUTABLE LANGUAGE sql AS
$$ SELECT (hashint8extended($1, $2) & 2147483647) / 2147483648.0 $$
"""


class Filler:
    """`values` replace `:name` in every statement. Chance is `pg_temp.dice(row, salt)`: equal rows, equal dice."""

    def __init__(self, values, say=print):
        self.values, self.say = values, say
        self.execute(DICE)

    def execute(self, text):
        with connection.cursor() as cursor:
            cursor.execute(NAME.sub(lambda found: str(self.values[found[1]]), text))
            return cursor.rowcount

    def fill(self, model, source, /, **columns):
        """`source`: what stands after FROM; `columns`: attname → SQL. Says how many rows came, and how long it took."""
        begin = time.monotonic()
        given = defaults(model) | columns
        names = ", ".join(f'"{model._meta.get_field(name).column}"' for name in given)
        told = ", ".join(given.values())
        count = self.execute(f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {told} FROM {source}')
        self.say(f"  {model._meta.label:<28} {count:>12,} rows {time.monotonic() - begin:>7.1f} s")
        return count


def defaults(model):
    """attname → SQL of every column that has a default or may be empty. What must be said is left out."""
    found = {}
    for field in model._meta.concrete_fields:
        if field.primary_key or isinstance(field, GeneratedField):
            continue
        if field.default is not NOT_PROVIDED:
            found[field.attname] = literal(field.get_default(), json_field=field.get_internal_type() == "JSONField")
        elif field.empty_strings_allowed and not field.null and field.blank:
            found[field.attname] = "''"
        elif field.null:
            found[field.attname] = "NULL"
    return found


def literal(value, *, json_field=False):
    if json_field:
        return quoted(json.dumps(value))
    if value is None:
        return "NULL"
    if isinstance(value, datetime | date):
        return ":now"
    return quoted(str(value))


def quoted(text):
    """The colon is kept from being taken for a value's name."""
    return "'" + str(text).replace("'", "''").replace(":", "' || chr(58) || '") + "'"


@contextlib.contextmanager
def bare(labels, say=print):
    """Without foreign keys and indexes (but the primary ones) while rows are poured in: made again and checked after.

    What breaks off in between leaves the tables bare; the database is thrown away then.
    """
    tables = [model._meta.db_table for label in labels for model in apps.get_app_config(label).get_models(True)]
    with connection.cursor() as cursor:
        cursor.execute(CONSTRAINTS, [tables])
        constraints = cursor.fetchall()
        for table, name, _told in constraints:
            cursor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"')
        cursor.execute(INDEXES, [tables])
        indexes = cursor.fetchall()
        for name, _told in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '768MB'")
        for kind, statements in (
            ("indexes", [told for _name, told in indexes]),
            (
                "constraints",
                [f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {told}' for table, name, told in constraints],
            ),
        ):
            begin = time.monotonic()
            for each in statements:
                cursor.execute(each)
            say(f"  {len(statements)} {kind} again {time.monotonic() - begin:>31.1f} s")


CONSTRAINTS = """
SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c
WHERE c.contype IN ('f', 'u') AND c.conrelid::regclass::text = ANY(%s) ORDER BY c.contype DESC, 1, 2
"""
INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
WHERE NOT i.indisprimary AND i.indrelid::regclass::text = ANY(%s)
AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid) ORDER BY 1
"""


def reset_sequences(labels):
    """So that what is made by hand later takes the next numbers."""
    with connection.cursor() as cursor:
        for label in labels:
            for model in apps.get_app_config(label).get_models(True):
                table, key = model._meta.db_table, model._meta.pk.column
                cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [f'"{table}"', key])
                if cursor.fetchone()[0]:
                    cursor.execute(
                        f'SELECT setval(pg_get_serial_sequence(%s, %s), COALESCE(max("{key}"), 1)) FROM "{table}"',
                        [f'"{table}"', key],
                    )
