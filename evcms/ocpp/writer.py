"""Group commit: the only border between the gateway's event loop and its database.

One thread, one connection. It takes whatever queued while the last commit ran, runs all of it in one
transaction and resolves the futures after COMMIT: what was answered is stored. A batch that fails is rolled
back and run again without the culprit, which then runs alone, so a bad row fails only its own message.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final, Self

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError

from evcms.ocpp import metrics

log = structlog.get_logger(__name__)

FULL_BATCH: Final = 256  # messages; a bigger transaction keeps other writers of a SQLite file out long
ROOM: Final = 4096  # works waiting; beyond it sockets are not read
MOST_RERUNS: Final = 3  # then the rest of the batch runs one by one

Rows = list[Any]  # Any: unsaved rows of one model


class Work:
    """Something to do in the writer's transaction. Works of one station keep their order."""

    __slots__ = ("failure", "future", "result", "station_id")

    def __init__(self, station_id: int) -> None:
        self.station_id = station_id
        self.future: asyncio.Future[Any] | None = None  # Any: what `run` gives
        self.result: Any = None
        self.failure: BaseException | None = None

    @property
    def bulk(self) -> "Bulk | None":
        """The bulk form that may run this work together with others of its kind."""
        return None

    def run(self) -> Any:
        """Database work only. May run twice: nothing but the database may change before the commit."""
        raise NotImplementedError

    def refuse(self, error: Exception) -> bool:
        """Turn the error that `run` raised into a result (an answer); False when the work simply failed."""
        return False

    def log_row(self) -> Any:
        """The OcppMessage of this work, made after it ran; None for works that log nothing."""
        return None


Bulk = Callable[[Sequence[Any]], None]
"""Runs many works of one kind and sets each one's result; equal functions belong together."""


class Job(Work):
    """A function to run in the next transaction."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], Any], station_id: int = 0) -> None:
        super().__init__(station_id)
        self._function = function

    def run(self) -> Any:
        return self._function()


class Closed(RuntimeError):
    """The writer takes no more work: the gateway stops."""


class Writer:
    """`submit` from the event loop, await the future. `keep` stores the log rows of a batch in one
    statement.
    """

    def __init__(self, keep: Callable[[Rows], None], *, after_commit: Callable[[], None] = lambda: None) -> None:
        self._keep = keep
        self._after_commit = after_commit
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._waiting = 0
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False
        self._thread = threading.Thread(target=self._live, name="writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    # The event loop's side

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def submit(self, work: Work) -> Any:
        """The work's result after it was committed. Raises what the work raised, or Closed."""
        while self._waiting >= ROOM:
            self._room.clear()
            await self._room.wait()
        return await self.post(work)

    def post(self, work: Work) -> "asyncio.Future[Any]":
        """As `submit`, without waiting for room: for the engine's own few works."""
        if self._closed or self._loop is None:
            raise Closed("the gateway stops")
        work.future = self._loop.create_future()
        self._waiting += 1
        self._queue.put(work)
        return work.future

    async def do(self, function: Callable[[], Any], station_id: int = 0) -> Any:
        return await self.submit(Job(function, station_id))

    async def close(self) -> None:
        """Commit what was taken, then end the thread and its connection."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _resolve(self, batch: Sequence[Work]) -> None:
        self._waiting -= len(batch)
        self._room.set()
        for work in batch:
            future = work.future
            if future is None or future.done():
                continue
            if work.failure is None:
                future.set_result(work.result)
            else:
                future.set_exception(work.failure)

    # The thread's side

    def _live(self) -> None:
        try:
            while batch := self._take():
                self._write(batch)
                metrics.BATCHES.observe(len(batch))
                self._loop.call_soon_threadsafe(self._resolve, batch)  # type: ignore[union-attr]
                self._after_commit()
        finally:
            connection.close()

    def _take(self) -> list[Work]:
        """At least one work, at most a full batch; empty when the writer closes."""
        first = self._queue.get()
        if first is None:
            return []
        batch = [first]
        while len(batch) < FULL_BATCH:
            try:
                work = self._queue.get_nowait()
            except Empty:
                break
            if work is None:
                self._queue.put(None)
                break
            batch.append(work)
        return batch

    def _write(self, batch: list[Work]) -> None:
        """Everything together; culprits and their stations' later works alone."""
        rest, alone, bulk = batch, [], True
        for _ in range(MOST_RERUNS):
            if not rest:
                break
            try:
                self._together(rest, bulk=bulk)
                rest = []
            except _Spoiled as spoiled:
                metrics.RERUNS.inc()
                if len(spoiled.group) > 1:
                    bulk = False
                    continue
                culprits = _same_station(spoiled.group[0], rest)
                alone += culprits
                rest = [work for work in rest if work not in culprits]
            except DatabaseError as error:
                _forget_broken_connection(error)
                _fail_all(batch, error)
                return
        for work in rest + alone:
            self._single(work)

    def _together(self, batch: list[Work], *, bulk: bool) -> None:
        """Run the batch in one transaction without savepoints.

        Raises _Spoiled with the group that spoiled it (nothing is stored then), or DatabaseError when there
        is no transaction to be had at all.
        """
        committed: list[bool] = []
        group: list[Work] = []
        try:
            with transaction.atomic():
                transaction.on_commit(lambda: committed.append(True))
                with _WithoutSavepoints():
                    for group in _groups_of(batch, bulk=bulk):
                        _run_group(group)
                    self._keep([row for work in batch if (row := work.log_row()) is not None])
        except Exception as error:
            if committed:  # somebody's on_commit raised: what is stored is stored
                metrics.ERRORS.labels("after_commit").inc()
                log.exception("after commit")
                return
            if not group:
                raise
            _forget_broken_connection(error)
            raise _Spoiled(group) from error

    def _single(self, work: Work) -> None:
        """Its own transaction; what the work wrote is undone when it raised, the log row is kept."""
        work.result = work.failure = None
        try:
            with transaction.atomic():
                try:
                    with transaction.atomic():
                        work.result = work.run()
                except Exception as error:
                    _forget_broken_connection(error)
                    if not work.refuse(error):
                        work.failure = error
                self._keep([row for row in [work.log_row()] if row is not None])
        except Exception as error:
            _forget_broken_connection(error)
            metrics.ERRORS.labels("write").inc()
            log.exception("not stored", station_id=work.station_id)
            work.result, work.failure = None, error


