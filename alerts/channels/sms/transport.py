"""Texts through an HTTP API as Twilio's Messages resource: any provider that speaks it, named by SMS_API_BASE."""

import functools
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import requests
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from requests.adapters import HTTPAdapter

from alerts.channels.message import Handed, Message, OutcomeUnknown, TransportError, Tried
from evcms.core import outgoing

from . import words

DROPS_DOUBLES = False
ANSWERS = True
MOST_SEGMENTS = 3
TIMES = (5, 10)  # seconds
MOST_LINES = 32  # kept at once
CLOCKS = timedelta(minutes=2)  # that theirs may differ from ours
DEAD_NUMBERS = {21211, 21214, 21217, 21610, 21614}  # no such number, a landline, "stop" was answered
NEVER = DEAD_NUMBERS | {21408, 21612, 21617, 21635}  # a country or route that this account may not use


def ready() -> bool:
    return bool(settings.SMS_ACCOUNT and settings.SMS_TOKEN and settings.SMS_SENDER)


def missing() -> str:
    return _("No provider for texts is set (SMS_ACCOUNT, SMS_TOKEN, SMS_SENDER).")


def body(message: Message) -> str:
    """Words and page; and the link that ends it where it costs no further segment."""
    text = words.fitted(message.short or message.subject, message.page, MOST_SEGMENTS)
    end = message.headers.get("List-Unsubscribe", "").strip("<>")
    longer = f"{text} STOP: {end}"
    return longer if end and words.segments(longer) == words.segments(text) else text


def send(message: Message) -> Handed:
    text = body(message)
    sender = "MessagingServiceSid" if settings.SMS_SENDER.startswith("MG") else "From"
    back = settings.PUBLIC_URL + reverse("sms-status") + f"?attempt={message.attempt}"
    fields = {"To": message.to, sender: settings.SMS_SENDER, "Body": text, "StatusCallback": back}
    answer = _call("POST", "Messages.json", data=fields)
    said = _json(answer)
    if answer.status_code in (200, 201) and said.get("sid"):
        count = words.segments(text)
        return Handed(provider_id=str(said["sid"]), detail=_("%(count)s segments") % {"count": count})
    raise _trouble(answer.status_code, said)


def ask(message: Message, tried: Tried) -> Handed | None:
    """Looks through what the provider has for this number: the same words, not older than the attempt."""
    query = {"To": message.to, "DateSent>": f"{tried.at - CLOCKS:%Y-%m-%d}", "PageSize": "200"}
    answer = _call("GET", "Messages.json", params=query)
    if answer.status_code != 200:
        raise TransportError(f"HTTP {answer.status_code}", permanent=False)
    text = body(message)
    for one in _json(answer).get("messages", ()):
        fresh = _moment(one.get("date_created")) >= tried.at - CLOCKS
        if fresh and one.get("body") == text and one["sid"] not in tried.taken:
            return Handed(provider_id=str(one["sid"]), detail=_("asked: it had arrived"))
    return None


def _call(method: str, path: str, **how: Any) -> requests.Response:
    """Any: requests' own arguments."""
    account = quote(settings.SMS_ACCOUNT, safe="")
    url = f"{settings.SMS_API_BASE}/2010-04-01/Accounts/{account}/{path}"
    how |= {"auth": (settings.SMS_ACCOUNT, settings.SMS_TOKEN), "timeout": TIMES, "allow_redirects": False}
    try:
        return _lines().request(method, url, **how)
    except requests.RequestException as error:
        known = outgoing.explained(error)
        if isinstance(known, outgoing.NotSent):
            raise TransportError(str(known), permanent=False) from error
        raise OutcomeUnknown(str(known)) from error


@functools.cache
def _lines() -> requests.Session:
    """Its connections serve many texts; threads share them."""
    session = requests.Session()
    session.mount("https://", HTTPAdapter(pool_maxsize=MOST_LINES))
    session.mount("http://", HTTPAdapter(pool_maxsize=MOST_LINES))
    return session


def hang_up() -> None:
    _lines.cache_clear()


def _json(answer: requests.Response) -> dict[str, Any]:
    """Any: the provider's JSON."""
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _trouble(status: int, said: dict[str, Any]) -> TransportError:
    code = said.get("code") if isinstance(said.get("code"), int) else 0
    sentence = f"HTTP {status} {code or ''} {said.get('message', '')}"[:250]
    if status < 300 or (status >= 500 and status != 503):
        return OutcomeUnknown(sentence)  # it may have taken it; it is asked before the next try
    return TransportError(sentence, permanent=code in NEVER, gone=code in DEAD_NUMBERS)


def _moment(text: object) -> datetime:
    """RFC 2822, as the API writes times (-0000 is UTC, too); long ago for what is none."""
    try:
        moment = parsedate_to_datetime(str(text))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
