"""The stations of the bench, a process of their own: `client.py <mode> <port> <protocol> <stations> <seconds>`.

Says one JSON line when it is ready, waits for a line on stdin, works, and says one JSON line with what it saw.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import talk
from benchmarks.sockets import Lost, connect

IDENTITY = "BENCH-{:05}"
HOST = "127.0.0.1"


class Seen:
    def __init__(self):
        self.times, self.failed, self.errors = [], 0, {}

    def fail(self, why):
        self.failed += 1
        self.errors[why[:120]] = self.errors.get(why[:120], 0) + 1

    async def ask(self, socket, text):
        begun = time.perf_counter()
        answer = await socket.ask(text)
        self.times.append(time.perf_counter() - begun)
        if not answer.startswith("[3"):
            self.fail(answer)
        return answer

    def told(self, seconds):
        times = sorted(self.times) or [0.0]

        def percentile(share):
            return round(times[min(len(times) - 1, int(share * len(times)))] * 1000, 2)

        return {
            "calls": len(self.times),
            "seconds": round(seconds, 3),
            "calls_per_s": round(len(self.times) / seconds),
            "p50_ms": percentile(0.50),
            "p95_ms": percentile(0.95),
            "p99_ms": percentile(0.99),
            "failed": self.failed,
            "errors": self.errors,
        }


class Client:
    def __init__(self, mode, port, protocol, stations, seconds):
        self.mode, self.port, self.protocol = mode, int(port), protocol
        self.stations, self.seconds = int(stations), float(seconds)
        self.seen = Seen()
        self.sockets = {}

    async def open(self, number):
        path = f"/ocpp/{IDENTITY.format(number)}"
        try:
            self.sockets[number] = await connect(HOST, self.port, path, self.protocol)
        except (OSError, TimeoutError) as error:
            self.seen.fail(f"connect: {error}")

    async def open_many(self, numbers, at_once=50):
        numbers = list(numbers)
        for start in range(0, len(numbers), at_once):
            await asyncio.gather(*(self.open(number) for number in numbers[start : start + at_once]))

    async def run(self):
        if self.mode == "boot":
            await self.go({})
            begun = time.perf_counter()
            await asyncio.gather(*(self.boot(number) for number in range(1, self.stations + 1)))
        else:
            first = int(self.seconds) if self.mode == "standing" else 0  # the others stand already
            await self.open_many(range(first + 1, self.stations + 1))
            if self.mode != "echo":
                for number, socket in self.sockets.items():
                    await self.boot_again(number, socket)
            self.seen.times.clear()
            await self.go({"open": len(self.sockets)})
            begun = time.perf_counter()
            if self.mode != "standing":
                self.end = begun + self.seconds
                await asyncio.gather(*(self.work(number, self.sockets[number]) for number in self.sockets))
        print(json.dumps(self.seen.told(time.perf_counter() - begun)), flush=True)
        await self.go(None)

    async def go(self, news):
        if news is not None:
            print(json.dumps(news), flush=True)
        await asyncio.to_thread(sys.stdin.readline)

    async def boot(self, number):
        for _ in range(5):
            try:
                socket = await connect(HOST, self.port, f"/ocpp/{IDENTITY.format(number)}", self.protocol)
                self.sockets[number] = socket
                await self.boot_again(number, socket)
                return
            except (OSError, TimeoutError) as error:
                self.seen.errors[f"again: {error}"[:120]] = self.seen.errors.get(f"again: {error}"[:120], 0) + 1
                await asyncio.sleep(1)
        self.seen.fail("no connection")

    async def boot_again(self, number, socket):
        answer = await self.seen.ask(socket, talk.boot(self.protocol))
        if '"Accepted"' not in answer:
            self.seen.fail(answer)

    async def work(self, number, socket):
        work = {"echo": self.echo, "heartbeats": self.beat, "sessions": self.charge}[self.mode]
        try:
            turn = 0
            while time.perf_counter() < self.end:
                await work(number, socket, turn)
                turn += 1
        except Lost as error:
            self.seen.fail(f"lost: {error}")

    async def echo(self, number, socket, turn):
        """The frames of a session, with the answers that they do not get here put in."""
        frames = talk.session(self.protocol, number, turn)
        text = next(frames)
        while True:
            begun = time.perf_counter()
            await socket.ask(text)
            self.seen.times.append(time.perf_counter() - begun)
            try:
                text = frames.send('[3,"x",{"transactionId":1}]')
            except StopIteration:
                return

    async def beat(self, number, socket, turn):
        await self.seen.ask(socket, talk.heartbeat(self.protocol))

    async def charge(self, number, socket, turn):
        frames = talk.session(self.protocol, number, turn)
        text = next(frames)
        while True:
            answer = await self.seen.ask(socket, text)
            if not answer.startswith("[3"):
                return
            try:
                text = frames.send(answer)
            except StopIteration:
                return


if __name__ == "__main__":
    asyncio.run(Client(*sys.argv[1:6]).run())
