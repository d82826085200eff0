"""Commands on their way to one station: from the row to the wire, and from the answer to the row."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from evcms.core import clock
from evcms.ocpp import errors, jsontext, metrics, rpc
from evcms.ocpp.charger import Call, Charger, CommandCodec
from evcms.ocpp.exchanges import Told
from evcms.ocpp.message_log import Row
from evcms.ocpp.outbox import Answer as Heard
from evcms.ocpp.outbox import Order, Outbox, Silence
from evcms.ocpp.schemas import schemas_of
from evcms.ocpp.secrecy import without_secrets
from evcms.ocpp.versions import MESSAGE_TYPES, VERSIONS
from evcms.ocpp.writer import Writer
from stations import commands, services
from stations.models import Command
from stations.vocabulary import Answer, CommandState, Direction, MessageOutcome

if TYPE_CHECKING:
    from evcms.ocpp.link import Link

log = structlog.get_logger(__name__)


class CannotTell(Exception):
    """The command cannot go to this station; `state` is how it ends."""

    def __init__(self, state: CommandState, why: str) -> None:
        super().__init__(why)
        self.state = state


class Orders:
    """The commands of one link."""

    __slots__ = ("_known", "_link", "_outbox", "_writer")

    def __init__(self, link: "Link", writer: Writer, timeout: float) -> None:
        self._link, self._writer = link, writer
        self._known: set[uuid.UUID] = set()
        self._outbox = Outbox(link.send_text, self._sent, self._ended, timeout)

    async def add(self, row: Command) -> None:
        """Tell the station, or end the command when that cannot be. Rows that are here already are
        skipped.
        """
        if row.pk in self._known or not self._outbox.room:
            return
        self._known.add(row.pk)
        try:
            order = self._translated(row)
        except CannotTell as reason:
            await self._refused(row.pk, reason)
            return
        self._outbox.put(order)

    def _translated(self, row: Command) -> Order:
        link = self._link
        if not link.admission.may_be_told:
            raise CannotTell(CommandState.REJECTED, "the station is rejected: nothing is sent to it")
        try:
            command = commands.from_json(row.kind, row.fields)
        except (KeyError, TypeError, ValueError) as error:
            raise CannotTell(CommandState.UNSUPPORTED, f"unreadable command: {error}") from None
        codec = RAW if isinstance(command, commands.RawCall) else VERSIONS[link.protocol].COMMANDS.get(type(command))
        if codec is None:
            raise CannotTell(CommandState.UNSUPPORTED, f"{row.kind} does not exist in {link.protocol}")
        try:
            call = codec.encode(command)
            message = schemas_of(link.protocol).request(call.action)
            message.check(call.payload)
        except KeyError:
            raise CannotTell(CommandState.UNSUPPORTED, f"{link.protocol} has no such action") from None
        except errors.NotSupported as error:
            raise CannotTell(CommandState.UNSUPPORTED, error.description) from None
        except errors.OcppError as error:
            raise CannotTell(CommandState.REJECTED, f"not sent: {error.description}") from None
        return Order(row.pk, command, codec, call.action, message.arrange(call.payload), row.expires_at)

    async def _refused(self, command_id: uuid.UUID, reason: CannotTell) -> None:
        def fail() -> None:
            services.command_failed(command_id=command_id, state=reason.state, error=str(reason))

        try:
            await self._store(fail)
        finally:
            self._known.discard(command_id)

    # The outbox asks

    async def _sent(self, order: Order) -> bool:
        """Mark the row as sent before a byte leaves; False when the command stands no more."""
        if clock.now() >= order.expires_at:
            self._known.discard(order.command_id)
            return False
        marked = False
        try:
            marked = await self._store(lambda: services.command_sent(command_id=order.command_id))
        finally:
            if not marked:
                self._known.discard(order.command_id)
        if not marked:
            return False
        self._link.admission.asked(order.action, order.payload)
        return True

    async def _ended(self, order: Order, message_id: str, heard: Heard | Silence, begun: datetime) -> None:
        conclude, outcome, code, text = self._conclusion(order, heard)
        metrics.COMMANDS.labels(self._link.protocol, order.action, outcome.value).inc()
        duration = int((clock.now() - begun).total_seconds() * 1_000_000)
        row = self._row(order, message_id, begun, text, outcome, code)._replace(duration_us=max(0, duration))
        await self._tell_writer(Told(conclude, row))
        self._known.discard(order.command_id)

    def _row(self, order: Order, message_id: str, at: datetime, text: str, outcome: MessageOutcome, code: str) -> Row:
        """The log row of a CALL of ours and what it got."""
        return Row(
            self._link.station_id,
            Direction.OUT.value,
            order.action[:64],
            message_id,
            jsontext.encode(without_secrets(order.action, order.payload)),
            text,
            outcome.value,
            code,
            at,
            None,
            1,
            order.command_id,
        )

    def _conclusion(self, order: Order, heard: Heard | Silence) -> tuple[Callable[[], Any], MessageOutcome, str, str]:
        """What to store about the command, and outcome, error code and text of its log row."""
        if isinstance(heard, rpc.Result):
            return self._answer(order, heard.payload), MessageOutcome.RESULT, "", jsontext.encode(heard.payload)
        if isinstance(heard, rpc.Error):
            text = jsontext.encode([heard.code, heard.description, heard.details])
            said = {"errorCode": heard.code, "errorDescription": heard.description, "errorDetails": heard.details}
            error = f"{heard.code}: {heard.description}" if heard.description else heard.code
            failure = self._failure(order, CommandState.CALLERROR, error, Answer(False, heard.code, said))
            return failure, MessageOutcome.ERROR, heard.code[:64], text
        if heard is Silence.TIMEOUT:
            failure = self._failure(order, CommandState.TIMEOUT, "the station did not answer in time")
            return failure, MessageOutcome.TIMEOUT, "", ""
        failure = self._failure(order, CommandState.OFFLINE, "the link broke before the station answered")
        return failure, MessageOutcome.TIMEOUT, "", ""

    def _failure(
        self, order: Order, state: CommandState, error: str, answer: Answer | None = None
    ) -> Callable[[], Any]:
        return lambda: services.command_failed(command_id=order.command_id, state=state, error=error, answer=answer)

    def _answer(self, order: Order, payload: Any) -> Callable[[], Any]:
        """Decode leniently: an answer that breaks its schema is kept verbatim and judged by its status
        alone.
        """
        answer, usable = self._decoded(order, payload)
        charger = self._charger()

        def conclude() -> None:
            services.command_answered(command_id=order.command_id, answer=answer)
            if usable and order.codec.store is not None:
                order.codec.store(charger, order.command, payload)

        return conclude

    def _decoded(self, order: Order, payload: Any) -> tuple[Answer, bool]:
        if schemas_of(self._link.protocol).answer(order.action).is_valid(payload):
            try:
                return order.codec.decode(order.command, payload), True
            except (errors.OcppError, LookupError, TypeError, ValueError):
                log.warning("answer not understood", action=order.action, exc_info=True)
        else:
            log.warning("answer breaks its schema", action=order.action, identity=self._link.identity)
        return _by_status(order.command, payload), False

    def _charger(self) -> Charger:
        link = self._link
        return Charger(
            link.station_id,
            link.identity,
            link.organization_id,
            link.protocol,
            link.admission.approval,
            clock.now(),
            "",
        )

    # The link asks

    async def take(self, frame: Heard, at: datetime) -> bool:
        """An answer from the station: to the call that is out, or too late; False when it is to neither."""
        if self._outbox.waits_for(frame.message_id):
            await self._object(frame)
            return self._outbox.take(frame)
        order = self._outbox.late(frame.message_id)
        if order is None:
            return False
        conclude, _, code, text = self._conclusion(order, frame)
        row = self._row(order, frame.message_id, at, text, MessageOutcome.IGNORED, code)
        await self._tell_writer(Told(conclude, row))
        return True

    async def _object(self, frame: Heard) -> None:
        """2.1 alone: tell the station that we could not use its answer (CALLRESULTERROR)."""
        unusable = isinstance(frame, rpc.Result) and not isinstance(frame.payload, dict)
        if unusable and rpc.RESULT_ERROR in MESSAGE_TYPES[self._link.protocol]:
            refusal = errors.FormatViolation("the payload is no object")
            code = VERSIONS[self._link.protocol].ERRORS[errors.FormatViolation]
            await self._link.send_text(rpc.result_error(frame.message_id, code, refusal))

    async def close(self) -> None:
        await self._outbox.close()

    async def _store(self, function: Callable[[], Any]) -> Any:
        return await self._writer.do(function, self._link.station_id)

    async def _tell_writer(self, told: Told) -> None:
        try:
            await self._writer.submit(told)
        except Exception:
            metrics.ERRORS.labels("command").inc()
            log.exception("end of a command not stored", identity=self._link.identity)


def _raw_call(command: commands.RawCall) -> Call:
    return Call(command.action, command.payload)


def _by_status(_: Any, payload: Any) -> Answer:
    """Answers whose meaning we do not know: refused when the station's status says so."""
    payload = payload if isinstance(payload, dict) else {"answer": payload}
    status = payload.get("status")
    refused = isinstance(status, str) and status in REFUSALS
    return Answer(accepted=not refused, status=status[:64] if isinstance(status, str) else "", payload=payload)


REFUSALS = frozenset(
    {
        "Rejected",
        "NotSupported",
        "NotImplemented",
        "Unknown",
        "UnknownMessageId",
        "UnknownVendorId",
        "UnlockFailed",
        "UnknownConnector",
        "Failed",
        "Faulted",
        "Occupied",
        "Unavailable",
        "InvalidCertificate",
        "NotFound",
        "NoProfile",
    }
)
RAW = CommandCodec(_raw_call, _by_status)
