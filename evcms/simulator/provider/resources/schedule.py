"""What happens by itself when its time has come: job name → what to do with the object."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from evcms.simulator.provider.errors import JsonObject
from evcms.simulator.provider.resources import balance, checkout, payments, refunds

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

_TASKS: dict[str, Callable[["Call", JsonObject], None]] = {
    "expire_hold": payments.expire_hold,
    "expire_session": checkout.expire_open,
    "settle": balance.settle,
    "refund_pending": refunds.succeed,
    "refund_failed": refunds.fail,
}


def run_due(call: "Call", now: int) -> None:
    for identifier, task in call.store.due(now):
        call.store.unschedule(identifier, task)
        body = call.store.get(identifier)
        if body is not None:
            _TASKS[task](call, body)
