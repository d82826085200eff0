"""Operators' chat rooms, through apprise: its plugins, our checked way out."""

from apprise import Apprise, NotifyFormat, NotifyType
from django.core.exceptions import ValidationError

from alerts.channels import answers
from alerts.channels.message import Handed, Message, OutcomeUnknown, TransportError, Tried
from evcms.core import outgoing

from . import address

DROPS_DOUBLES = False
ANSWERS = False


def ready() -> bool:
    return True  # the address is the whole configuration


def missing() -> str:
    return ""


hang_up = outgoing.hang_up


def send(message: Message) -> Handed:
    try:
        plugin = Apprise.instantiate(address.clean(message.to), suppress_exceptions=True)
    except ValidationError as error:
        raise TransportError(" ".join(error.messages), permanent=True, gone=True) from error
    assert plugin is not None  # clean() has built one
    with outgoing.lend() as seen:
        kind = NotifyType.WARNING if message.urgent else NotifyType.INFO
        done = plugin.notify(
            title=message.subject, body=_body(message), notify_type=kind, body_format=NotifyFormat.TEXT
        )
    if done:
        return Handed(detail=f"HTTP {seen.status}")
    raise _trouble(seen)


def _body(message: Message) -> str:
    words = message.short or message.text
    return f"{words}\n{message.page}" if message.page and message.page not in words else words


def _trouble(seen: outgoing.Seen) -> Exception:
    """apprise says only "no": what its call met tells which no."""
    if isinstance(seen.error, outgoing.NoAnswer):
        return OutcomeUnknown(str(seen.error))
    if isinstance(seen.error, outgoing.Forbidden):
        return TransportError(str(seen.error), permanent=True, gone=True)
    if seen.error:
        return TransportError(str(seen.error), permanent=False)
    if not seen.status:
        return TransportError("the service was not called", permanent=False)
    try:
        answers.judge(seen.status, seen.text, gone=(404, 410))
    except TransportError as error:
        return error
    return TransportError(f"HTTP {seen.status} {seen.text}"[:250], permanent=False)


def ask(message: Message, tried: Tried) -> bool:
    return False
