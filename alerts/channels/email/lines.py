"""Lines to the mail server that are kept while a batch goes out: greeting, TLS and login cost more than a mail.

A line carries one mail at a time. One that met any trouble is not used again; one that the server has closed is seen
before a mail goes onto it, and one of which the server has had enough before it took the mail is replaced.
"""

import contextlib
import smtplib
import threading
from typing import Final

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from urllib3.util import wait_for_read

SLOWEST_GOODBYE: Final = 2.0  # seconds
_idle: list[BaseEmailBackend] = []
_lock = threading.Lock()


class NoLine(Exception):
    """The server could not be reached, or did not let us in: it has nothing of the mail."""


def send(mail: EmailMultiAlternatives) -> None:
    """Raises NoLine, and whatever the backend raises about the mail."""
    line = _kept()
    if line:
        try:
            _over(line, mail)
            return
        except smtplib.SMTPSenderRefused:  # the first word about this mail: perhaps so many a line
            pass
    _over(_opened(), mail)


def hang_up() -> None:
    with _lock:
        lines = list(_idle)
        _idle.clear()
    for line in lines:
        _close(line)


def _over(line: BaseEmailBackend, mail: EmailMultiAlternatives) -> None:
    try:
        line.send_messages([mail])
    except BaseException:
        _cut(line)
        raise
    with _lock:
        _idle.append(line)


def _opened() -> BaseEmailBackend:
    try:
        line: BaseEmailBackend = get_connection()
        line.open()
    except Exception as error:  # sockets, TLS, logins and settings: each raises its own
        raise NoLine(f"{type(error).__name__}: {error}") from error
    return line


def _kept() -> BaseEmailBackend | None:
    while True:
        with _lock:
            line = _idle.pop() if _idle else None
        if line is None or _alive(line):
            return line
        _cut(line)


def _alive(line: BaseEmailBackend) -> bool:
    """A mail server speaks only when it is spoken to: what can be read is its goodbye. Others look for themselves."""
    smtp = getattr(line, "connection", None)
    if not isinstance(smtp, smtplib.SMTP):
        return True
    return smtp.sock is not None and not wait_for_read(smtp.sock, timeout=0.0)


def _cut(line: BaseEmailBackend) -> None:
    """Without a goodbye: the other side may be silent."""
    smtp = getattr(line, "connection", None)
    if isinstance(smtp, smtplib.SMTP):
        smtp.close()
        line.connection = None  # type: ignore[attr-defined]
    _close(line)


def _close(line: BaseEmailBackend) -> None:
    smtp = getattr(line, "connection", None)
    if isinstance(smtp, smtplib.SMTP) and smtp.sock:
        smtp.sock.settimeout(SLOWEST_GOODBYE)
    with contextlib.suppress(Exception):  # every mail of it has its answer
        line.close()
