"""Group commit: answered is stored; a bad work fails alone; a station's order holds."""

import asyncio
import sqlite3
import threading
from contextlib import asynccontextmanager

import pytest
from django.db import IntegrityError, connection, transaction

from evcms.core.models import Organization
from evcms.ocpp import errors
from evcms.ocpp.writer import FULL_BATCH, Closed, Job, Work, Writer, waves

pytestmark = pytest.mark.django_db(transaction=True)


@asynccontextmanager
async def writing(keep=lambda rows: None, **options):
    writer = Writer(keep, **options)
    writer.start()
    try:
        yield writer
    finally:
        await writer.close()


async def in_thread(function):
    """The ORM from a test's event loop; its connection ends with it."""

    def run():
        try:
            return function()
        finally:
            connection.close()

    return await asyncio.to_thread(run)


def slugs():
    return sorted(Organization.objects.values_list("slug", flat=True))


def make(slug):
    return lambda: Organization.objects.create(name=slug, slug=slug).slug


class Gate:
    """Holds the writer's thread, so that what is submitted meanwhile becomes one batch."""

    def __init__(self, writer):
        self.writer, self.open = writer, threading.Event()

    async def __aenter__(self):
        self.held = self.writer.post(Job(self.open.wait))
        await asyncio.sleep(0.05)

    async def __aexit__(self, *_):
        self.open.set()
        await self.held


async def together(writer, works):
    """All works in one batch; results or exceptions in their order."""
    async with Gate(writer):
        futures = [writer.post(work) for work in works]
    return await asyncio.gather(*futures, return_exceptions=True)


async def test_a_result_comes_after_the_commit():
    async with writing() as writer:
        assert await writer.do(make("a")) == "a"
        assert await in_thread(slugs) == ["a"]


async def test_a_batch_is_one_transaction():
    commits = []

    class Counted(Work):
        def run(self):
            make(f"s{self.station_id}")()
            transaction.on_commit(lambda: commits.append(Organization.objects.count()))

    async with writing() as writer:
        await together(writer, [Counted(n) for n in range(1, 21)])
    assert commits == [20] * 20


async def test_a_bad_work_fails_alone():
    async with writing() as writer:
        works = [Job(make(slug), station) for station, slug in enumerate(["a", "b", "a", "c"], 1)]
        results = await together(writer, works)
    assert [type(result) for result in results] == [str, str, IntegrityError, str]
    assert await in_thread(slugs) == ["a", "b", "c"]


async def test_many_bad_works_fail_alone_too():
    async with writing() as writer:
        works = [Job(make("same" if n % 3 == 0 else f"s{n}"), n) for n in range(1, 40)]
        results = await together(writer, works)
    failed = [n for n, result in enumerate(results, 1) if isinstance(result, Exception)]
    assert failed == list(range(6, 40, 3))
    assert len(await in_thread(slugs)) == 27


async def test_what_a_failed_work_wrote_is_undone():
    def half():
        make("half")()
        raise RuntimeError("in the middle")

    async with writing() as writer:
        results = await together(writer, [Job(make("a"), 1), Job(half, 2), Job(make("b"), 3)])
    assert isinstance(results[1], RuntimeError)
    assert await in_thread(slugs) == ["a", "b"]


async def test_an_error_that_a_service_caught_itself_costs_nobody_a_row():
    def tolerant():
        try:
            with transaction.atomic():
                make("a")()
        except IntegrityError:
            pass
        return make("after")()

    async with writing() as writer:
        results = await together(writer, [Job(make("a"), 1), Job(tolerant, 2), Job(make("b"), 3)])
    assert results == ["a", "after", "b"]
    assert await in_thread(slugs) == ["a", "after", "b"]


class Step(Work):
    """Notes its turn; may refuse, as a handler does."""

    def __init__(self, station_id, name, turns, error=None, write=False):
        super().__init__(station_id)
        self.name, self.turns, self.error, self.write = name, turns, error, write

    def run(self):
        self.turns.append(self.name)
        if self.write:
            make(self.name)()
        if self.error:
            raise self.error
        return self.name

    def refuse(self, error):
        self.result = f"refused {self.name}" if isinstance(error, errors.OcppError) else None
        return self.result is not None


async def test_works_of_a_station_keep_their_order_even_when_one_fails():
    turns = []
    works = [
        Step(7, "1", turns),
        Step(7, "2", turns, IntegrityError("bad"), write=True),
        Step(7, "3", turns),
        Step(8, "x", turns),
    ]
    async with writing() as writer:
        results = await together(writer, works)
    assert [results[0], results[2], results[3]] == ["1", "3", "x"]
    last_turn = {name: max(n for n, turn in enumerate(turns) if turn == name) for name in "123"}
    assert last_turn["1"] < last_turn["2"] < last_turn["3"]


async def test_a_refusal_before_any_write_costs_no_second_run():
    turns = []
    works = [Step(1, "a", turns, write=True), Step(2, "b", turns, errors.NotSupported("no")), Step(3, "c", turns)]
    async with writing() as writer:
        assert await together(writer, works) == ["a", "refused b", "c"]
    assert sorted(turns) == ["a", "b", "c"]


