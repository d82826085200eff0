"""The mails that the inbox caught, in a SQLite file of its own."""

from __future__ import annotations

import email
import email.policy
import sqlite3
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    subject TEXT NOT NULL,
    raw BLOB NOT NULL
)
"""


@dataclass(frozen=True)
class Mail:
    """One caught mail. `recipients` are those of the envelope; `attachments` are (name, type, size in bytes)."""

    id: int
    received_at: str
    sender: str
    recipients: list[str]
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    attachments: list[tuple[str, str, int]]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class MailStore:
    """Thread-safe: SMTP writes and HTTP reads from threads of their own."""

    def __init__(self, database: Path) -> None:
        database.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")  # a demo's inbox may lose its last second
        self._connection.execute(_SCHEMA)

    def add(self, sender: str, recipients: list[str], raw: bytes) -> int:
        """Keep a mail as it came; gives its id."""
        subject = str(_parse(raw).get("Subject", ""))
        row = (datetime.now(UTC).isoformat(timespec="milliseconds"), sender, " ".join(recipients), subject, raw)
        statement = "INSERT INTO mail (received_at, sender, recipients, subject, raw) VALUES (?, ?, ?, ?, ?)"
        with self._lock:
            return int(self._connection.execute(statement, row).lastrowid or 0)

    def find(self, to: str = "", limit: int = 200) -> list[Mail]:
        """Newest first; `to` is a part of a recipient's address, without case."""
        pattern = "%" + to.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        statement = "SELECT * FROM mail WHERE recipients LIKE ? ESCAPE '\\' ORDER BY id DESC LIMIT ?"
        with self._lock:
            rows = self._connection.execute(statement, (pattern, limit)).fetchall()
        return [_mail(row) for row in rows]

    def get(self, mail_id: int) -> Mail | None:
        with self._lock:
            row = self._connection.execute("SELECT * FROM mail WHERE id = ?", (mail_id,)).fetchone()
        return _mail(row) if row else None

    def attachment(self, mail_id: int, index: int) -> tuple[str, str, bytes] | None:
        """Name, type and content of one attachment."""
        with self._lock:
            row = self._connection.execute("SELECT raw FROM mail WHERE id = ?", (mail_id,)).fetchone()
        parts = list(_parse(row[0]).iter_attachments()) if row else []
        if not 0 <= index < len(parts):
            return None
        part = parts[index]
        return part.get_filename() or f"part-{index}", part.get_content_type(), _content(part)

    def clear(self) -> None:
        with self._lock:
            self._connection.execute("DELETE FROM mail")

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _parse(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def _mail(row: tuple[int, str, str, str, str, bytes]) -> Mail:
    mail_id, received_at, sender, recipients, subject, raw = row
    message = _parse(raw)
    files = [
        (part.get_filename() or f"part-{index}", part.get_content_type(), len(_content(part)))
        for index, part in enumerate(message.iter_attachments())
    ]
    return Mail(
        id=mail_id,
        received_at=received_at,
        sender=sender,
        recipients=recipients.split(),
        subject=subject,
        text=_body(message, "plain"),
        html=_body(message, "html"),
        headers={name: str(value) for name, value in message.items()},
        attachments=files,
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def _content(part: Any) -> bytes:  # the email package types its parts loosely
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
