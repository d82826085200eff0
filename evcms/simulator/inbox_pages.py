"""The inbox's pages. Everything that came by mail is escaped; its HTML part is shown in a sandboxed frame."""

from __future__ import annotations

import json
import re
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import quote

from evcms.simulator.mailstore import Mail
from evcms.simulator.outlets.notes import Note

CHANNELS = {"": "all", "email": "e-mail", "sms": "SMS", "push": "push", "webhook": "webhook", "chat": "chat"}

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 56rem; padding: 1rem; }
header { display: flex; flex-wrap: wrap; gap: 1rem; align-items: baseline; justify-content: space-between; }
h1 { font-size: 1.3rem; margin: .5rem 0; overflow-wrap: anywhere; }
input, button { font: inherit; padding: .35rem .6rem; }
ol { list-style: none; margin: 1rem 0; padding: 0; }
li { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
li a { display: grid; gap: 0 1rem; padding: .6rem .2rem; text-decoration: none; color: inherit; }
li a:hover, li a:focus { background: color-mix(in srgb, currentColor 8%, transparent); }
.subject { font-weight: 600; overflow-wrap: anywhere; }
.small { font-size: .875rem; opacity: .75; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0; }
dd { margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
iframe { width: 100%; height: 60vh; background: #fff; border: 1px solid #8888; border-radius: .4rem; }
"""
_LINK = re.compile(r"https?://[^\s<>\"')\]]+")


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def index(mails: list[Mail], notes: list[Note], to: str, channel: str = "") -> str:
    """Newest first, all channels in one list; an empty inbox says what to do."""
    rows = [(mail.received_at, _row(mail)) for mail in mails] + [(note.received_at, _note_row(note)) for note in notes]
    shown = "".join(row for _at, row in sorted(rows, reverse=True)[:200])
    empty = "Nothing here yet." if to or channel else "Nothing yet. What EVCMS sends in the demo arrives here."
    links = " · ".join(_filter(name, label, to, channel) for name, label in CHANNELS.items())
    body = f"""<header><h1>Inbox of the demo</h1><form action="/" method="get" role="search">
<input type="hidden" name="channel" value="{escape(channel)}">
<label>Recipient <input name="to" value="{escape(to)}" type="search"></label> <button>Search</button></form></header>
<nav aria-label="Channels">{links}</nav>
{f"<ol>{shown}</ol>" if shown else f"<p>{empty}</p>"}"""
    return _document("Inbox", body)


def _filter(name: str, label: str, to: str, channel: str) -> str:
    if name == channel:
        return f'<strong aria-current="page">{label}</strong>'
    return f'<a href="/?channel={name}&amp;to={quote(to)}">{label}</a>'


def _row(mail: Mail) -> str:
    subject = escape(mail.subject) or "(no subject)"
    to = escape(", ".join(mail.recipients))
    return (
        f'<li><a href="/messages/{mail.id}"><span class="subject">{subject}</span>'
        f'<span class="small">e-mail to {to} · {_time(mail.received_at)}</span></a></li>'
    )


def _note_row(note: Note) -> str:
    subject = escape(note.subject or note.text[:90]) or "(no words)"
    channel = CHANNELS.get(note.channel, note.channel)
    return (
        f'<li><a href="/notes/{note.id}"><span class="subject">{subject}</span>'
        f'<span class="small">{channel} to {escape(note.recipient)} · {_time(note.received_at)}</span></a></li>'
    )


def note(note: Note) -> str:
    """One message of another channel, with what came beside the words."""
    facts = {"Channel": CHANNELS.get(note.channel, note.channel), "To": note.recipient, "From": note.sender}
    facts |= {"Received": _time(note.received_at), "Sender's id": note.ours}
    facts |= {name: str(value) for name, value in note.detail.items()}
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{linked(value)}</dd>" for name, value in facts.items() if value)
    body = f"""<p><a href="/">All messages</a></p><h1>{escape(note.subject or note.text[:90])}</h1>
<dl>{rows}</dl><pre>{linked(note.text)}</pre>"""
    return _document(note.subject or "Message", body)


def message(mail: Mail) -> str:
    """One mail: head, text with clickable links, HTML part, attachments."""
    to = ", ".join(mail.recipients)
    html = f'<h2>As HTML</h2><iframe sandbox="allow-popups" src="/messages/{mail.id}.html" title="HTML part"></iframe>'
    files = "".join(
        f'<li><a href="/messages/{mail.id}/attachments/{number}">{escape(name)} '
        f'<span class="small">{escape(kind)}, {size} bytes</span></a></li>'
        for number, (name, kind, size) in enumerate(mail.attachments)
    )
    body = f"""<p><a href="/">All messages</a></p><h1>{escape(mail.subject) or "(no subject)"}</h1>
<dl><dt>From</dt><dd>{escape(mail.headers.get("From", mail.sender))}</dd><dt>To</dt><dd>{escape(to)}</dd>
<dt>Received</dt><dd>{_time(mail.received_at)}</dd></dl>
{f"<ol>{files}</ol>" if files else ""}
{f"<pre>{linked(mail.text)}</pre>" if mail.text else ""}
{html if mail.html else ""}"""
    return _document(mail.subject or "Mail", body)


def linked(text: str) -> str:
    """Escaped text in which web addresses can be clicked."""
    parts, at = [], 0
    for found in _LINK.finditer(text):
        address = escape(found[0].rstrip(".,;"))
        parts.append(escape(text[at : found.start()]) + f'<a href="{address}" rel="noreferrer">{address}</a>')
        at = found.start() + len(found[0].rstrip(".,;"))
    return "".join(parts) + escape(text[at:])


def missing() -> str:
    return _document("Not found", '<h1>There is no such mail.</h1><p><a href="/">All messages</a></p>')


def _time(received_at: str) -> str:
    return datetime.fromisoformat(received_at).strftime("%Y-%m-%d %H:%M:%S UTC")


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )
