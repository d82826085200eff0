"""OCPP-J frames: text ⇄ Call, Result, Error, ResultError, Send. Pure; the link's state is in `link.py`.

Sources: OCPP-J 1.6 §4; OCPP 2.0.1 part 4 §4; OCPP 2.1 part 4 §4 (CALLRESULTERROR and SEND).
"""

from typing import Any, Final, NamedTuple

from evcms.ocpp import jsontext
from evcms.ocpp.charger import Payload
from evcms.ocpp.errors import FormatViolation, MessageTypeNotSupported, OcppError, RpcFrameworkError

CALL, RESULT, ERROR, RESULT_ERROR, SEND = 2, 3, 4, 5, 6
MAX_MESSAGE_ID: Final = 36
UNREADABLE_ID: Final = "-1"  # 2.0.1 part 4 §4.2.3: where the message id cannot be read


class Call(NamedTuple):
    message_id: str
    action: str
    payload: Payload


class Send(NamedTuple):
    """2.1: a CALL that is not answered, whatever happens."""

    message_id: str
    action: str
    payload: Payload


class Result(NamedTuple):
    message_id: str
    payload: Any  # Any: an object by the specification, but kept verbatim whatever it is


class Error(NamedTuple):
    message_id: str
    code: str
    description: str
    details: Any  # Any: as for Result


class ResultError(NamedTuple):
    """2.1: the station could not use our CALLRESULT."""

    message_id: str
    code: str
    description: str
    details: Any  # Any: as for Result


Frame = Call | Send | Result | Error | ResultError


class BadFrame(Exception):
    """The frame cannot be taken. `answer`: is a CALLERROR due? Never to what is itself an answer."""

    def __init__(self, error: OcppError, message_id: str = UNREADABLE_ID, *, answer: bool = True) -> None:
        super().__init__(error.description)
        self.error = error
        self.message_id = message_id
        self.answer = answer


def parse(text: str, message_types: frozenset[int]) -> Frame:
    """The frame that the text is. Raises BadFrame with the error and the message id that the answer needs."""
    try:
        frame = jsontext.decode(text)
    except jsontext.Unreadable as error:
        raise BadFrame(RpcFrameworkError(f"not JSON that can be taken: {error}")) from None
    if not isinstance(frame, list) or len(frame) < 2:
        raise BadFrame(RpcFrameworkError("a frame is an array of a message type, a message id and more"))
    kind, message_id = frame[0], _message_id(frame[1])
    if type(kind) is not int or kind not in message_types:
        raise BadFrame(MessageTypeNotSupported("unknown message type"), message_id)
    if kind in (CALL, SEND):
        return _request(kind, message_id, frame)
    return _answer(kind, message_id, frame)


def _message_id(value: Any) -> str:
    return value if isinstance(value, str) and 0 < len(value) <= MAX_MESSAGE_ID else UNREADABLE_ID


def _request(kind: int, message_id: str, frame: list[Any]) -> Call | Send:
    due = kind == CALL
    if message_id == UNREADABLE_ID:
        raise BadFrame(RpcFrameworkError("the message id is no text of 1 to 36 characters"), answer=due)
    if len(frame) != 4 or not isinstance(frame[2], str):
        raise BadFrame(RpcFrameworkError("a CALL is [2, id, action, payload]"), message_id, answer=due)
    if not isinstance(frame[3], dict):
        raise BadFrame(FormatViolation("the payload is no object"), message_id, answer=due)
    made = Call if due else Send
    return made(message_id, frame[2], frame[3])


def _answer(kind: int, message_id: str, frame: list[Any]) -> Result | Error | ResultError:
    """Lenient where stations are sloppy: an error without description or details is an error all the same."""
    if kind == RESULT:
        if len(frame) != 3:
            raise BadFrame(RpcFrameworkError("a CALLRESULT is [3, id, payload]"), message_id, answer=False)
        return Result(message_id, frame[2])
    code, description, details = [*frame[2:5], None, None, None][:3]
    if not isinstance(code, str):
        raise BadFrame(RpcFrameworkError("an error needs a code"), message_id, answer=False)
    made = Error if kind == ERROR else ResultError
    return made(message_id, code, description if isinstance(description, str) else "", details)


def call(message_id: str, action: str, payload: Payload) -> str:
    return jsontext.encode([CALL, message_id, action, payload])


def result(message_id: str, payload_text: str) -> str:
    """`payload_text` is JSON already: it is written to the message log too."""
    return f"[3,{jsontext.encode(message_id)},{payload_text}]"


def error(message_id: str, code: str, refusal: OcppError) -> str:
    return jsontext.encode([ERROR, message_id, code, refusal.description, refusal.details])


def result_error(message_id: str, code: str, refusal: OcppError) -> str:
    return jsontext.encode([RESULT_ERROR, message_id, code, refusal.description, refusal.details])
