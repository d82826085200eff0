"""What the writer stores about a station's frames: calls with their answers, answers to us, and what fits
nowhere.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import structlog

from evcms.ocpp import errors, jsontext, metrics, rpc
from evcms.ocpp.charger import Charger, Handler, ManyHandler, Payload, Version
from evcms.ocpp.errors import OcppError
from evcms.ocpp.message_log import Row
from evcms.ocpp.schemas import Message
from evcms.ocpp.versions import VERSIONS
from evcms.ocpp.writer import Bulk, Work
from stations.vocabulary import Direction, MessageOutcome

log = structlog.get_logger(__name__)

LONGEST_GARBAGE: Final = 4096  # characters of a malformed frame that are kept
NO_PAYLOAD: Final[Payload] = {}


class Exchange(Work):
    """A CALL (or SEND) of a station. The result is the frame to answer with, "" for a SEND."""

    __slots__ = (
        "answer_text",
        "begun",
        "charger",
        "decided",
        "error_code",
        "frame",
        "handler",
        "payload",
        "refusal",
        "request_text",
        "schema",
        "version",
    )

    def __init__(
        self,
        charger: Charger,
        version: Version,
        frame: rpc.Call | rpc.Send,
        text: str,
        begun: int,
        *,
        handler: Handler | None,
        schema: Message | None,
        refusal: OcppError | None,
    ) -> None:
        """`begun` is `perf_counter_ns` when the frame was read; a `refusal` was decided before any handler
        ran.
        """
        super().__init__(charger.station_id)
        self.charger, self.version, self.frame, self.begun = charger, version, frame, begun
        self.handler, self.schema, self.refusal = handler, schema, refusal
        self.request_text = payload_text(frame, text)
        self.answer_text = self.error_code = ""
        self.decided: int | None = None
        self.payload: Payload = NO_PAYLOAD

    @property
    def bulk(self) -> Bulk | None:
        if self.refusal is not None or self.frame.action not in self.version.MANY:
            return None
        return _bulk(self.charger.protocol, self.frame.action)

    def run(self) -> str:
        if self.refusal is not None:
            return self._refused(self.refusal)
        assert self.handler is not None
        return self.answered(self.handler(self.charger, self.frame.payload))

    def answered(self, payload: Payload) -> str:
        """The frame for the handler's answer, which must be what the schema says: a wrong one is our own
        error.
        """
        self.error_code = ""
        self.payload = payload
        if self.schema is None:
            self.answer_text = ""
        elif not payload:
            self._must_be_valid(payload)
            self.answer_text = "{}"
        else:
            self._must_be_valid(payload)
            self.answer_text = jsontext.encode(self.schema.arrange(payload))
        self.decided = time.perf_counter_ns()
        if isinstance(self.frame, rpc.Send):
            return ""
        return rpc.result(self.frame.message_id, self.answer_text)

    def _must_be_valid(self, payload: Payload) -> None:
        assert self.schema is not None
        if not self.schema.is_valid(payload):
            raise ValueError(f"our answer to {self.frame.action} breaks its schema")

    def refuse(self, error: Exception) -> bool:
        """Any error becomes an answer: an OcppError as it is, everything else as InternalError (and a
        trace).
        """
        if not isinstance(error, OcppError):
            metrics.ERRORS.labels("handler").inc()
            log.error("handler failed", action=self.frame.action, identity=self.charger.identity, exc_info=error)
            error = errors.InternalError("the central system failed; please repeat")
        self.result = self._refused(error)
        return True

    def _refused(self, error: OcppError) -> str:
        self.payload = NO_PAYLOAD
        self.error_code = self.version.ERRORS[type(error)]
        self.answer_text = jsontext.encode([self.error_code, error.description, error.details])
        self.decided = time.perf_counter_ns()
        if isinstance(self.frame, rpc.Send):
            return ""
        return rpc.error(self.frame.message_id, self.error_code, error)

    @property
    def outcome(self) -> MessageOutcome:
        if isinstance(self.frame, rpc.Send):
            return MessageOutcome.IGNORED if self.error_code else MessageOutcome.RESULT
        return MessageOutcome.ERROR if self.error_code else MessageOutcome.RESULT

    def log_row(self) -> Row:
        return Row(
            self.station_id,
            Direction.IN.value,
            self.frame.action[:64],
            self.frame.message_id,
            self.request_text,
            self.answer_text,
            self.outcome.value,
            self.error_code,
            self.charger.received_at,
            ((self.decided or time.perf_counter_ns()) - self.begun) // 1000,
            1,
            None,
        )


@cache
def _bulk(protocol: str, action: str) -> Bulk:
    """One function for each message kind of a version, so that the writer can group by it."""
    many: ManyHandler = VERSIONS[protocol].MANY[action]

    def run(exchanges: Sequence[Exchange]) -> None:
        answers = many([(exchange.charger, exchange.frame.payload) for exchange in exchanges])
        for exchange, answer in zip(exchanges, answers, strict=True):
            exchange.result = exchange.answered(answer)

    return run


class Remark(Work):
    """A row of the message log alone: malformed frames, answers that nobody asked for, frames too large."""

    __slots__ = ("_row",)

    def __init__(self, row: Row) -> None:
        super().__init__(row.station_id)
        self._row = row

    def run(self) -> None:
        return None

    def log_row(self) -> Row:
        return self._row


class Told(Work):
    """The end of a CALL of ours: what `conclude` stores about the command, and its row of the message log."""

    __slots__ = ("_conclude", "_row")

    def __init__(self, conclude: Callable[[], Any], row: Row) -> None:
        super().__init__(row.station_id)
        self._conclude, self._row = conclude, row

    def run(self) -> Any:
        return self._conclude()

    def log_row(self) -> Row:
        return self._row


def payload_text(frame: rpc.Call | rpc.Send, text: str) -> str:
    """The payload as the station wrote it, cut out of the frame's text."""
    if "{" in frame.message_id or "{" in frame.action:
        return jsontext.encode(frame.payload)
    return text[text.index("{") : text.rindex("}") + 1]


def garbage_row(station_id: int, at: datetime, text: str, *, answer: str, error_code: str) -> Row:
    """A frame that could not be taken, as it came, cut; PostgreSQL keeps no NUL."""
    kept = text[:LONGEST_GARBAGE].replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    outcome = MessageOutcome.ERROR if answer else MessageOutcome.IGNORED
    return Row(station_id, Direction.IN.value, "", "", kept, answer, outcome.value, error_code, at, None, 1, None)


def ignored_row(station_id: int, at: datetime, frame: rpc.Result | rpc.Error | rpc.ResultError, action: str) -> Row:
    """An answer that no waiting call of ours is for."""
    garbage = garbage_row(station_id, at, "", answer="", error_code="")
    code = "" if isinstance(frame, rpc.Result) else frame.code[:64]
    content = frame.payload if isinstance(frame, rpc.Result) else [frame.code, frame.description, frame.details]
    return garbage._replace(
        action=action, message_id=frame.message_id[:64], answer=jsontext.encode(content), error_code=code
    )
