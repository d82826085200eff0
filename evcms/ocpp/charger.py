"""What the engine tells a handler about the charger that speaks, and the shapes of the version tables."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from evcms.ocpp.errors import OcppError
from stations.vocabulary import Answer, Approval

Payload = dict[str, Any]  # Any: JSON as the action's schema has checked it; fractions are Decimal


class Charger(NamedTuple):
    """The speaker of one message. `received_at` is UTC, taken when the frame was read."""

    station_id: int
    identity: str
    organization_id: int | None
    protocol: str
    approval: Approval
    received_at: datetime
    message_id: str


class Handler(Protocol):
    """Translates one message in, calls one service, translates the answer out.

    Runs in the writer's thread inside a transaction that holds other chargers' messages too. Database work
    only; nothing in memory may change, since a batch can run twice. Raises an OcppError to refuse.
    The handler of Heartbeat alone runs in the event loop and touches no database: contacts are kept apart.
    """

    def __call__(self, charger: Charger, payload: Payload, /) -> Payload: ...


ManyHandler = Callable[[Sequence[tuple[Charger, Payload]]], list[Payload]]
"""The bulk form: answers in the order of the messages, which are of different stations."""


class Call(NamedTuple):
    """A request as the station's version spells it."""

    action: str
    payload: Payload


class CommandCodec(NamedTuple):
    """One command type in one version: `decode` takes our command and the station's schema-checked answer.

    `store`, where there is one, keeps what the answer reports (configuration keys, variables) by calling one
    service; it runs in the same transaction as `stations.services.command_answered`.
    """

    encode: Callable[[Any], Call]  # Any: the command's own class, which the table's key names
    decode: Callable[[Any, Payload], Answer]
    store: Callable[[Charger, Any, Payload], None] | None = None


class Version(Protocol):
    """What a version package offers; `MANY` holds only the messages that have a bulk form."""

    HANDLERS: Mapping[str, Handler]
    MANY: Mapping[str, ManyHandler]
    COMMANDS: Mapping[type[Any], CommandCodec]  # Any: classes of stations.commands
    ERRORS: Mapping[type[OcppError], str]
