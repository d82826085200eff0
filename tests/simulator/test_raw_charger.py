"""The suite's raw charger, against a small WebSocket server: what it reports must be what was on the wire."""

from __future__ import annotations

import asyncio
import base64
import http
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from tests.charger import CallFailed, HandshakeRefused, LinkClosed, RawCharger, SyncCharger


async def _echo(socket: ServerConnection) -> None:
    async for text in socket:
        frame: list[Any] = json.loads(text) if str(text).startswith("[") else [2, "x", "Garbage", {}]
        if frame[0] in (3, 4):
            await socket.send(json.dumps([2, "seen", "Seen", {"frame": frame}]))
        elif frame[2] == "Refuse":
            await socket.send(json.dumps([4, frame[1], "NotImplemented", "no such action", {"a": 1}]))
        elif frame[2] == "Ask":
            await socket.send(json.dumps([2, "q1", "Reset", {"type": "Hard"}]))
        elif frame[2] == "Close":
            await socket.close(1009, "too big")
        elif frame[2] == "Garbage":
            await socket.send(json.dumps([4, "-1", "RpcFrameworkError", "", {}]))
        else:
            header = socket.request.headers.get("Authorization", "")  # type: ignore[union-attr]
            await socket.send(json.dumps([3, frame[1], {"authorization": header, "got": frame[3]}]))


def _gate(socket: ServerConnection, request: Request) -> Response | None:
    if request.path.endswith("stranger"):
        return socket.respond(http.HTTPStatus.UNAUTHORIZED, "who are you?")
    return None


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serve(_echo, "127.0.0.1", 0, subprotocols=["ocpp1.6"], process_request=_gate) as server:  # type: ignore[list-item]
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp/"


async def test_a_call_gives_its_answer_and_the_password_goes_as_raw_bytes(url: str) -> None:
    async with RawCharger(url, "CP 1", password=b"\xff\x00:") as charger:
        answer = await charger.call("Heartbeat")
        assert charger.subprotocol == "ocpp1.6"
    assert base64.b64decode(answer["authorization"].removeprefix("Basic ")) == b"CP 1:\xff\x00:"
    assert answer["got"] == {}


async def test_a_callerror_is_an_exception_with_code_and_details(url: str) -> None:
    async with RawCharger(url, "CP-1") as charger:
        with pytest.raises(CallFailed) as caught:
            await charger.call("Refuse", {})
    assert (caught.value.code, caught.value.description) == ("NotImplemented", "no such action")
    assert caught.value.details == {"a": 1}


async def test_a_refused_handshake_shows_status_and_body(url: str) -> None:
    with pytest.raises(HandshakeRefused) as caught:
        async with RawCharger(url, "stranger"):
            pass
    assert (caught.value.status, caught.value.body.strip()) == (401, "who are you?")


async def test_a_close_by_the_server_shows_its_code_and_fails_the_pending_call(url: str) -> None:
    async with RawCharger(url, "CP-1") as charger:
        with pytest.raises(LinkClosed) as caught:
            await charger.call("Close")
        assert caught.value.code == charger.close_code == 1009
        assert not charger.is_open


async def test_responders_answer_refuse_or_keep_silent(url: str) -> None:
    async with RawCharger(url, "CP-1") as charger:
        charger.on_call("Reset", lambda payload: {"status": payload["type"]})
        await charger.send_call("Ask")
        assert (await charger.wait_call("Seen"))[1]["frame"] == [3, "q1", {"status": "Hard"}]
        charger.on_call("Reset", CallFailed("InternalError", "no"))
        charger.on_call("Reset", lambda payload: CallFailed("InternalError", "no"))
        await charger.send_call("Ask")
        assert (await charger.wait_call("Seen"))[1]["frame"][2] == "InternalError"
        charger.on_call("Reset", lambda payload: None)
        await charger.send_call("Ask")
        assert await charger.is_silent(0.1)


async def test_garbage_is_sent_as_it_is_and_its_answer_can_be_read(url: str) -> None:
    async with RawCharger(url, "CP-1") as charger:
        await charger.send_text("garbage")
        assert (await charger.receive())[:3] == [4, "-1", "RpcFrameworkError"]
        with pytest.raises(TimeoutError):
            await charger.receive(0.05)


async def test_the_sync_charger_does_the_same_from_a_plain_thread(url: str) -> None:
    def story() -> Any:
        with SyncCharger(url, "CP-1", password="secret") as charger:
            charger.on_call("Reset", {"status": "Accepted"})
            charger.send_call("Ask")
            assert charger.wait_call("Seen")[1]["frame"][2] == {"status": "Accepted"}
            return charger.call("Heartbeat", {"a": 1.5})

    answer = await asyncio.to_thread(story)
    assert answer["got"] == {"a": 1.5} or str(answer["got"]["a"]) == "1.5"
    assert base64.b64decode(answer["authorization"].removeprefix("Basic ")) == b"CP-1:secret"
