"""The double's memory: one SQLite file that outlives the process.

Objects are kept as JSON documents, whole, as the API shows them; members whose name begins with an underscore
are the double's own notes and never leave it. Every change of one call is one transaction.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from evcms.simulator.provider.errors import JsonObject

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, created INTEGER NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_in_order ON objects (kind, created DESC, seq DESC);
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (kind, json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_by_charge ON objects (kind, json_extract(body, '$.charge'));
CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (kind, json_extract(body, '$.customer'));
CREATE INDEX IF NOT EXISTS objects_by_source ON objects (kind, json_extract(body, '$.source'));
CREATE INDEX IF NOT EXISTS objects_by_payout ON objects (kind, json_extract(body, '$._payout'));
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, call TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT NOT NULL, task TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (id, task));
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY, event TEXT NOT NULL, endpoint TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
    next_at REAL NOT NULL, answer TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, next_at);
CREATE INDEX IF NOT EXISTS deliveries_of_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted: newest first, `limit` rows after (older) or before (newer) an id."""

    limit: int = 10
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a call with this idempotency key was told; `call` names the call and its parameters."""

    call: str
    status: int
    body: str


class Store:
    """Rows of one file. Not safe across threads: the provider serialises its callers."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=20)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # objects

    def get(self, identifier: str) -> JsonObject | None:
        row = self._db.execute("SELECT body FROM objects WHERE id = ?", (identifier,)).fetchone()
        return _loaded(row[0]) if row else None

    def put(self, body: JsonObject) -> JsonObject:
        self._db.execute(
            "INSERT INTO objects (id, kind, created, seq, body) VALUES (?, ?, ?, (SELECT coalesce(max(rowid), 0) + 1 "
            "FROM objects), ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (
                body["id"],
                body["object"],
                body.get("created", body.get("_created", 0)),
                json.dumps(body, separators=(",", ":")),
            ),
        )
        return body

    def delete(self, identifier: str) -> None:
        self._db.execute("DELETE FROM objects WHERE id = ?", (identifier,))

    def load(self, bodies: Iterable[JsonObject]) -> int:
        """Insert many at once; those already there stay as they are. Returns how many were new."""
        before = self._db.total_changes
        start = self._db.execute("SELECT coalesce(max(rowid), 0) FROM objects").fetchone()[0]
        self._db.executemany(
            "INSERT OR IGNORE INTO objects (id, kind, created, seq, body) VALUES (?, ?, ?, ?, ?)",
            (
                (
                    body["id"],
                    body["object"],
                    body["created"],
                    start + place,
                    json.dumps(body, separators=(",", ":")),
                )
                for place, body in enumerate(bodies, 1)
            ),
        )
        return self._db.total_changes - before

    def select(
        self, kind: str, where: Iterable[tuple[str, str, object]] = (), page: Page = Page(limit=-1)
    ) -> list[JsonObject]:
        """Objects of a kind, newest first. `where` holds (member path, SQL comparison, value)."""
        clauses: list[str] = ["kind = ?"]
        values: list[object] = [kind]
        for path, comparison, value in where:
            several = value if isinstance(value, list) else [value]
            marks = f"({', '.join('?' * len(several))})" if comparison == "IN" else "?"
            clauses.append(f"{self._column(path)} {comparison} {marks}")
            values += several
        for identifier, comparison in ((page.after, "<"), (page.before, ">")):
            if identifier:
                clauses.append(f"(created, seq) {comparison} (SELECT created, seq FROM objects WHERE id = ?)")
                values.append(identifier)
        order = "ASC" if page.before else "DESC"
        rows = self._db.execute(
            f"SELECT body FROM objects WHERE {' AND '.join(clauses)} ORDER BY created {order}, seq {order} LIMIT ?",
            (*values, page.limit),
        ).fetchall()
        bodies = [_loaded(row[0]) for row in rows]
        return bodies[::-1] if page.before else bodies

    def balances(self, now: int) -> list[tuple[str, bool, int]]:
        """Net money by (currency, available by then) over all balance transactions, in smallest units."""
        rows = self._db.execute(
            "SELECT json_extract(body, '$.currency'), json_extract(body, '$.available_on') <= ?, "
            "sum(json_extract(body, '$.net')) FROM objects WHERE kind = 'balance_transaction' GROUP BY 1, 2",
            (now,),
        )
        return [(currency, bool(available), total) for currency, available, total in rows]

    @staticmethod
    def _column(path: str) -> str:
        return "created" if path == "created" else f"json_extract(body, '$.{path}')"

    # idempotency

    def answer(self, key: str) -> Answer | None:
        row = self._db.execute("SELECT call, status, body FROM answers WHERE key = ?", (key,)).fetchone()
        return Answer(*row) if row else None

    def keep_answer(self, key: str, answer: Answer, now: int) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)",
            (key, answer.call, answer.status, answer.body, now),
        )

    def forget_answers(self, before: int) -> None:
        self._db.execute("DELETE FROM answers WHERE created < ?", (before,))

    # jobs: what happens by itself at a time

    def schedule(self, identifier: str, task: str, at: int) -> None:
        self._db.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?)", (identifier, task, at))

    def unschedule(self, identifier: str, task: str) -> None:
        self._db.execute("DELETE FROM jobs WHERE id = ? AND task = ?", (identifier, task))

    def due(self, now: int) -> list[tuple[str, str]]:
        return self._db.execute("SELECT id, task FROM jobs WHERE at <= ? ORDER BY at, id", (now,)).fetchall()

    # webhook deliveries

    def deliver(self, event: str, endpoint: str, at: float, state: str = "pending") -> None:
        self._db.execute(
            "INSERT INTO deliveries (event, endpoint, state, attempts, next_at, answer) VALUES (?, ?, ?, 0, ?, '')",
            (event, endpoint, state, at),
        )

    def deliveries_due(self, now: float, limit: int) -> list[tuple[int, str, str, int]]:
        return self._db.execute(
            "SELECT id, event, endpoint, attempts FROM deliveries WHERE state = 'pending' AND next_at <= ? "
            "ORDER BY next_at, id LIMIT ?",
            (now, limit),
        ).fetchall()

    def delivery_attempted(self, identifier: int, *, state: str, next_at: float, answer: str) -> None:
        self._db.execute(
            "UPDATE deliveries SET state = ?, next_at = ?, answer = ?, attempts = attempts + 1 WHERE id = ?",
            (state, next_at, answer, identifier),
        )

    def deliveries(self, event: str | None = None, limit: int = 100) -> list[JsonObject]:
        condition = "WHERE event = ?" if event else ""
        cursor = self._db.execute(
            f"SELECT id, event, endpoint, state, attempts, next_at, answer FROM deliveries {condition} "
            "ORDER BY id DESC LIMIT ?",
            ((event, limit) if event else (limit,)),
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    # settings

    def setting(self, name: str, default: JsonObject) -> JsonObject:
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return _loaded(row[0]) if row else default

    def set_setting(self, name: str, value: JsonObject) -> None:
        self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))


def _loaded(text: str) -> JsonObject:
    body: JsonObject = json.loads(text)
    return body
