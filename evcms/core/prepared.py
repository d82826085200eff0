"""Querysets compiled once: for reads on the hot path, where building the SQL costs ten times its execution.

    by_token = Prepared(lambda org, folded: IdToken.objects.filter(organization_id=org, folded=folded), int, str)
    token = by_token.first(7, "ABC")

    stations = PreparedMany(lambda pks: Station.objects.filter(pk__in=pks), int)
    rows = stations.rows([(1,), (2,), (5,)])

Measured: `.get()` on a model of twenty columns 0.35 ms of CPU, 0.03 ms of it in the database; prepared 0.06 ms.
Each argument stands for exactly one plain value (no lists, no None); slices, `only`, `select_related` and
`select_for_update` work as in any queryset. The rows are ordinary model instances.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, reduce
from operator import or_
from typing import Any, Final, Generic, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model, Q, QuerySet
from django.db.models.base import ModelState
from django.db.models.query import get_related_populators
from django.db.models.signals import post_init, pre_init

from . import sql
from .sqltime import read_in_utc, stored

M = TypeVar("M", bound=Model)

MARKS: Final[dict[type, Callable[[int], Any]]] = {
    int: lambda n: 31_001 + n,  # fits every integer column
    str: lambda n: f"\x01argument {n}\x01",
    datetime: lambda n: datetime(1971, 1, 1, tzinfo=UTC) + timedelta(seconds=n),
}
SIZES: Final = (1, 2, 4, 8, 16, 32, 64)  # keys of one statement of `PreparedMany`


class _Plan(NamedTuple):
    """One compiled statement and how its rows become instances. Any: pieces of Django's compiler."""

    sql: str
    fixed: Sequence[Any]
    chosen: list[int]  # the parameters: positions in `fixed` and, after them, the arguments
    converters: tuple[tuple[int, Any, Any], ...]  # column, functions, expression
    model: type[Model]
    start: int
    end: int
    names: list[str]
    related: Any