async def test_a_refusal_after_a_write_undoes_the_write():
    turns = []
    works = [Step(1, "a", turns, write=True), Step(2, "b", turns, errors.GenericError("no"), write=True)]
    async with writing() as writer:
        assert await together(writer, works) == ["a", "refused b"]
    assert await in_thread(slugs) == ["a"]


def bulk_of(seen, error=None):
    def bulk(works):
        seen.append([work.station_id for work in works])
        if error:
            raise error
        for work in works:
            work.result = f"bulk {work.station_id}"

    return bulk


class Bulky(Work):
    def __init__(self, station_id, form):
        super().__init__(station_id)
        self.form = form

    @property
    def bulk(self):
        return self.form

    def run(self):
        return f"single {self.station_id}"


async def test_works_of_one_kind_are_applied_in_bulk():
    seen = []
    form = bulk_of(seen)
    async with writing() as writer:
        results = await together(writer, [Bulky(n, form) for n in (3, 1, 2)])
    assert seen == [[1, 2, 3]]
    assert results == ["bulk 3", "bulk 1", "bulk 2"]


async def test_a_bulk_form_that_fails_is_run_one_by_one():
    async with writing() as writer:
        form = bulk_of([], ValueError("all of them"))
        assert await together(writer, [Bulky(1, form), Bulky(2, form)]) == ["single 1", "single 2"]


def test_a_bulk_form_never_moves_a_work_past_another_of_its_station():
    form, other = bulk_of([]), bulk_of([])
    works = [Bulky(1, form), Bulky(1, other), Bulky(2, form), Bulky(1, form), Bulky(2, other)]
    found = [[[work.station_id for work in group] for group in wave] for wave in waves(works)]
    assert found == [[[1, 2]], [[1, 2]], [[1]]]


async def test_log_rows_are_kept_in_the_same_transaction():
    class Logged(Work):
        def run(self):
            return None

        def log_row(self):
            return f"row {self.station_id}"

    kept = []
    async with writing(lambda rows: kept.append((list(rows), connection.in_atomic_block))) as writer:
        await together(writer, [Logged(1), Logged(2)])
    assert (["row 1", "row 2"], True) in kept


async def test_a_log_that_cannot_be_written_means_not_stored():
    class Logged(Job):
        def log_row(self):
            return "row"

    def broken(rows):
        if rows:
            raise IntegrityError("disk full")

    async with writing(broken) as writer:
        results = await together(writer, [Logged(make("a"), 1)])
    assert isinstance(results[0], IntegrityError)
    assert await in_thread(slugs) == []


async def test_an_error_after_the_commit_repeats_nothing():
    def shout():
        raise RuntimeError("somebody's hook")

    def work():
        make("a")()
        transaction.on_commit(shout)
        return "done"

    async with writing() as writer:
        assert await together(writer, [Job(work, 1)]) == ["done"]
    assert await in_thread(slugs) == ["a"]


async def test_closing_commits_what_was_taken_and_takes_no_more():
    async with writing() as writer:
        async with Gate(writer):
            future = writer.post(Job(make("a"), 1))
            closing = asyncio.create_task(writer.close())
            await asyncio.sleep(0.05)
            with pytest.raises(Closed):
                writer.post(Job(make("b"), 1))
        await closing
        assert await future == "a"
    assert await in_thread(slugs) == ["a"]


async def test_more_than_a_full_batch_is_written():
    async with writing() as writer:
        works = [Job(make(f"s{n}"), n) for n in range(1, 2 * FULL_BATCH + 10)]
        assert all(isinstance(result, str) for result in await together(writer, works))
    assert len(await in_thread(slugs)) == 2 * FULL_BATCH + 9


async def test_sockets_wait_when_too_much_is_queued(monkeypatch):
    monkeypatch.setattr("evcms.ocpp.writer.ROOM", 4)
    async with writing() as writer:
        async with Gate(writer):
            submits = [asyncio.create_task(writer.submit(Job(make(f"s{n}"), n))) for n in range(1, 11)]
            await asyncio.sleep(0.1)
            assert writer._queue.qsize() <= 4
        assert len(await asyncio.gather(*submits)) == 10


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="a lock of SQLite")
async def test_without_a_database_everybody_hears_it_at_once_and_the_writer_lives_on(monkeypatch):
    path, options = connection.settings_dict["NAME"], connection.settings_dict["OPTIONS"]
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options | {"timeout": 0.05})
    async with writing() as writer:
        blocker = sqlite3.connect(path, isolation_level=None)
        try:
            blocker.execute("BEGIN IMMEDIATE")
            submits = [writer.submit(Job(make(f"s{n}"), n)) for n in range(1, 30)]
            results = await asyncio.gather(*submits, return_exceptions=True)
        finally:
            blocker.close()
        assert all("locked" in str(result) for result in results)
        assert await writer.do(make("later")) == "later"
    assert await in_thread(slugs) == ["later"]
