"""What a channel gets to send and what it says about it. No Django, no rows: calls run in threads of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Message:
    """One attempt's worth of a notification.

    `id` is the same at every attempt, whichever the channel; `attempt` is this one's. `keys` are the destination's
    secrets (push keys, signing secrets). `attachments` are (file name, content, MIME type). Any: JSON for machines.
    """

    id: str
    attempt: int
    to: str
    subject: str
    text: str
    html: str = ""
    short: str = ""
    page: str = ""
    template: str = ""
    language: str = "en"
    urgent: bool = False
    organization_id: int | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    keys: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[tuple[str, bytes, str], ...] = ()


@dataclass(frozen=True)
class Handed:
    """The provider took it. `provider_id` is its name for the message, where it gives one.

    `delivered`: there is nobody behind it that could still lose it.
    """

    provider_id: str = ""
    detail: str = "accepted"
    delivered: bool = False


@dataclass(frozen=True)
class Tried:
    """An earlier attempt whose outcome nobody knows. `taken`: provider's ids that belong to other messages."""

    attempt: int
    at: datetime
    provider_id: str = ""
    taken: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Told:
    """What a provider reports later. Found by our attempt, else by its id for the message, else by our stable id.

    `outcome` is a value of alerts.vocabulary.Outcome; `gone`: the address is dead.
    """

    channel: str
    outcome: str
    attempt: int | None = None
    provider_id: str = ""
    id: str = ""
    detail: str = ""
    gone: bool = False


class TransportError(Exception):
    """Not handed over, for certain. `permanent`: trying this address again makes no sense.

    `gone`: the address itself is dead, so it is disabled; a permanent refusal may also be about the message alone.
    """

    def __init__(self, text: str, *, permanent: bool, gone: bool = False) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.gone = gone


class OutcomeUnknown(TransportError):
    """The call went out and no answer came: the provider may have it."""

    def __init__(self, text: str) -> None:
        super().__init__(text, permanent=False)
