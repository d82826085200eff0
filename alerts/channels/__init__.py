"""One folder per channel, the same file names in each:

transport.py   ready(), send(message), ask(message, tried), hang_up(), DROPS_DOUBLES, ANSWERS
address.py     clean(text) → the address as it is kept; ValidationError with a sentence for a bad one
tracking.py    what the provider tells later, in our words (`Told`), and the door it comes through
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Protocol, cast

from .message import Handed, Message, OutcomeUnknown, Told, TransportError, Tried

__all__ = [
    "FOLDERS",
    "Addresses",
    "Handed",
    "Message",
    "OutcomeUnknown",
    "Told",
    "Transport",
    "TransportError",
    "Tried",
    "addresses",
    "lines",
    "ready",
    "transport",
]


class Transport(Protocol):
    """`DROPS_DOUBLES`: a second hand-over of the same id reaches the person once (id header, topic).

    `ANSWERS`: the provider can be asked what became of an attempt.
    """

    DROPS_DOUBLES: bool
    ANSWERS: bool

    def ready(self) -> bool:
        """False: nothing configured, notifications wait in their queue."""

    def missing(self) -> str:
        """The sentence for a person who would choose this channel while it is not ready."""

    def send(self, message: Message) -> Handed:
        """Hands it over; runs in a thread, touches no rows. Raises TransportError, OutcomeUnknown."""

    def ask(self, message: Message, tried: Tried) -> Handed | bool | None:
        """What became of an attempt of unknown outcome: Handed, None (it never arrived), or False (cannot tell)."""

    def hang_up(self) -> None:
        """The batch is out: connections that were kept for it are let go."""


class Addresses(Protocol):
    def clean(self, text: str) -> str:
        """As it is kept. Raises ValidationError with a sentence."""

    def shown(self, address: str) -> str:
        """As people see it: without the secrets that some addresses carry."""


FOLDERS = ("email", "sms", "push", "webhook", "chat")


def ready(channel: str) -> bool:
    return transport(channel).ready()


def transport(channel: str) -> Transport:
    """Loaded at its first use: some channels bring heavy libraries."""
    return cast(Transport, import_module(f"alerts.channels.{channel}.transport"))


@contextmanager
def lines() -> Iterator[None]:
    """Within it connections to providers are kept from one message to the next."""
    try:
        yield
    finally:
        for channel in FOLDERS:
            transport(channel).hang_up()


def addresses(channel: str) -> Addresses:
    return cast(Addresses, import_module(f"alerts.channels.{channel}.address"))