class Prepared(Generic[M]):
    """`build` gets one mark for each type and gives the queryset; it runs once a process."""

    def __init__(self, build: Callable[..., QuerySet[M, Any]], *types: type) -> None:
        self._build, self._types = build, types
        self._moments = [number for number, kind in enumerate(types) if kind is datetime]

    def first(self, *arguments: Any) -> M | None:
        """The first row that the queryset gives; slice it to `[:1]` where it may give many."""
        return next(iter(self.rows(*arguments)), None)

    def get(self, *arguments: Any) -> M:
        """The row; raises the model's DoesNotExist."""
        found = self.first(*arguments)
        if found is None:
            raise self._plan.model.DoesNotExist(f"no row for {arguments!r}")  # type: ignore[attr-defined]
        return found

    def rows(self, *arguments: Any) -> list[M]:
        """Raises TypeError for an argument of another type than was promised."""
        plan, found = self._plan, self._found(arguments)
        make = _as_django if _has_listeners(plan.model) else _instance
        made = [make(plan, row[plan.start : plan.end]) for row in found]
        for populator in plan.related:
            for row, instance in zip(found, made, strict=True):
                populator.populate(row, instance)
        return made  # type: ignore[return-value]

    def tuples(self, *arguments: Any) -> list[tuple[Any, ...]]:
        """The rows of a queryset that ends in `values_list`."""
        return [tuple(row) for row in self._found(arguments)]

    def _found(self, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        plan = self._plan
        self._check(arguments)
        if self._moments:
            arguments = list(arguments)
            for number in self._moments:
                arguments[number] = stored(arguments[number])
        known = (*plan.fixed, *arguments)
        found = sql.fetch(plan.sql, [known[position] for position in plan.chosen])
        return [_converted(plan, row) for row in found] if plan.converters else found

    def _check(self, arguments: Sequence[Any]) -> None:
        if len(arguments) == len(self._types) and all(map(isinstance, arguments, self._types)):
            return
        for argument, wanted in zip(arguments, self._types, strict=True):
            if not isinstance(argument, wanted):
                raise TypeError(f"{argument!r} is no {wanted.__name__}")

    @cached_property
    def _plan(self) -> _Plan:
        marks = [MARKS[kind](number) for number, kind in enumerate(self._types)]
        compiler: Any = self._build(*marks).query.get_compiler(DEFAULT_DB_ALIAS)
        text, params = compiler.as_sql()
        adapted = [stored(mark) if isinstance(mark, datetime) else mark for mark in marks]
        chosen = tuple(len(params) + adapted.index(value) if value in adapted else n for n, value in enumerate(params))
        if set(chosen) - set(range(len(params))) != set(range(len(params), len(params) + len(marks))):
            raise ValueError("each argument must reach the statement as one plain value")
        converters = _quick(compiler.get_converters(column[0] for column in compiler.select))
        return _Plan(*_written_out(text, params, chosen), converters, *_shape(compiler))


class PreparedMany(Generic[M]):
    """One lookup for many keys. `build` gets a list of keys: plain marks for keys of one type, else tuples of them.

    A statement is kept for each size; the last key is repeated until one is filled. Rows of several statements come one
    after the other, in the order of the keys given.
    """

    def __init__(self, build: Callable[[list[Any]], QuerySet[M, Any]], *types: type) -> None:
        self._build, self._types = build, types
        self._sizes = {size: Prepared(self._of, *(types * size)) for size in SIZES}

    def rows(self, keys: Sequence[tuple[Any, ...]]) -> list[M]:
        """Raises TypeError for a key of other types than was promised."""
        return [row for statement, arguments in self._statements(keys) for row in statement.rows(*arguments)]

    def tuples(self, keys: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The rows of a queryset that ends in `values_list`."""
        return [row for statement, arguments in self._statements(keys) for row in statement.tuples(*arguments)]

    def _of(self, *marks: Any) -> QuerySet[M, Any]:
        width = len(self._types)
        return self._build(list(marks) if width == 1 else [marks[n : n + width] for n in range(0, len(marks), width)])

    def _statements(self, keys: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Prepared[M], list[Any]]]:
        for begin in range(0, len(keys), SIZES[-1]):
            some = list(keys[begin : begin + SIZES[-1]])
            size = next(size for size in SIZES if size >= len(some))
            some += some[-1:] * (size - len(some))
            yield self._sizes[size], [value for key in some for value in key]


def any_of(names: Sequence[str], keys: Iterable[Sequence[Any]]) -> Q:
    """For `PreparedMany`: rows whose fields `names` have the values of one of the keys."""
    return reduce(or_, (Q(**dict(zip(names, key, strict=True))) for key in keys))


def _written_out(text: str, params: Sequence[Any], chosen: Sequence[int]) -> tuple[str, Sequence[Any], list[int]]:
    """The statement with what stands in it written out, and the parameters that are left. SQLite alone: it compiles a
    statement anew each time when a parameter might decide about a partial index or a LIKE, at ten times its cost.
    """
    if sql.vendor() != "sqlite":
        return text, params, list(chosen)
    marks = [_literal(params[n]) if n < len(params) else sql.MARK for n in chosen]
    pieces = sql.pieces(text)
    written = "".join(piece + mark for piece, mark in zip(pieces, [*marks, ""], strict=True))
    return written, params, [n for n, mark in zip(chosen, marks, strict=True) if mark == sql.MARK]


def _literal(value: Any) -> str:
    """As SQL says it; a parameter where that is not plain."""
    if type(value) is int:
        return str(value)
    if isinstance(value, str) and value.isascii() and value.isprintable():
        return "'" + str(value).replace("'", "''").replace("%", "%%") + "'"
    return sql.MARK


def _has_listeners(model: type[Model]) -> bool:
    return bool(pre_init.has_listeners(model) or post_init.has_listeners(model))


def _as_django(plan: _Plan, values: Sequence[Any]) -> Model:
    return plan.model.from_db(DEFAULT_DB_ALIAS, plan.names, values)


def _instance(plan: _Plan, values: Sequence[Any]) -> Model:
    """As `Model.from_db`, which takes a third of what a reading costs: assigns what came from the database as it is,
    and asks nobody; for models that nobody listens to.
    """
    made = plan.model.__new__(plan.model)
    made._state = ModelState()
    made._state.adding, made._state.db = False, DEFAULT_DB_ALIAS
    made.__dict__.update(zip(plan.names, values, strict=True))
    return made


def _converted(plan: _Plan, row: Sequence[Any]) -> list[Any]:
    """The row as the fields say it."""
    values = list(row)
    for column, functions, expression in plan.converters:
        value = values[column]
        for function in functions:
            value = function(value, expression, connection)
        values[column] = value
    return values


def _quick(converters: dict[int, Any]) -> tuple[tuple[int, Any, Any], ...]:
    """Any: Django's (functions, expression). SQLite's times are read by a function that does nothing else."""
    return tuple(
        (column, [read_in_utc if _reads_time(function) else function for function in functions], expression)
        for column, (functions, expression) in converters.items()
    )


def _reads_time(function: Any) -> bool:
    return sql.vendor() == "sqlite" and function == getattr(connection.ops, "convert_datetimefield_value", None)


def _shape(compiler: Any) -> tuple[Any, ...]:
    """Model, slice and names of its columns, and the rows that come along; nothing of it for `values_list`."""
    select, info = compiler.select, compiler.klass_info
    if info is None:
        return None, 0, len(select), [], ()
    start, end = info["select_fields"][0], info["select_fields"][-1] + 1
    names = [column[0].target.attname for column in select[start:end]]
    return info["model"], start, end, names, get_related_populators(info, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
