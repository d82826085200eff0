"""The socket's side of a link, as an ASGI application. Lean on purpose: no task, no thread hop for a message.

Channels' own dispatch makes both for every frame and a channel-layer subscription for every socket; here the
process has one subscription (`registry.py`) and each socket one coroutine, which also keeps the station's
order.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

import structlog

from evcms.ocpp import handshake, metrics
from evcms.ocpp.gateway import Gateway
from evcms.ocpp.handshake import Knock, Refused
from evcms.ocpp.link import Link, Send
from evcms.ocpp.writer import Closed

log = structlog.get_logger(__name__)

Scope = dict[str, Any]  # Any: ASGI
Receive = Callable[[], Awaitable[dict[str, Any]]]
TOO_LARGE: Final = 1009
TRY_LATER: Final = 503
ASK_FOR_PASSWORD: Final = (b"www-authenticate", b'Basic realm="OCPP", charset="UTF-8"')


async def serve(gateway: Gateway, scope: Scope, receive: Receive, send: Send) -> None:
    """One WebSocket from its handshake to its end."""
    await receive()  # websocket.connect
    link = await _open(gateway, scope, send)
    if link is None:
        return
    code, reason = 1006, ""
    try:
        await send({"type": "websocket.accept", "subprotocol": link.protocol})
        await gateway.registry.opened(link)
        code, reason = await _listen(gateway, link, receive)
    except OSError as error:  # the peer went away while we wrote
        reason = str(error) or "connection lost"
    finally:
        if code == TOO_LARGE:
            await link.too_large(gateway.max_frame)
        await gateway.registry.closed(link, link.closing or reason or f"code {code}")


async def _open(gateway: Gateway, scope: Scope, send: Send) -> Link | None:
    """The link of a charger that may come in; else it is told why not."""
    knock = handshake.read(scope)
    try:
        if gateway.stopping:
            raise Closed
        protocol = handshake.judge(knock)
        candidate = await gateway.doorkeeper.admit(knock, protocol)
        link = await gateway.join(candidate, knock, protocol, send)
    except Refused as refusal:
        await _remember(gateway, knock, refusal)
        await _refuse(scope, send, refusal.status, refusal.detail)
        return None
    except Closed:
        await _refuse(scope, send, TRY_LATER, "The central system restarts; try again.")
        return None
    except Exception:
        metrics.ERRORS.labels("handshake").inc()
        log.exception("handshake failed", identity=knock.identity)
        await _refuse(scope, send, TRY_LATER, "The central system cannot answer now; try again.")
        return None
    return link


async def _remember(gateway: Gateway, knock: Knock, refusal: Refused) -> None:
    log.info("handshake refused", identity=knock.identity, reason=refusal.reason.value, detail=refusal.detail)
    try:
        await gateway.doorkeeper.refused(knock, refusal)
    except Exception:
        metrics.ERRORS.labels("refusal").inc()
        log.exception("refusal not stored", identity=knock.identity)


async def _refuse(scope: Scope, send: Send, status: int, detail: str) -> None:
    """An HTTP answer with the reason where the server can give one (uvicorn), else its plain 403 (daphne)."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "reason": detail[:120]})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append(ASK_FOR_PASSWORD)
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": detail.encode()})


async def _listen(gateway: Gateway, link: Link, receive: Receive) -> tuple[int, str]:
    """Frames, one after the other, until the end; its close code and reason."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return message.get("code") or 1005, message.get("reason") or ""
        if gateway.stopping:
            continue  # unread: the station repeats at the next gateway
        if link.closing:
            continue
        text = message.get("text")
        if text is None:
            text = message["bytes"].decode("utf-8", "replace")
        gateway.busy += 1
        try:
            await link.read(text)
        finally:
            gateway.busy -= 1
