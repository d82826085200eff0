"""What an HTTP receiver's answer means, for all channels that speak HTTP to an address that somebody typed."""

from collections.abc import Mapping

from alerts.channels.message import OutcomeUnknown, TransportError
from evcms.core import outgoing

GATEWAY_TROUBLE = (502, 504)  # somebody in between: the receiver may have it


def post(url: str, body: bytes, headers: Mapping[str, str], gone: tuple[int, ...] = (410,)) -> outgoing.Answer:
    """The answer of a receiver that took it; `gone`: statuses of a dead address.

    Raises TransportError, OutcomeUnknown.
    """
    try:
        answer = outgoing.post(url, body, headers)
    except outgoing.Forbidden as error:
        raise TransportError(str(error), permanent=True, gone=True) from error
    except outgoing.NotSent as error:
        raise TransportError(str(error), permanent=False) from error
    except outgoing.NoAnswer as error:
        raise OutcomeUnknown(str(error)) from error
    judge(answer.status, answer.text, gone)
    return answer


def judge(status: int, text: str, gone: tuple[int, ...] = (410,)) -> None:
    """Nothing for a 2xx. Raises TransportError, OutcomeUnknown."""
    if 200 <= status < 300:
        return
    sentence = f"HTTP {status} {' '.join(text.split())}"[:250]
    if status in GATEWAY_TROUBLE:
        raise OutcomeUnknown(sentence)
    if 300 <= status < 400:
        raise TransportError(f"HTTP {status}: redirects are not followed", permanent=False)
    raise TransportError(sentence, permanent=status in gone, gone=status in gone)
