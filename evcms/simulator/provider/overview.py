"""The double's own pages: what it holds and sent, and a card reader's screen."""

import datetime as dt
from collections.abc import Callable
from html import escape

from evcms.simulator.provider import money
from evcms.simulator.provider.errors import JsonObject
from evcms.simulator.provider.provider import Provider
from evcms.simulator.provider.store import Page

# Fills a template by name with values that are HTML already.
Fill = Callable[..., str]
_TONES = {
    "succeeded": "good", "complete": "good", "delivered": "good", "paid": "good", "won": "good", "online": "good",
    "requires_capture": "busy", "pending": "busy", "open": "busy", "in_progress": "busy", "needs_response": "busy",
    "failed": "bad", "dropped": "bad", "lost": "bad", "offline": "bad", "requires_payment_method": "bad",
}  # fmt: skip


def overview(provider: Provider, fill: Fill) -> str:
    with provider.lock:
        newest = Page(limit=30)
        intents = provider.store.select("payment_intent", page=newest)
        readers = provider.store.select("terminal.reader", page=newest)
        events = provider.store.select("event", page=Page(limit=60))
        others = [
            body
            for kind in ("checkout.session", "refund", "dispute", "payout")
            for body in provider.store.select(kind, page=Page(limit=10))
        ]
        deliveries = {event["id"]: provider.store.deliveries(event["id"]) for event in events}
    return fill(
        "overview",
        merchant=escape(provider.merchant),
        now=_time(provider.now()),
        intents=_table("Amount Status Held Taken Created Id", [_intent(body) for body in intents], "No payments yet."),
        others=_table("Kind Amount Status Created Id", [_other(body) for body in others], "Nothing yet."),
        events=_table(
            "Event Object Created Delivery _",
            [_event(body, deliveries[body["id"]]) for body in events],
            "No events yet.",
        ),
        readers=_table("Reader Status Action", [_reader_row(body) for body in readers], "No card readers yet."),
    )


def _table(heads: str, rows: list[list[str]], empty: str) -> str:
    if not rows:
        return f'<p class="empty">{escape(empty)}</p>'
    cells = "".join(f"<th>{escape(head.strip('_').replace('-', ' '))}</th>" for head in heads.split())
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></div>'


def _pill(word: str) -> str:
    return f'<span class="pill {_TONES.get(word, "calm")}">{escape(word.replace("_", " "))}</span>'


def _time(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _amount(body: JsonObject, name: str = "amount") -> str:
    if body.get(name) is None:
        return "–"
    return f'<span class="number">{escape(money.written(body[name], body["currency"]))}</span>'


def _intent(body: JsonObject) -> list[str]:
    held, taken = (_amount(body, name) if body[name] else "–" for name in ("amount_capturable", "amount_received"))
    code = f"<code>{escape(body['id'])}</code>"
    return [_amount(body), _pill(body["status"]), held, taken, _time(body["created"]), code]


def _other(body: JsonObject) -> list[str]:
    amount = _amount(body, "amount_total" if body["object"] == "checkout.session" else "amount")
    kind = escape(body["object"].replace(".", " "))
    return [kind, amount, _pill(body["status"]), _time(body["created"]), f"<code>{escape(body['id'])}</code>"]


def _event(body: JsonObject, deliveries: list[JsonObject]) -> list[str]:
    sent = " ".join(f"{_pill(each['state'])} <small>{escape(each['answer'])}</small>" for each in deliveries[:3])
    again = (
        '<form method="post" action="/_double/webhooks/replay">'
        f'<input type="hidden" name="event" value="{escape(body["id"])}">'
        '<button class="small">Send again</button></form>'
    )
    subject = body["data"]["object"].get("id", "")
    return [escape(body["type"]), f"<code>{escape(subject)}</code>", _time(body["created"]), sent or "–", again]


def _reader_row(body: JsonObject) -> list[str]:
    link = f'<a href="/_double/readers/{escape(body["id"])}">{escape(body["label"])}</a>'
    return [link, _pill(body["status"]), _pill(body["action"]["status"]) if body["action"] else "–"]


def reader(provider: Provider, body: JsonObject, fill: Fill) -> str:
    """The screen of a reader: what it waits for, or how the last tap ended."""
    action = body["action"] or {}
    headline, detail, waiting = "Welcome", "Start at the charging station.", False
    if body["status"] == "offline":
        headline, detail = "Out of service", "This reader has no connection."
    elif action.get("status") == "in_progress":
        headline, detail, waiting = _asked(provider, action), "Hold your card or phone to the reader.", True
    elif action.get("type") == "set_reader_display":
        headline, *_rest = body.get("_screen") or [headline]
        detail = ""
    elif action.get("status") == "succeeded":
        headline, detail = "Approved", "Thank you. You can plug in now."
    elif action.get("status") == "failed":
        headline, detail = "Declined", action["failure_message"]
    said = _screen(body, action)
    cards = fill("tap", action=escape(f"/readers/{body['id']}/tap")) if waiting else ""
    return fill(
        "reader", merchant=escape(provider.merchant), label=escape(body["label"]), headline=escape(headline),
        detail=escape(detail), lines=said, tap=cards,
        tone="told" if action.get("type") == "set_reader_display" else escape(action.get("status", "idle")),
    )  # fmt: skip


def _screen(body: JsonObject, action: JsonObject) -> str:
    """What the server wrote on the screen: stays while the reader asks, as on a real one beside the amount."""
    lines = body.get("_screen") or []
    shown = lines if action.get("status") == "in_progress" else lines[1:]
    if not shown or action.get("type") not in ("set_reader_display", "process_payment_intent"):
        return ""
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in shown) + "</ul>"


def _asked(provider: Provider, action: JsonObject) -> str:
    if action["type"] != "process_payment_intent":
        return "Refund"
    intent = provider.store.get(action["process_payment_intent"]["payment_intent"]) or {}
    return money.price(intent["amount"], intent["currency"])
