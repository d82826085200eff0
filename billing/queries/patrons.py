"""The sessions of known customers, counted where they are: one pass over an organization's bills, one statement that
answers with small tables of integers (to fetch a year of 100,000 sessions takes a second alone).

Days are numbers of local days since 1970, so a month is a range of them and nobody converts a moment twice. What is
counted is inside the scope; only "when was he here first" looks at all that was before.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import BigIntegerField, Case, CharField, F, Func, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Cast, Coalesce, Concat, Lower

from billing.models import Bill
from billing.vocabulary import FundingSource
from stations.models import PlugType

from . import insight
from .insight import Scope

POWER_BORDERS: Final = (11_000, 22_000, 50_000, 150_000)  # W; the last class is above them all
PLUGS: Final = ("", *PlugType.values)
SOURCES: Final = tuple(FundingSource.values)
TASTES: Final = ("site", "hour", "plug", "power", "way")
FIRST_DAY: Final = date(1970, 1, 1)
BEFORE: Final = timedelta(days=40)  # a session may have begun so long before it ended
DAY, STEP = timedelta(days=1), timedelta(minutes=30)
CLASSES: Final = [(most, number) for number, most in reversed(list(enumerate(POWER_BORDERS, 1)))]


class Person(NamedTuple):
    """A customer: local days of his first session ever and of his last one in the scope, and what he did in it."""

    known: int  # 0: all those together whom nobody can tell apart
    first: int
    last: int
    visits: int
    spent: int


@dataclass
class Visits:
    """`came`: (month of the first session ever, month of a visit) → people; None: before the months asked for.
    `usual`: taste → value → people whose most usual one it is.
    """

    people: list[Person] = field(default_factory=list)
    unknown: int = 0  # sessions of people whom nobody can tell apart
    came: dict[tuple[int | None, int], int] = field(default_factory=dict)
    usual: dict[str, dict[int, int]] = field(default_factory=lambda: {name: {} for name in TASTES})


@dataclass(frozen=True)
class Segment:
    """Part of the customers. `least` and `most`: how many visits; `new`: their first one ever is in the period."""

    least: int = 0
    most: int | None = None
    new: bool = False

    def has(self, person: Person, since: int) -> bool:
        enough = self.least <= person.visits and (self.most is None or person.visits <= self.most)
        return enough and (not self.new or person.first >= since)

    def condition(self, since: int) -> str:
        """The same in SQL, of a row of `person`."""
        said = [f"visits >= {self.least}"]
        said += [f"visits <= {self.most}"] if self.most is not None else []
        said += [f"first >= {since}"] if self.new else []
        return " AND ".join(said)


EVERYBODY: Final = Segment()


def day_number(moment: datetime, scope: Scope) -> int:
    return (moment.astimezone(scope.zone).date() - FIRST_DAY).days


def look(scope: Scope, months: Sequence[date], segment: Segment = EVERYBODY) -> Visits:
    """`months`: the firsts of the months that are asked for, in order. Their usual ways are those of `segment`."""
    rows, params = _rows(scope).query.sql_with_params()
    found = Visits()
    with connection.cursor() as cursor:
        cursor.execute(_statement(rows, months, segment, day_number(scope.since, scope)), params)
        for part, one, two, three, four, five in cursor.fetchall():
            if part == PEOPLE:
                _keep(found, Person(one, two, three, four, five))
            elif part == CAME:
                found.came[None if one < 0 else one, two] = three
            else:
                found.usual[TASTES[part - USUAL]][one] = two
    return found


def _keep(found: Visits, person: Person) -> None:
    if person.known:
        found.people.append(person)
    else:
        found.unknown = person.visits


# The statement --------------------------------------------------------------------------------------------------------

PEOPLE, CAME, USUAL = 0, 1, 2  # the parts of the answer; the tastes follow USUAL in their order
MANY: Final = (
    1 << 32
)  # more than any value of a taste: (count, value) in one number, so that one maximum finds the most


def _statement(rows: str, months: Sequence[date], segment: Segment, since: int) -> str:
    """Only numbers of ours and names of columns are written into it. `inside > 0`, for PostgreSQL takes `= 1` of a
    computed column for a rare thing and sorts what it had better hash.
    """
    born, month = (_month_of(name, months) for name in ("first", "ended / 86400"))
    mine = "inside > 0 AND who <> ''"
    if segment != EVERYBODY:
        mine += f" AND who IN (SELECT who FROM person WHERE {segment.condition(since)})"  # noqa: S608
    tastes = [_usual(USUAL + place, name, mine) for place, name in enumerate(TASTES)]
    return f"""
        WITH visit AS MATERIALIZED (
            SELECT who, inside, ended / 86400 AS day, {month} AS month, started %% 86400 / 3600 AS hour, site, plug,
                power, way, total
            FROM ({rows}) AS bill
        ), person AS MATERIALIZED (
            SELECT who, MIN(day) AS first, MAX(CASE WHEN inside > 0 THEN day END) AS last, SUM(inside) AS visits,
                CAST(SUM(CASE WHEN inside > 0 THEN total ELSE 0 END) AS BIGINT) AS spent
            FROM visit GROUP BY who
        )
        SELECT {PEOPLE}, CASE WHEN who = '' THEN 0 ELSE 1 END, first, last, visits, spent FROM person WHERE visits > 0
        UNION ALL
        SELECT {CAME}, born, month, COUNT(*), 0, 0 FROM (
            SELECT who, month FROM visit WHERE inside > 0 AND who <> '' GROUP BY who, month
        ) AS seen JOIN (SELECT who, {born} AS born FROM person) AS people USING (who)
        WHERE month >= 0 GROUP BY born, month
        UNION ALL {" UNION ALL ".join(tastes)}
    """  # noqa: S608


def _usual(part: int, taste: str, mine: str) -> str:
    """People by what each of them does most; of two as often, the lower number."""
    return f"""
        SELECT {part}, {MANY - 1} - best %% {MANY}, COUNT(*), 0, 0, 0 FROM (
            SELECT who, MAX(n * {MANY} + {MANY - 1} - what) AS best FROM (
                SELECT who, {taste} AS what, COUNT(*) AS n FROM visit WHERE {mine} GROUP BY who, {taste}
            ) AS counted GROUP BY who
        ) AS most GROUP BY best %% {MANY}
    """  # noqa: S608


def _month_of(column: str, months: Sequence[date]) -> str:
    """Its place in `months`; -1 before them."""
    firsts = [(month - FIRST_DAY).days for month in months]
    after = "".join(f" WHEN {column} >= {first} THEN {place}" for place, first in reversed(list(enumerate(firsts))))
    return f"CASE{after} ELSE -1 END" if after else "-1"


def _rows(scope: Scope) -> "QuerySet[Any, Any]":
    """All bills of sessions that ended before the end of the scope, those inside it marked. Any: columns."""
    rows = Bill.objects.filter(organization=scope.access.organization, session__ended_at__lt=scope.until)
    return (
        rows.order_by()
        .annotate(
            who=_who(),
            inside=Case(When(insight.conditions(scope), then=Value(1)), default=Value(0)),
            ended=_local("session__ended_at", scope),
            started=_local("session__started_at", scope),
            site=Coalesce("session__site_id", Value(0)),
            plug=_place((Q(session__connector__plug=plug), number) for number, plug in enumerate(PLUGS) if number),
            power=_place((Q(session__connector__max_power_w__gt=most), number) for most, number in CLASSES),
            way=_place((Q(source=source), number) for number, source in enumerate(SOURCES) if number),
            total=F("total_minor"),
        )
        .values("who", "inside", "ended", "started", "site", "plug", "power", "way", "total")
    )


def _who() -> Case:
    """The customer's key; "" when nobody is known. A customer is a driver; a guest is known by his e-mail, a card that
    belongs to nobody by its number.
    """
    return Case(
        When(session__driver__isnull=False, then=Concat(Value("d"), Cast("session__driver_id", CharField()))),
        When(session__payment__email__gt="", then=Concat(Value("e"), Lower("session__payment__email"))),
        When(session__id_token__guest=False, then=Concat(Value("t"), F("session__token_value"))),
        default=Value(""),
        output_field=CharField(),
    )


class _Epoch(Func):
    """Whole seconds since 1970."""

    template = "CAST(FLOOR(EXTRACT(EPOCH FROM %(expressions)s)) AS BIGINT)"
    output_field = BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        """Any: Django's compiler, connection and parameters."""
        return self.as_sql(
            compiler, connection, template="CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)", **extra
        )


