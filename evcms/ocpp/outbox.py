"""Our CALLs to one station: one outstanding at a time, the rest in a bounded queue (OCPP-J 1.6 §4.1.1)."""

import asyncio
import enum
import uuid
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog

from evcms.core import clock
from evcms.ocpp import metrics, rpc
from evcms.ocpp.charger import CommandCodec, Payload

log = structlog.get_logger(__name__)

LONGEST_QUEUE: Final = 32
LATE_KEPT: Final = 16  # timed-out calls whose answer is still recognised


@dataclass(frozen=True, slots=True)
class Order:
    """A command to tell, already in the station's words."""

    command_id: uuid.UUID
    command: Any  # Any: a class of stations.commands
    codec: CommandCodec
    action: str
    payload: Payload
    expires_at: datetime


class Silence(enum.Enum):
    """Why a call of ours got no answer."""

    TIMEOUT = "timeout"
    LINK_LOST = "link lost"


class LinkLost(ConnectionError):
    """The socket ended while a call of ours was out."""


Answer = rpc.Result | rpc.Error
Reply = Callable[[Order, str, Answer | Silence, datetime], Awaitable[None]]


class Outbox:
    """`send_text` writes to the socket; `sent` asks the rows whether the command still stands; `ended`
    stores.
    """

    __slots__ = (
        "_answer",
        "_ended",
        "_late",
        "_message_id",
        "_orders",
        "_send_text",
        "_sent",
        "_task",
        "_timeout",
    )

    def __init__(
        self,
        send_text: Callable[[str], Awaitable[None]],
        sent: Callable[[Order], Awaitable[bool]],
        ended: Reply,
        timeout: float,
    ) -> None:
        self._send_text, self._sent, self._ended, self._timeout = send_text, sent, ended, timeout
        self._orders: deque[Order] = deque()
        self._message_id = ""
        self._answer: asyncio.Future[Answer] | None = None
        self._late: OrderedDict[str, Order] = OrderedDict()
        self._task: asyncio.Task[None] | None = None

    @property
    def room(self) -> int:
        return LONGEST_QUEUE - len(self._orders)

    def put(self, order: Order) -> bool:
        """False when the queue is full: the command stays a row and comes again with the next look."""
        if not self.room:
            return False
        self._orders.append(order)
        if self._task is None:
            self._task = asyncio.create_task(self._work_off())
        return True

    def waits_for(self, message_id: str) -> bool:
        return self._answer is not None and message_id == self._message_id

    def take(self, answer: Answer) -> bool:
        """The station's answer to the call that is out; False when it is for no such call."""
        if not self.waits_for(answer.message_id) or self._answer is None or self._answer.done():
            return False
        self._answer.set_result(answer)
        return True

    def late(self, message_id: str) -> Order | None:
        """The order that this answer came too late for."""
        return self._late.pop(message_id, None)

    async def close(self) -> None:
        """The link is gone: the call that is out gets no answer, those in the queue stay rows for the next
        link.
        """
        self._orders.clear()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(LinkLost())
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _work_off(self) -> None:
        try:
            while self._orders:
                await self._guarded(self._orders.popleft())
        finally:
            self._task = None

    async def _guarded(self, order: Order) -> None:
        """One order that fails on our side must not keep the others back."""
        try:
            await self._tell(order)
        except Exception:
            metrics.ERRORS.labels("outbox").inc()
            log.exception("command not told", command=str(order.command_id))

    async def _tell(self, order: Order) -> None:
        if not await self._sent(order):
            return
        self._message_id = str(uuid.uuid4())
        self._answer = asyncio.get_running_loop().create_future()
        begun, message_id = clock.now(), self._message_id
        await self._ended(order, message_id, await self._heard(order, message_id), begun)

    async def _heard(self, order: Order, message_id: str) -> Answer | Silence:
        assert self._answer is not None
        try:
            await self._send_text(rpc.call(message_id, order.action, order.payload))
            return await asyncio.wait_for(self._answer, self._timeout)
        except TimeoutError:
            self._remember(message_id, order)
            return Silence.TIMEOUT
        except OSError:  # LinkLost, or the socket's own word for it
            return Silence.LINK_LOST
        finally:
            self._answer = None

    def _remember(self, message_id: str, order: Order) -> None:
        self._late[message_id] = order
        while len(self._late) > LATE_KEPT:
            self._late.popitem(last=False)
