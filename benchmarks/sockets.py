"""A WebSocket client that costs little: text frames of any size, no extensions, one answer awaited at a time."""

import asyncio
import base64
import os
import struct


class Lost(ConnectionError):
    """The server ended the link."""


class Socket(asyncio.Protocol):
    """One connection. `ask` sends a text and gives the next text that comes."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.buffer = bytearray()
        self.open = False
        self.answer = self.loop.create_future()
        self.answer.add_done_callback(lambda future: future.cancelled() or future.exception())

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        if not self.answer.done():
            self.answer.set_exception(Lost(str(error)))

    def data_received(self, data):
        self.buffer += data
        if not self.open:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self.buffer[:end])
            del self.buffer[: end + 4]
            self.open = head.startswith(b"HTTP/1.1 101")
            if self.open:
                self.answer.set_result(head)
            else:
                self.answer.set_exception(Lost(head.decode("latin-1")))
        while self.open and (text := self._frame()) is not None:
            if not self.answer.done():
                self.answer.set_result(text)

    def _frame(self):
        """The next whole text frame; pings are answered on the way."""
        while len(self.buffer) >= 2:
            length, start = self.buffer[1] & 127, 2
            if length == 126:
                length, start = struct.unpack_from("!H", self.buffer, 2)[0] if len(self.buffer) >= 4 else 1 << 60, 4
            elif length == 127:
                length, start = struct.unpack_from("!Q", self.buffer, 2)[0] if len(self.buffer) >= 10 else 1 << 60, 10
            if len(self.buffer) < start + length:
                return None
            kind, data = self.buffer[0] & 15, bytes(self.buffer[start : start + length])
            del self.buffer[: start + length]
            if kind == 1:
                return data.decode()
            if kind == 9:
                self._send(10, data)
            elif kind == 8:
                self.transport.close()
                return None
        return None

    def _send(self, kind, data):
        """Masked with zeros, which is masked as the RFC wants and costs nothing."""
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", 128 | kind, 128 | size)
        elif size < 65536:
            head = struct.pack("!BBH", 128 | kind, 128 | 126, size)
        else:
            head = struct.pack("!BBQ", 128 | kind, 128 | 127, size)
        self.transport.write(head + b"\0\0\0\0" + data)

    async def ask(self, text):
        self.answer = self.loop.create_future()
        self._send(1, text.encode())
        return await self.answer

    def close(self):
        self._send(8, struct.pack("!H", 1000))
        self.transport.close()


async def connect(host, port, path, subprotocol, timeout=60.0):
    """An open socket. Raises Lost with the server's answer when it refuses."""
    key = base64.b64encode(os.urandom(16)).decode()
    _, socket = await asyncio.get_running_loop().create_connection(Socket, host, port)
    socket.transport.write(
        (
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {subprotocol}\r\n\r\n"
        ).encode()
    )
    await asyncio.wait_for(asyncio.shield(socket.answer), timeout)
    return socket
