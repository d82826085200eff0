"""No request may be larger than its address allows: Django writes every body to the disk before any view sees it."""

from typing import Any, Final

from django.conf import settings

Scope = dict[str, Any]  # Any: ASGI's words
MARGIN: Final = 1_048_576  # what a form adds to its file
REFUSAL: Final = b"The request is too large.\n"


def most_for(path: str) -> int:
    if path.startswith("/in/"):
        return int(settings.LOG_MAX_BYTES) + MARGIN
    if path.startswith("/firmware-files/"):
        return int(settings.FIRMWARE_MAX_BYTES) + MARGIN
    return int(settings.BODY_MAX_BYTES)


class BodyLimit:
    """ASGI: answers 413 and hangs up once more came than may, announced or not."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Any: ASGI's callables."""
        most, came, refused = most_for(scope["path"]), 0, False

        async def counted() -> dict[str, Any]:
            nonlocal came, refused
            message: dict[str, Any] = await receive()
            came += len(message.get("body", b""))
            if came > most and not refused:
                refused = True
                await _refuse(send)
            return {"type": "http.disconnect"} if refused else message

        async def said(message: dict[str, Any]) -> None:
            if not refused:
                await send(message)

        if _announced(scope) > most:
            await _refuse(send)
        else:
            await self._app(scope, counted, said)


def _announced(scope: Scope) -> int:
    text = dict(scope.get("headers", ())).get(b"content-length", b"0")
    return int(text) if text.isdigit() and len(text) < 19 else 0


async def _refuse(send: Any) -> None:
    """Any: ASGI's callable."""
    headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": REFUSAL})
