"""One station's open socket: frames in, answers out, in the order of the station."""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

import structlog

from evcms.core import clock
from evcms.ocpp import errors, metrics, rpc
from evcms.ocpp.admission import BOOT, HEARTBEAT, Admission
from evcms.ocpp.auth import Candidate
from evcms.ocpp.charger import Charger, Handler
from evcms.ocpp.contacts import Contacts
from evcms.ocpp.errors import OcppError
from evcms.ocpp.exchanges import Exchange, Remark, garbage_row, ignored_row
from evcms.ocpp.orders import Orders
from evcms.ocpp.schemas import Schemas, is_known_elsewhere, schemas_of
from evcms.ocpp.versions import MESSAGE_TYPES, VERSIONS
from evcms.ocpp.writer import Closed, Writer

log = structlog.get_logger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]
GOING_AWAY: Final = 1012  # RFC 6455 registry: service restart


class Link:
    """The socket of one station. `read` is called for one frame after the other, never twice at once."""

    __slots__ = (
        "_contacts",
        "_schemas",
        "_send",
        "_version",
        "_writer",
        "admission",
        "closing",
        "connection_id",
        "identity",
        "orders",
        "organization_id",
        "protocol",
        "station_id",
    )

    def __init__(
        self,
        candidate: Candidate,
        connection_id: int,
        protocol: str,
        send: Send,
        writer: Writer,
        contacts: Contacts,
        call_timeout: float,
    ) -> None:
        """`call_timeout` in seconds: how long the station may take to answer a call of ours."""
        self.station_id, self.connection_id = candidate.station_id, connection_id
        self.identity, self.organization_id = candidate.identity, candidate.organization_id
        self.protocol = protocol
        self.admission = Admission(candidate.approval)
        self.closing = ""
        self._send, self._writer, self._contacts = send, writer, contacts
        self._version = VERSIONS[protocol]
        self._schemas: Schemas = schemas_of(protocol)
        self.orders = Orders(self, writer, call_timeout)

    # Frames in

    async def read(self, text: str) -> None:
        """Take one frame and answer it. Never raises for what the station sent."""
        begun, at = time.perf_counter_ns(), clock.now()
        try:
            frame = rpc.parse(text, MESSAGE_TYPES[self.protocol])
        except rpc.BadFrame as bad:
            await self._refuse_frame(bad, text, at)
            return
        if isinstance(frame, rpc.Call | rpc.Send):
            await self._asked(frame, text, begun, at)
        elif isinstance(frame, rpc.ResultError) or not await self.orders.take(frame, at):
            action = "CALLRESULTERROR" if isinstance(frame, rpc.ResultError) else ""
            await self._remark(ignored_row(self.station_id, at, frame, action))

    async def _asked(self, frame: rpc.Call | rpc.Send, text: str, begun: int, at: datetime) -> None:
        handler, refusal = self._route(frame)
        charger = Charger(
            self.station_id,
            self.identity,
            self.organization_id,
            self.protocol,
            self.admission.approval,
            at,
            frame.message_id,
        )
        if frame.action == HEARTBEAT and handler is not None:
            await self._beat(frame, handler, charger)
            return
        action = frame.action
        schema = None if handler is None or isinstance(frame, rpc.Send) else self._schemas.answer(action)
        exchange = Exchange(charger, self._version, frame, text, begun, handler=handler, schema=schema, refusal=refusal)
        answer = await self._stored(exchange)
        if answer:
            await self.send_text(answer)
        self._contacts.seen(self.station_id, at)
        metrics.calls(self.protocol, action if handler else "other", exchange.outcome.value).inc()

    async def _stored(self, exchange: Exchange) -> str:
        """The answer once it is committed. What could not be stored was not heard: the station repeats."""
        try:
            answer: str = await self._writer.submit(exchange)
        except Closed:
            return ""
        except Exception:
            exchange.refuse(errors.InternalError("not stored; please repeat"))
            return str(exchange.result)
        if exchange.frame.action == BOOT and not exchange.error_code:
            self.admission.booted(exchange.payload)
        return answer

    async def _beat(self, frame: rpc.Call | rpc.Send, handler: Handler, charger: Charger) -> None:
        """The one exchange that is answered from memory; contacts are flushed and counted every few
        seconds.
        """
        exchange = Exchange(
            charger,
            self._version,
            frame,
            "{}",
            time.perf_counter_ns(),
            handler=handler,
            schema=self._schemas.answer(HEARTBEAT),
            refusal=None,
        )
        await self.send_text(exchange.run())
        self._contacts.beat(self.station_id, charger.received_at)

    def _route(self, frame: rpc.Call | rpc.Send) -> tuple[Handler | None, OcppError | None]:
        """The handler, or why there is none for this message now."""
        handler = self._version.HANDLERS.get(frame.action)
        try:
            if handler is None:
                raise self._unknown(frame.action)
            self.admission.check(frame.action)
            if (frame.action in self._schemas.sends) != isinstance(frame, rpc.Send):
                raise errors.FormatViolation(f"wrong message type for {frame.action}")
            self._schemas.request(frame.action).check(frame.payload)
        except OcppError as refusal:
            return None, refusal
        return handler, None

    def _unknown(self, action: str) -> OcppError:
        if action not in self._schemas.actions and is_known_elsewhere(action, self.protocol):
            return errors.NotSupported(f"{action[:64]} is not part of this OCPP version")
        return errors.ActionNotImplemented(f"{action[:64]} is not implemented here")

    async def _refuse_frame(self, bad: rpc.BadFrame, text: str, at: datetime) -> None:
        metrics.BAD_FRAMES.labels(self.protocol).inc()
        code = self._version.ERRORS[type(bad.error)]
        answer = rpc.error(bad.message_id, code, bad.error) if bad.answer else ""
        await self._remark(garbage_row(self.station_id, at, text, answer=answer, error_code=code))
        if answer:
            await self.send_text(answer)

    async def too_large(self, limit: int) -> None:
        """The server closed the link (1009) because a frame was larger than it takes."""
        row = garbage_row(self.station_id, clock.now(), "", answer="", error_code="1009")
        await self._remark(row._replace(request=f"(a frame of more than {limit} bytes; link closed with 1009)"))

    async def _remark(self, row: Any) -> None:
        try:
            await self._writer.submit(Remark(row))
        except Exception as error:
            metrics.ERRORS.labels("remark").inc()
            log.warning("not logged", identity=self.identity, error=str(error))

    # Frames out

    async def send_text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def close(self, code: int, reason: str) -> None:
        """End the link from our side. Its `read` may be at work: what it answers then is lost, and
        repeated.
        """
        if self.closing:
            return
        self.closing = reason
        try:
            await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except (OSError, RuntimeError):
            log.debug("was closed already", identity=self.identity)
