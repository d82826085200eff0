"""The demo's inbox: a real SMTP conversation in, pages and JSON out, and nothing of a mail is trusted."""

from __future__ import annotations

import json
import os
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from evcms.simulator.inbox import Inbox


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    inbox = Inbox(tmp_path / "inbox.sqlite3")
    inbox.start()
    yield inbox
    inbox.stop()


def send(inbox: Inbox, to: str, subject: str, text: str, html: str = "", attachment: bytes = b"") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "EVCMS <network@example.org>", to, subject
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    if attachment:
        message.add_attachment(attachment, maintype="application", subtype="pdf", filename="receipt 1.pdf")
    with smtplib.SMTP("127.0.0.1", inbox.smtp_port, timeout=5) as smtp:
        smtp.send_message(message)


def read(inbox: Inbox, path: str) -> str:
    with urlopen(inbox.url + path, timeout=5) as response:
        return str(response.read().decode())


def test_a_mail_is_kept_and_found_by_its_recipient_newest_first(inbox: Inbox) -> None:
    send(inbox, "Anna@example.org", "First", "one")
    send(inbox, "bram@example.org", "Not hers", "two")
    send(inbox, "anna@example.org", "Über 3 €", "three")
    mails = json.loads(read(inbox, "messages.json?to=anna@example.org"))
    assert [mail["subject"] for mail in mails] == ["Über 3 €", "First"]
    assert mails[1]["text"] == "one\n"
    page = read(inbox, "?to=anna")
    assert page.index("Über 3 €") < page.index("First")
    assert "Not hers" not in page


def test_an_underscore_in_the_search_is_not_a_wildcard(inbox: Inbox) -> None:
    send(inbox, "a-b@example.org", "Dash", "x")
    assert json.loads(read(inbox, "messages.json?to=a_b")) == []


def test_links_in_the_text_can_be_clicked_and_markup_is_only_shown(inbox: Inbox) -> None:
    send(inbox, "a@example.org", "<b>bold</b>", "See http://127.0.0.1:8000/c/AB12?x=1&y=2. <script>alert(1)</script>")
    mail = json.loads(read(inbox, "messages.json"))[0]
    page = read(inbox, f"messages/{mail['id']}")
    assert '<a href="http://127.0.0.1:8000/c/AB12?x=1&amp;y=2"' in page
    assert "<script>" not in page
    assert "<b>bold" not in page + read(inbox, "")


def test_the_html_part_is_sandboxed_without_scripts_or_foreign_pictures(inbox: Inbox) -> None:
    send(inbox, "a@example.org", "Receipt", "text", html="<p>Hello</p><script>alert(1)</script>")
    mail = json.loads(read(inbox, "messages.json"))[0]
    assert f'<iframe sandbox="allow-popups" src="/messages/{mail["id"]}.html"' in read(inbox, f"messages/{mail['id']}")
    with urlopen(f"{inbox.url}messages/{mail['id']}.html", timeout=5) as response:
        policy = response.headers["Content-Security-Policy"]
        assert b"<p>Hello</p>" in response.read()
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy


def test_an_attachment_comes_out_as_it_went_in(inbox: Inbox) -> None:
    send(inbox, "a@example.org", "Receipt", "text", attachment=b"%PDF-1.7 bytes")
    mail = json.loads(read(inbox, "messages.json"))[0]
    assert mail["attachments"] == [["receipt 1.pdf", "application/pdf", 14]]
    with urlopen(f"{inbox.url}messages/{mail['id']}/attachments/0", timeout=5) as response:
        assert response.read() == b"%PDF-1.7 bytes"
        assert "receipt%201.pdf" in response.headers["Content-Disposition"]


@pytest.mark.parametrize("path", ["messages/99", "messages/99.json", "messages/99/attachments/0", "nothing"])
def test_what_is_not_there_is_a_plain_404(inbox: Inbox, path: str) -> None:
    with pytest.raises(HTTPError) as caught:
        read(inbox, path)
    assert caught.value.code == 404


def test_an_empty_inbox_says_what_will_be_here(inbox: Inbox) -> None:
    assert "Nothing yet" in read(inbox, "")


def test_mails_survive_a_restart(tmp_path: Path) -> None:
    for expected in (0, 1):
        inbox = Inbox(tmp_path / "inbox.sqlite3")
        inbox.start()
        assert len(json.loads(read(inbox, "messages.json"))) == expected
        send(inbox, "a@example.org", "Hello", "x")
        inbox.stop()


def test_the_program_starts_only_in_demo_or_tests(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "evcms.simulator.inbox", "--smtp-port", "0", "--http-port", "0"]
    command += ["--database", str(tmp_path / "inbox.sqlite3")]
    bare = {name: value for name, value in os.environ.items() if name not in ("EVCMS_DEMO", "EVCMS_TESTING")}
    refused = subprocess.run(command, env=bare, capture_output=True, text=True, timeout=20)
    assert refused.returncode == 2
    assert "EVCMS_DEMO=1" in refused.stderr
    running = subprocess.Popen(command, env=bare | {"EVCMS_TESTING": "1"}, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        assert "mail on port" in running.stdout.readline()
    finally:
        running.terminate()
    assert running.wait(10) == 0
