"""The yardstick: the least that a WebSocket server can do, on the same server with the same settings."""

import sys

import uvicorn


async def application(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


if __name__ == "__main__":
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        ws="websockets-sansio",
        ws_ping_interval=30,
        ws_ping_timeout=24,
        ws_per_message_deflate=False,
        lifespan="off",
        backlog=4096,
        log_config=None,
        log_level="warning",
        access_log=False,
    )
