"""Webhook deliveries: signed, at least once, in no order that anybody may rely on, retried with back-off.

The queue is a table of the double's database, so a restart goes on where the last process stopped.
"""

import asyncio
import contextlib
import hashlib
import hmac
import http.client
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from evcms.simulator.provider.errors import JsonObject
from evcms.simulator.provider.provider import Provider
from evcms.simulator.provider.rendering import shown

# Seconds to the next attempt after the first, second … failure; about three days in all, then it is given up.
BACK_OFF = (1, 2, 5, 10, 30, 60, 300, 900, 3600, *[6 * 3600] * 11)
AT_ONCE = 8
TIMEOUT_SECONDS = 8
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Delivery:
    """One attempt that is due."""

    id: int
    attempts: int
    url: str
    body: bytes
    signature: str


def sign(body: bytes, secret: str, at: int) -> str:
    """The Stripe-Signature header: HMAC-SHA256 over "time.body"."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


class Deliverer:
    """Sends what is queued, up to eight at once, until cancelled; also moves the provider's own clockwork."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._under_way: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        try:
            while True:
                self._provider.tick()
                for delivery in self._due():
                    self._start(delivery)
                await asyncio.sleep(POLL_SECONDS)
        finally:
            for task in self._under_way.values():
                task.cancel()

    def _start(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._attempt(delivery))
        self._under_way[delivery.id] = task
        task.add_done_callback(lambda _: self._under_way.pop(delivery.id, None))

    def _due(self) -> list[Delivery]:
        with self._provider.lock:
            store = self._provider.store
            if store.setting("webhook_faults", {}).get("paused"):
                return []
            free = AT_ONCE - len(self._under_way)
            rows = store.deliveries_due(time.time(), AT_ONCE + len(self._under_way)) if free else []
            fresh = [row for row in rows if row[0] not in self._under_way][:free]
            return [found for row in fresh if (found := self._read(*row)) is not None]

    def _read(self, identifier: int, event: str, endpoint: str, attempts: int) -> Delivery | None:
        target = self._provider.store.get(endpoint)
        body = self._provider.store.get(event)
        if target is None or body is None:
            self._note(identifier, attempts, "failed", "the endpoint no longer exists")
            return None
        raw = json.dumps(shown(body), indent=2).encode()
        return Delivery(identifier, attempts, target["url"], raw, sign(raw, target["_secret"], int(time.time())))

    async def _attempt(self, delivery: Delivery) -> None:
        answer, accepted = await asyncio.to_thread(_post, delivery)
        self._note(delivery.id, delivery.attempts, "delivered" if accepted else "pending", answer)

    def _note(self, identifier: int, attempts: int, state: str, answer: str) -> None:
        given_up = state == "pending" and attempts >= len(BACK_OFF)
        next_at = time.time() + (BACK_OFF[attempts] if attempts < len(BACK_OFF) else 0)
        with self._provider.lock, self._provider.store.transaction():
            self._provider.store.delivery_attempted(
                identifier, state="failed" if given_up else state, next_at=next_at, answer=answer
            )


def _post(delivery: Delivery) -> tuple[str, bool]:
    """The receiver's answer in a few words, and whether it accepted (any 2xx; redirects are not followed)."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": delivery.signature,
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    request = urllib.request.Request(delivery.url, data=delivery.body, headers=headers, method="POST")
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return str(answer.status), 200 <= answer.status < 300
    except urllib.error.HTTPError as error:
        with contextlib.closing(error):
            return str(error.code), False
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {error}"[:200], False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        return None


# Webhooks go straight to their address: a proxy of the environment is for the outside world.
_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def replay(provider: Provider, wanted: JsonObject) -> int:
    """Queue events again: one by `event`, those of a `type` pattern, or `all`. Returns how many."""
    with provider.lock, provider.store.transaction():
        store = provider.store
        if "event" in wanted:
            found = store.get(str(wanted["event"]))
            events = [found] if found and found["object"] == "event" else []
        else:
            events = store.select("event", [("type", "GLOB", str(wanted.get("type", "*")))])
        for event in events:
            for endpoint in store.select("webhook_endpoint"):
                store.deliver(event["id"], endpoint["id"], time.time())
        return len(events)