def _local(name: str, scope: Scope) -> CombinedExpression:
    """Seconds since 1970 by the clock on the wall: divided by 86,400 they are days there."""
    offsets = list(_offsets(scope))
    changes = [When(Q(**{f"{name}__lt": until}), then=Value(seconds)) for until, seconds in offsets[:-1]]
    ahead = Case(*changes, default=Value(offsets[-1][1]), output_field=BigIntegerField())
    return CombinedExpression(_Epoch(name), "+", ahead, output_field=BigIntegerField())


def _offsets(scope: Scope) -> Iterator[tuple[datetime, int]]:
    """(until when, seconds ahead of UTC) in order of time; the first also holds before, the last for ever."""
    at, end = (scope.since - BEFORE).astimezone(UTC), scope.until.astimezone(UTC)
    while at < end:
        if _ahead(at, scope) != _ahead(at + DAY, scope):
            yield _change(at, scope), _ahead(at, scope)
        at += DAY
    yield end, _ahead(at, scope)


def _change(at: datetime, scope: Scope) -> datetime:
    """When within the day after `at` clocks are put back or forward."""
    steps = (at + STEP * number for number in range(1, DAY // STEP + 1))
    return next(moment for moment in steps if _ahead(moment, scope) != _ahead(at, scope))


def _ahead(moment: datetime, scope: Scope) -> int:
    offset = moment.astimezone(scope.zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _place(conditions: Iterable[tuple[Q, int]]) -> Case:
    """The number of the first condition that holds; 0 when none does."""
    whens = [When(condition, then=Value(number)) for condition, number in conditions]
    return Case(*whens, default=Value(0), output_field=IntegerField())
