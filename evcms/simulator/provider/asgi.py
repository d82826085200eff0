"""The ASGI application: API under /v1/, hosted pages, control interface; and its background work."""

import asyncio
import base64
import binascii
import contextlib
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from evcms.simulator.provider import control, faults, pages
from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.provider import API_VERSION, Provider, Reply, Request
from evcms.simulator.provider.rendering import shown
from evcms.simulator.provider.resources import files
from evcms.simulator.provider.webhooks import Deliverer

# ASGI's own shapes (asgi specification, HTTP and lifespan messages).
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
LARGEST_BODY = 4 * 1024 * 1024


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Dropped(Exception):
    """The connection is to be cut without an answer."""


def json_response(status: int, body: JsonObject, headers: dict[str, str] | None = None) -> Response:
    text = json.dumps(body, indent=2).encode()
    return Response(status, text, {"Content-Type": "application/json"} | (headers or {}))


class Application:
    """One provider on HTTP. `drop` cuts a client's connection, so that a lost answer is really lost."""

    def __init__(self, provider: Provider, drop: Callable[[Scope], None]) -> None:
        self.provider = provider
        self._drop = drop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        work = asyncio.create_task(Deliverer(self.provider).run())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._respond(scope, await _read(receive))
        except Dropped:
            self._drop(scope)
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
        headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    async def _respond(self, scope: Scope, body: bytes) -> Response:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        method, path = scope["method"], scope["path"]
        if path.startswith("/v1/"):
            if (method, path) == ("POST", "/v1/files"):
                return self._upload(headers, body)
            raw = body.decode(errors="replace") if method == "POST" else scope["query_string"].decode("latin-1")
            return await self._api(Request(method, path, raw, headers.get("idempotency-key")), headers)
        if path.startswith("/_double/") and path != "/_double/" and not pages.has(path, method):
            return self._control(method, path.removeprefix("/_double/"), headers, body)
        status, text, extra = pages.respond(self.provider, method, path, scope["query_string"].decode(), _form(body))
        return Response(status, text, pages.HEADERS | extra)

    async def _api(self, request: Request, headers: dict[str, str]) -> Response:
        refused = _unauthorized(headers.get("authorization", ""))
        if refused:
            return json_response(401, {"error": refused.error})
        fault = faults.next_for(self.provider, request.method, request.path) or faults.Fault()
        try:
            self.provider.begin(request)
        except ApiError as error:
            return json_response(error.status, {"error": error.error}, {"Idempotency-Key": request.key or ""})
        try:
            reply = await self._answer(request, fault)
        finally:
            self.provider.end(request)
        if fault.drop_after:
            raise Dropped
        return json_response(reply.status, reply.body, _api_headers(request, reply, headers))

    async def _answer(self, request: Request, fault: faults.Fault) -> Reply:
        await asyncio.sleep(fault.delay)
        if fault.drop_before:
            raise Dropped
        if fault.status:
            error = {"message": "An unknown error occurred", "type": "api_error"}
            return Reply(fault.status, {"error": error}, "req_fault")
        return self.provider.call(request)

    def _upload(self, headers: dict[str, str], body: bytes) -> Response:
        """The one call that is not form-encoded."""
        try:
            if refused := _unauthorized(headers.get("authorization", "")):
                raise refused
            kind = headers.get("content-type", "")
            return json_response(200, shown(self.provider.effect(lambda call: files.upload(call, kind, body))))
        except ApiError as error:
            return json_response(error.status, {"error": error.error})

    def _control(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Response:
        by_person = "text/html" in headers.get("accept", "")
        is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        try:
            wanted = _form(body) if is_form else _json(body)
            answer = control.perform(self.provider, method, path, wanted)
        except ApiError as error:
            if by_person:
                status, text, extra = pages.notice(
                    "That was not possible", str(error), link="/_double/", label="Back", status=error.status
                )
                return Response(status, text, pages.HEADERS | extra)
            return json_response(error.status, {"error": error.error})
        if by_person:
            return Response(303, b"", {"Location": headers.get("referer", "/_double/")})
        return json_response(200, answer)


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if sum(map(len, parts)) > LARGEST_BODY or not message.get("more_body"):
            return b"".join(parts)


def _form(body: bytes) -> JsonObject:
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def _json(body: bytes) -> JsonObject:
    try:
        wanted = json.loads(body or b"{}")
    except ValueError:
        raise ApiError("The body is not JSON.") from None
    if not isinstance(wanted, dict):
        raise ApiError("The body must be a JSON object.")
    return wanted


def _unauthorized(header: str) -> ApiError | None:
    """Test secret keys pass, as Bearer or as the user name of Basic."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "basic":
        with contextlib.suppress(binascii.Error, UnicodeDecodeError):
            value = base64.b64decode(value).decode().partition(":")[0]
    if value.startswith(("sk_test_", "rk_test_")):
        return None
    text = (
        f"Invalid API Key provided: {value[:8]}***"
        if value
        else (
            "You did not provide an API key. Send it in the Authorization header, using Bearer "
            "auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    )
    return ApiError(text, status=401)


def _api_headers(request: Request, reply: Reply, headers: dict[str, str]) -> dict[str, str]:
    told = {"Request-Id": reply.request_id, "Stripe-Version": headers.get("stripe-version") or API_VERSION}
    if request.key:
        told["Idempotency-Key"] = request.key
    if reply.replayed:
        told["Idempotent-Replayed"] = "true"
    return told
