"""The errors that a handler may answer a charger with, in our words.

OCPP-J 1.6 §4.2.3 and OCPP 2.0.1 part 4 §4.3 list the codes and spell some of them differently
("FormationViolation", "OccurenceConstraintViolation"): each version's ERRORS table has its spelling.
"""

from collections.abc import Mapping
from typing import Any


class OcppError(Exception):
    """A refusal that becomes the CALLERROR of the call at hand. What the handler wrote is undone."""

    def __init__(self, description: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(description)
        self.description = description[:255]  # the length that OCPP-J allows
        self.details = dict(details or {})


class FormatViolation(OcppError):
    """The payload is not built as the action's schema says."""


class OccurrenceConstraintViolation(OcppError):
    """A member is missing, or there are too few or too many of it."""


class PropertyConstraintViolation(OcppError):
    """A member has a value that its definition does not allow."""


class TypeConstraintViolation(OcppError):
    """A member has the wrong data type."""


class ActionNotImplemented(OcppError):
    """The action is not known to us in the version that the charger speaks."""


class NotSupported(OcppError):
    """The action exists, but not in the version that the charger speaks."""


class ProtocolError(OcppError):
    """The message breaks the order of the protocol."""


class RpcFrameworkError(OcppError):
    """The frame is no valid OCPP-J frame."""


class MessageTypeNotSupported(OcppError):
    """The first element of the frame is no message type of this version."""


class SecurityError(OcppError):
    """The charger may not send this now: it is pending or rejected."""


class InternalError(OcppError):
    """Our own failure; the charger should repeat."""


class GenericError(OcppError):
    """Anything that no other code says."""


ALL: tuple[type[OcppError], ...] = (
    FormatViolation,
    OccurrenceConstraintViolation,
    PropertyConstraintViolation,
    TypeConstraintViolation,
    ActionNotImplemented,
    NotSupported,
    ProtocolError,
    RpcFrameworkError,
    MessageTypeNotSupported,
    SecurityError,
    InternalError,
    GenericError,
)
