"""What came by other channels than mail, in the inbox's SQLite file."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS note (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at TEXT NOT NULL,
    channel TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    ours TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS phone (
    name TEXT PRIMARY KEY,
    private_key TEXT NOT NULL,
    auth TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class Note:
    """One caught message. `ours`: the sender's stable id, where the channel carries it; `detail`: what else came."""

    id: int
    received_at: str
    channel: str
    sender: str
    recipient: str
    subject: str
    text: str
    ours: str
    detail: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class NoteStore:
    """Thread-safe: each request comes on a thread of its own. `now` is the world's clock; tests move it."""

    def __init__(self, database: Path) -> None:
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        database.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")  # a demo's inbox may lose its last second
        self._connection.executescript(_SCHEMA)

    def add(
        self,
        channel: str,
        recipient: str,
        text: str,
        *,
        sender: str = "",
        subject: str = "",
        ours: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> int:
        now = self.now().isoformat(timespec="milliseconds")
        row = (now, channel, sender, recipient, subject, text, ours, json.dumps(detail or {}))
        statement = (
            "INSERT INTO note (received_at, channel, sender, recipient, subject, text, ours, detail)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        with self._lock:
            return int(self._connection.execute(statement, row).lastrowid or 0)

    def find(self, channel: str = "", to: str = "", limit: int = 200) -> list[Note]:
        """Newest first."""
        pattern = "%" + to.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        statement = (
            "SELECT * FROM note WHERE recipient LIKE ? ESCAPE '\\' AND (? = '' OR channel = ?) ORDER BY id DESC LIMIT ?"
        )
        with self._lock:
            rows = self._connection.execute(statement, (pattern, channel, channel, limit)).fetchall()
        return [_note(row) for row in rows]

    def get(self, note_id: int) -> Note | None:
        with self._lock:
            row = self._connection.execute("SELECT * FROM note WHERE id = ?", (note_id,)).fetchone()
        return _note(row) if row else None

    def keep_phone(self, name: str, private_key: str, auth: str) -> None:
        with self._lock:
            self._connection.execute("INSERT OR REPLACE INTO phone VALUES (?, ?, ?)", (name, private_key, auth))

    def phone(self, name: str) -> tuple[str, str] | None:
        """(private key, auth secret) of a subscription, both base64url."""
        with self._lock:
            row = self._connection.execute("SELECT private_key, auth FROM phone WHERE name = ?", (name,)).fetchone()
        return (row[0], row[1]) if row else None

    def forget_phone(self, name: str) -> None:
        with self._lock:
            self._connection.execute("DELETE FROM phone WHERE name = ?", (name,))

    def clear(self) -> None:
        with self._lock:
            self._connection.execute("DELETE FROM note")

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _note(row: tuple[Any, ...]) -> Note:
    return Note(*row[:8], json.loads(row[8]))  # type: ignore[call-arg]