def _run_group(group: list[Work]) -> None:
    """One work, or several through their bulk form. A refusal before the first write costs no second run."""
    bulk = group[0].bulk
    if bulk is not None and len(group) > 1:
        bulk(group)
    else:
        _run_alone(group[0])
    if connection.needs_rollback:
        raise TransactionManagementError("a service caught an error of its own inside the batch")


def _run_alone(work: Work) -> None:
    with _Watch() as watch:
        try:
            work.result = work.run()
        except Exception as error:
            if watch.wrote or connection.needs_rollback or not work.refuse(error):
                raise


def _same_station(culprit: Work, works: list[Work]) -> list[Work]:
    """The culprit and whatever must not overtake it."""
    if not culprit.station_id:
        return [culprit]
    return [work for work in works if work.station_id == culprit.station_id]


def _fail_all(batch: list[Work], error: Exception) -> None:
    """No database: every charger hears InternalError at once and repeats later."""
    metrics.ERRORS.labels("database").inc()
    log.error("no database", error=str(error), works=len(batch))
    for work in batch:
        work.result, work.failure = None, error


def _groups_of(batch: list[Work], *, bulk: bool) -> list[list[Work]]:
    groups = [group for wave in waves(batch) for group in wave]
    return groups if bulk else [[work] for group in groups for work in group]


def waves(batch: Iterable[Work]) -> list[list[list[Work]]]:
    """The batch as waves: a station's n-th work is in wave n, so within a wave any order is right.

    Each wave is a list of groups in station order (all gateways lock rows in the same order); works that
    share a bulk form are one group.
    """
    depth: dict[int, int] = {}
    found: list[list[Work]] = []
    for work in batch:
        level = depth.get(work.station_id, 0) if work.station_id else 0
        depth[work.station_id] = level + 1
        if level == len(found):
            found.append([])
        found[level].append(work)
    return [_groups(wave) for wave in found]


def _groups(wave: list[Work]) -> list[list[Work]]:
    wave.sort(key=lambda work: work.station_id)
    groups: list[list[Work]] = []
    together: dict[Bulk, list[Work]] = {}
    for work in wave:
        bulk = work.bulk
        if bulk is not None and bulk in together:
            together[bulk].append(work)
            continue
        groups.append([work])
        if bulk is not None:
            together[bulk] = groups[-1]
    return groups


class _WithoutSavepoints:
    """Services' own transactions cost nothing inside.

    Each service opens a transaction of its own; as savepoints they would cost two statements a message. An
    error therefore spoils the whole batch, which runs again without the culprit.
    """

    def __enter__(self) -> Self:
        connection._savepoint_allowed = lambda: False  # type: ignore[attr-defined]
        return self

    def __exit__(self, *_: object) -> None:
        del connection._savepoint_allowed  # type: ignore[attr-defined]


class _Watch:
    """`wrote` tells whether anything but SELECT was executed meanwhile."""

    def __init__(self) -> None:
        self.wrote = False

    def __enter__(self) -> Self:
        connection.execute_wrappers.append(self._watch)
        return self

    def __exit__(self, *_: object) -> None:
        connection.execute_wrappers.remove(self._watch)

    def _watch(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Any: Django's own signature of an execute wrapper."""
        if not sql.startswith("SELECT"):
            self.wrote = True
        return execute(sql, params, many, context)


class _Spoiled(Exception):
    """The batch was rolled back because of this group."""

    def __init__(self, group: list[Work]) -> None:
        super().__init__(len(group))
        self.group = group


def _forget_broken_connection(error: Exception) -> None:
    """A database that went away: the next transaction dials again."""
    if isinstance(error, OperationalError | InterfaceError) and not connection.in_atomic_block:
        try:
            usable = connection.connection is not None and connection.is_usable()
        except DatabaseError:
            usable = False
        if not usable:
            connection.close()
