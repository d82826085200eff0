"""What our log leaves out: the way through thirty files to a refusal, or to a signal path that is away for a moment."""

import logging
from typing import Final

EXPECTED: Final = frozenset(
    {
        "django.core.exceptions.PermissionDenied",  # the person reads why; the line names page and request
        "redis.exceptions.ConnectionError",
        "redis.exceptions.TimeoutError",
        "kombu.exceptions.OperationalError",
        "celery.beat.SchedulingError",
    }
)


class OneLine(logging.Filter):
    """An expected failure of a library is one line with its sentence; everything else keeps its traceback.

    Our own lines (structlog's, whose message is a dict) say what they want to say; but a task that came too late to
    matter is no news: the next of its kind is in the queue already, and a busy machine has hundreds.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.msg, dict) and record.msg.get("event") == "task_revoked" and record.msg.get("expired"):
            return False
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and isinstance(record.msg, str) and expected(error):
            said = record.getMessage().partition("\n")[0]  # celery's beat puts the whole stack into its message
            record.msg, record.args = said if str(error) in said else f"{said}: {error}", ()
            record.exc_info = record.exc_text = None
        return True


def expected(error: BaseException) -> bool:
    return any(f"{kind.__module__}.{kind.__qualname__}" in EXPECTED for kind in type(error).__mro__)


class Mistyped(logging.Filter):
    """Leaves out Django's second line about an address that does not exist or a form that was refused: the line of the
    finished request says it, and a code that a driver mistyped is nothing for the operator's terminal.
    """

    STATUSES = (404, 405, 410, 422)

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) not in self.STATUSES
