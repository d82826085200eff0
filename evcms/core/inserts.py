"""Rows stored by a statement that is built once: for the hot path, where the ORM's `save` costs five times the insert.

    _ATTEMPTS = Insert(Attempt)
    _ATTEMPTS.one(_ATTEMPTS.row(station_id=7, …))   # sets its pk
    _ATTEMPTS.keyed([…])                            # sets all pks
    _ATTEMPTS.many([…])                             # the pks stay unknown
    _ATTEMPTS.missing([…])                          # as `many`, without those that a unique constraint knows already
    _ATTEMPTS.unknown([…])                      # as `missing`; gives the new ones, with their pks

Conversions and their conversion come from the model's fields, so a renamed field or a new one needs nothing here. No
signal is sent and nothing is validated, as with `bulk_create`.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, Final, Generic, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models.base import ModelState

from . import sql
from .sqltime import stored

M = TypeVar("M", bound=models.Model)
Value = Any  # Any: what a column takes
Convert = Callable[[Value], Value]
Conversions = list[tuple[str, Convert | None]]  # the attribute, and how its value becomes a parameter
MOST_AT_ONCE: Final = 100  # rows of a statement that gives keys; drivers limit the parameters


class _Plan(NamedTuple):
    head: str
    marks: str
    key: str
    columns: Conversions

    def returning(self, count: int) -> str:
        return f"{self.head}{', '.join([self.marks] * count)} RETURNING {self.key}"


class Insert(Generic[M]):
    """Plain inserts into the model's table."""

    def __init__(self, model: type[M]) -> None:
        self._model = model

    def row(self, **values: Value) -> M:
        """As the model's constructor, which costs ten times as much: columns by name (`station_id=7`), defaults for the
        rest. Raises TypeError for a name that the model lacks.
        """
        blank = _blank(self._model)
        made = self._model.__new__(self._model)
        made._state = ModelState()
        if unknown := values.keys() - blank.values.keys():
            raise TypeError(f"{self._model.__name__} has no {', '.join(sorted(unknown))}")
        known = made.__dict__
        known.update(blank.values)
        known.update(values)
        for name, make in blank.makers:
            if name not in values:
                known[name] = make()
        return made

    def one(self, row: M) -> M:
        """Stores the row and gives it its key."""
        self.keyed([row])
        return row

    def keyed(self, rows: Sequence[M]) -> None:
        """Stores the rows and gives each its key. Raises IntegrityError as the database sees it."""
        for begin in range(0, len(rows), MOST_AT_ONCE):
            self._keyed(rows[begin : begin + MOST_AT_ONCE])

    def _keyed(self, rows: Sequence[M]) -> None:
        plan = _plan(self._model, sql.vendor())
        keys = sql.fetch(plan.returning(len(rows)), [value for row in rows for value in _values(row, plan.columns)])
        for row, (key,) in zip(rows, keys, strict=True):
            row.pk = key
            row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS

    def many(self, rows: Sequence[M]) -> None:
        plan = _plan(self._model, sql.vendor())
        sql.execute(plan.head + plan.marks, [_values(row, plan.columns) for row in rows])

    def missing(self, rows: Sequence[M]) -> None:
        plan = _plan(self._model, sql.vendor())
        statement = f"{plan.head}{plan.marks} ON CONFLICT DO NOTHING"
        sql.execute(statement, [_values(row, plan.columns) for row in rows])

    def unknown(self, rows: Sequence[M]) -> list[M]:
        """Those rows that no unique constraint knew, stored and with their keys: a statement each."""
        plan = _plan(self._model, sql.vendor())
        statement = f"{plan.head}{plan.marks} ON CONFLICT DO NOTHING RETURNING {plan.key}"
        fresh = []
        for row in rows:
            for (key,) in sql.fetch(statement, _values(row, plan.columns)):
                row.pk = key
                row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
                fresh.append(row)
        return fresh


class _Blank(NamedTuple):
    """A row of which nothing is said yet: what stands, and what is made anew for each."""

    values: dict[str, Value]
    makers: list[tuple[str, Callable[[], Value]]]


@cache
def _blank(model: type[models.Model]) -> _Blank:
    fields: Any = model._meta.concrete_fields  # Any: fields of any kind
    makers = [(field.attname, field.default) for field in fields if callable(field.default) and field.has_default()]
    return _Blank({field.attname: field.get_default() for field in fields}, makers)


def _values(row: models.Model, columns: Conversions) -> list[Value]:
    known = row.__dict__
    return [known[name] if convert is None else convert(known[name]) for name, convert in columns]


@cache
def _plan(model: type[models.Model], _vendor: str) -> _Plan:
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    quoted = connection.ops.quote_name
    names = ", ".join(quoted(str(field.column)) for field in fields)
    head = f"INSERT INTO {quoted(model._meta.db_table)} ({names}) VALUES "  # noqa: S608  (names of our own models)
    marks = ", ".join(["%s"] * len(fields))
    columns = conversions(model, [field.name for field in fields])
    return _Plan(head, f"({marks})", quoted(str(model._meta.pk.column)), columns)


AS_IT_IS: Final = (models.IntegerField, models.BooleanField)


def conversions(model: type[models.Model], names: Iterable[str]) -> Conversions:
    """For fields of the model: the attribute, and how its value becomes a parameter (None: as it is)."""
    fields: Any = [model._meta.get_field(name) for name in names]  # Any: fields of any kind
    return [(field.attname, _conversion(field)) for field in fields]


def _conversion(field: Any) -> Convert | None:
    """None: the value goes as it is. Any: a field of any kind. Kinds that are rare on the hot path ask Django."""
    if isinstance(field, models.ForeignKey):
        return _conversion(field.target_field)
    if isinstance(field, models.DateTimeField):
        return stored
    if isinstance(field, models.JSONField):
        return _json
    if isinstance(field, models.CharField | models.TextField):
        return _text
    if isinstance(field, AS_IT_IS) and not field.choices:
        return None
    return lambda value: field.get_db_prep_save(value, connection)


def _json(value: Value) -> str | None:
    return None if value is None else json.dumps(value)


def _text(value: Value) -> str | None:
    """Members of our vocabularies are texts of a class of their own, which PostgreSQL's driver would spell by name."""
    return value if value is None or type(value) is str else str(value)
