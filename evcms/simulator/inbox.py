"""A mail server and the doubles of the other channels, and a page to read what came: the inboxes of the demo's people.

    python -m evcms.simulator.inbox --smtp-port 8025 --http-port 8026 --database var/demo/inbox.sqlite3

Pages: `/` (newest first, `?to=` filters by recipient, `?channel=` by channel), `/messages/<id>`, `/notes/<id>`; for
tests `/messages.json?to=`, `/messages/<id>.json` and `/notes.json?channel=&to=`. The doubles (see `outlets`) answer on
the same port: `/2010-04-01/…` texts, `/push/…`, `/hooks/<name>`, `/notify/<room>`, `/faults`.
It delivers nothing to anybody, so it starts in the demo and in tests only.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, quote, urlsplit

from aiosmtpd.controller import Controller

from evcms.simulator import inbox_pages as pages
from evcms.simulator.mailstore import MailStore
from evcms.simulator.outlets import Outlets
from evcms.simulator.outlets.faults import Faults

IDLE_LINE = 60  # seconds
LARGEST_MAIL = 20 * 2**20
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; form-action 'self'"


class _Sink:
    """aiosmtpd's handler: every mail is welcome, but on bad days."""

    def __init__(self, store: MailStore, faults: Faults) -> None:
        self.store, self.faults = store, faults

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        luck = self.faults.throw("email")
        if luck == "refuse":
            return "451 busy, try later"
        self.store.add(envelope.mail_from or "", list(envelope.rcpt_tos), bytes(envelope.content))
        if luck == "drop":
            server.transport.abort()
        return "250 kept"


class _Server(Controller):
    """aiosmtpd knocks at its port when it starts; with port 0 it must look up which one that is."""

    def _trigger_server(self) -> None:
        self.port = int(cast(asyncio.Server, self.server).sockets[0].getsockname()[1])
        super()._trigger_server()  # type: ignore[no-untyped-call]


class Inbox:
    """SMTP sink and web page; ports 0 are chosen by the system and then readable."""

    def __init__(self, database: Path, *, smtp_port: int = 0, http_port: int = 0, host: str = "127.0.0.1") -> None:
        self.store, self.faults = MailStore(database), Faults()
        given = {"account": os.environ.get("SMS_ACCOUNT", ""), "token": os.environ.get("SMS_TOKEN", "")}
        given["hook"] = os.environ.get("DEMO_WEBHOOK_SECRET", "")
        self.outlets = Outlets(database, self.faults, **{name: value for name, value in given.items() if value})
        self._http = _Pages((host, http_port), _handler(self.store, self.outlets))
        self.outlets.base = self.url_of(host)
        self._smtp = _Server(
            _Sink(self.store, self.faults), hostname=host, port=smtp_port, data_size_limit=LARGEST_MAIL
        )
        self._host = host

    @property
    def smtp_port(self) -> int:
        """Where mail is taken (known once started)."""
        return int(self._smtp.port)

    def url_of(self, host: str) -> str:
        return f"http://{host}:{self._http.server_port}/"

    @property
    def url(self) -> str:
        return self.url_of(self._host)

    def start(self) -> None:
        self._smtp.start()
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True, name="inbox pages").start()

    def stop(self) -> None:
        self._smtp.stop(no_assert=True)
        self._http.shutdown()
        self._http.server_close()
        self.store.close()
        self.outlets.notes.close()


