"""The shape of a vendor's messages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from evcms.ocpp.charger import Charger


class Unreadable(ValueError):
    """The data is not what the message should carry; the text says what is missing."""


@dataclass(frozen=True)
class Reply:
    accepted: bool
    data: dict[str, Any] = field(default_factory=dict)  # Any: JSON


Message = Callable[[Charger, Any], Reply]  # Any: what the station sent