class _Pages(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # many senders at once


def _handler(store: MailStore, outlets: Outlets) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # a line serves many calls, as the real ones' do
        timeout = IDLE_LINE

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path.startswith("/2010-04-01/"):
                self._reply(outlets.get(self.path, self._names()))
                return
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            self._send(*_answer(store, outlets, address.path, query))

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size) if size <= LARGEST_MAIL else b""
            self.close_connection |= size > LARGEST_MAIL
            self._reply(outlets.post(self.path, self._names(), body))

        def _names(self) -> dict[str, str]:
            return {name.lower(): value for name, value in self.headers.items()}

        def _reply(self, reply: tuple[int, Any] | None) -> None:
            """None: what was taken is not answered; the caller's line just breaks."""
            if reply is None:
                self.close_connection = True
                return
            body = b"" if reply[0] == 204 else pages.as_json(reply[1])
            self._send(reply[0], "application/json", body, {})

        def _send(self, status: int, kind: str, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Cache-Control", "no-store")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: the supervisor's console is for what matters."""

    return Handler


Answer = tuple[int, str, bytes, dict[str, str]]


def _answer(store: MailStore, outlets: Outlets, path: str, query: dict[str, str]) -> Answer:
    """The page, the JSON or the file behind a path."""
    to, channel = query.get("to", ""), query.get("channel", "")
    if path == "/":
        mails = store.find(to) if channel in ("", "email") else []
        notes = outlets.notes.find(channel, to) if channel != "email" else []
        return _page(200, pages.index(mails, notes, to, channel))
    if path == "/messages.json":
        return _json([mail.as_json() for mail in store.find(to)])
    if path == "/notes.json":
        return _json([note.as_json() for note in outlets.notes.find(channel, to, limit=5000)])
    note_path = re.fullmatch(r"/notes/(\d{1,12})", path)
    if note_path:
        note = outlets.notes.get(int(note_path[1]))
        return _page(200, pages.note(note)) if note else _page(404, pages.missing())
    if path == "/healthz":
        return _json({"status": "ok"})
    found = re.fullmatch(r"/messages/(\d{1,12})(\.json|\.html)?(?:/attachments/(\d{1,4}))?", path)
    if found is None:
        return _page(404, pages.missing())
    mail_id, form, index = int(found[1]), found[2], found[3]
    if index is not None:
        return _file(store.attachment(mail_id, int(index)))
    mail = store.get(mail_id)
    if mail is None:
        return _page(404, pages.missing())
    if form == ".json":
        return _json(mail.as_json())
    if form == ".html":
        return _foreign(mail.html)
    return _page(200, pages.message(mail))


def _page(status: int, html: str) -> Answer:
    return status, "text/html; charset=utf-8", html.encode(), {"Content-Security-Policy": POLICY}


def _json(value: Any) -> Answer:
    return 200, "application/json", pages.as_json(value), {}


def _foreign(html: str) -> Answer:
    """The HTML part as it came, without scripts, forms or pictures from elsewhere; its links open a new tab."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups"
    body = '<base target="_blank">' + html
    return 200, "text/html; charset=utf-8", body.encode(), {"Content-Security-Policy": policy}


def _file(found: tuple[str, str, bytes] | None) -> Answer:
    if found is None:
        return _page(404, pages.missing())
    name, kind, content = found
    return 200, kind, content, {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}


def _default_database() -> Path:
    return Path(os.environ.get("EVCMS_DATA_DIR", "var")) / "demo" / "inbox.sqlite3"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="evcms.simulator.inbox", description="Catch mail and show it.")
    parser.add_argument("--smtp-port", type=int, default=8025)
    parser.add_argument("--http-port", type=int, default=8026)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--database", type=Path, default=_default_database())
    options = parser.parse_args(arguments)
    if "1" not in (os.environ.get("EVCMS_DEMO"), os.environ.get("EVCMS_TESTING")):
        sys.stderr.write("The inbox swallows every mail, so it starts only with EVCMS_DEMO=1 or EVCMS_TESTING=1.\n")
        return 2
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    try:
        inbox = Inbox(options.database, smtp_port=options.smtp_port, http_port=options.http_port, host=options.host)
        inbox.start()
    except OSError as error:
        sys.stderr.write(f"The inbox cannot listen on its ports: {error}.\n")
        return 1
    sys.stdout.write(f"inbox: mail on port {inbox.smtp_port}, page on {inbox.url}\n")
    sys.stdout.flush()
    done.wait()
    inbox.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
