"""The provider itself, without HTTP: authenticated calls in, (status, JSON) out.

`Provider.call()` is one API call: parameters checked, idempotency key honoured, effects in one transaction.
Resources (package `resources`) hold what each call does; they work on a `Call`, which is the provider as one
call sees it.
"""

import copy
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from evcms.simulator.provider import expansion, form, parameters
from evcms.simulator.provider.errors import ApiError, JsonObject, missing
from evcms.simulator.provider.rendering import shown
from evcms.simulator.provider.resources.schedule import run_due
from evcms.simulator.provider.routing import Route, find
from evcms.simulator.provider.store import Answer, Store

API_VERSION = "2026-10-28.endive"
Result = TypeVar("Result")
KEEP_ANSWERS_SECONDS = 86_400
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Request:
    """One call as it came. `key` is the idempotency key, `raw` the query (GET, DELETE) or the body (POST)."""

    method: str
    path: str
    raw: str = ""
    key: str | None = None
    version: str = API_VERSION
    account: str = "sk_test"


@dataclass(frozen=True)
class Reply:
    status: int
    body: JsonObject
    request_id: str
    replayed: bool = False


class Provider:
    """State, clock and rules of one double. Callable from any thread; calls run one after the other."""

    def __init__(
        self, database: str, *, public_url: str = "http://127.0.0.1:8420", merchant: str = "Charging network"
    ) -> None:
        self.store = Store(database)
        self.public_url = public_url.rstrip("/")
        self.merchant = merchant
        self.lock = threading.RLock()
        self._running: set[str] = set()

    def close(self) -> None:
        self.store.close()

    def now(self) -> int:
        """Seconds since 1970 on the double's clock, which `advance` can move ahead of the real one."""
        with self.lock:
            return int(time.time()) + int(self.store.setting("clock", {"offset": 0})["offset"])

    def advance(self, seconds: int) -> None:
        """Move the double's clock; holds and pages whose time has come expire at the next tick."""
        with self.lock, self.store.transaction():
            offset = int(self.store.setting("clock", {"offset": 0})["offset"])
            self.store.set_setting("clock", {"offset": offset + seconds})

    def right_clock(self) -> None:
        """Undo every `advance`."""
        with self.lock, self.store.transaction():
            self.store.set_setting("clock", {"offset": 0})

    def load(self, objects: Iterable[JsonObject]) -> int:
        """Bulk-load finished objects (see `history` for ones that agree with each other), without events.

        Each needs `id`, `object` and `created`; ids are the caller's, so a second load of the same history adds
        nothing and changes nothing. Holds among them expire in their time. Returns how many objects were new.
        """
        batch = list(objects)
        for body in batch:
            if not (isinstance(body.get("id"), str) and body.get("object") and isinstance(body.get("created"), int)):
                raise ValueError(f"an object to load needs id, object and created: {body.get('id')!r}")
        with self.lock, self.store.transaction():
            for body in batch:
                self._schedule(body)
            return self.store.load(batch)

    def _schedule(self, body: JsonObject) -> None:
        """What a loaded object still has before it happens by itself."""
        if body["object"] == "charge" and body.get("_hold_until") and not body["captured"] and not body["refunded"]:
            self.store.schedule(body["id"], "expire_hold", body["_hold_until"])
        if body["object"] == "balance_transaction" and body["status"] == "pending":
            self.store.schedule(body["id"], "settle", body["available_on"])
        if body["object"] == "checkout.session" and body["status"] == "open":
            self.store.schedule(body["id"], "expire_session", body["expires_at"])

    def begin(self, request: Request) -> None:
        """Claim the call's idempotency key; a second call with it while the first runs gets 409."""
        if request.method != "POST" or not request.key:
            return
        with self.lock:
            if request.key in self._running:
                raise ApiError(
                    "There is currently another in-progress request using this Idempotent Key (that probably means "
                    "you submitted twice, and the other request is still going through): "
                    f"{request.key}. Please try again later.",
                    status=409,
                    kind="idempotency_error",
                    code="idempotency_key_in_use",
                )
            self._running.add(request.key)

    def end(self, request: Request) -> None:
        with self.lock:
            if request.key:
                self._running.discard(request.key)

    def call(self, request: Request) -> Reply:
        """Answer one call. The effects and the remembered answer of its key are committed together."""
        request_id = "req_" + secrets.token_hex(7)
        with self.lock:
            try:
                return self._answered(request, request_id)
            except ApiError as error:
                return _refused(error, request_id)

    def _answered(self, request: Request, request_id: str) -> Reply:
        key = request.key if request.method == "POST" else None
        route, path = find(request.method, request.path)
        given = form.decode(request.raw)
        signature = _signature(request, given)
        kept = self.store.answer(key) if key else None
        if kept:
            return _replayed(kept, signature, key or "", request_id)
        values = parameters.check(route.parameters, given)
        _refuse_unbuilt(route, values)
        call = Call(self, request_id, request.key)
        status, body = call.run(route, path, values, Answer(signature, 0, "") if key else None)
        return Reply(status, body, request_id)

    def tick(self) -> None:
        """Do what is due by itself: expired holds and pages, late refunds."""
        with self.lock:
            now = self.now()
            if not self.store.due(now):
                return
            with self.store.transaction():
                run_due(Call(self, None, None), now)
                self.store.forget_answers(now - KEEP_ANSWERS_SECONDS)

    def effect(self, action: Callable[["Call"], Result]) -> Result:
        """Do something from outside the API (hosted page, control interface, reader) in one transaction.

        A refusal that keeps what it wrote (a declined card) is raised after the commit.
        """
        with self.lock:
            kept: ApiError | None = None
            with self.store.transaction():
                try:
                    result = action(Call(self, None, None))
                except ApiError as error:
                    if not error.keep:
                        raise
                    kept = error
            if kept:
                raise kept
            return result


class Call:
    """The provider as one call sees it: objects, time, and the events that the call causes."""

    def __init__(self, provider: Provider, request_id: str | None, key: str | None) -> None:
        self.provider = provider
        self.store = provider.store
        self.now = provider.now()
        self._request = {"id": request_id, "idempotency_key": key}

    def run(
        self, route: Route, path: dict[str, str], values: JsonObject, answer: Answer | None
    ) -> tuple[int, JsonObject]:
        refusal: ApiError | None = None
        try:
            with self.store.transaction():
                try:
                    status, body = 200, self._handled(route, path, values)
                except ApiError as error:
                    if not error.keep:
                        raise
                    refusal, status, body = error, error.status, {"error": error.error}
                self._remember(answer, status, body)
        except ApiError as error:
            refusal, status, body = error, error.status, {"error": error.error}
            with self.store.transaction():
                self._remember(answer, status, body)
        return (status, body) if refusal is None else (refusal.status, body)

    def _handled(self, route: Route, path: dict[str, str], values: JsonObject) -> JsonObject:
        expand = values.pop("expand", None) or []
        body = shown(route.handler(self, values, **path))
        return expansion.expand(self.store, body, expand)

    def _remember(self, answer: Answer | None, status: int, body: JsonObject) -> None:
        if answer and self._request["idempotency_key"]:
            kept = Answer(answer.call, status, json.dumps(body))
            self.store.keep_answer(self._request["idempotency_key"], kept, self.now)

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))

    def fetch(self, kind: str, identifier: str, param: str = "id") -> JsonObject:
        """The object, or the 404/400 that the API answers for an unknown id."""
        body = self.store.get(identifier)
        if body is None or body["object"] != kind:
            raise missing(kind, identifier, param)
        return body

    def save(self, body: JsonObject) -> JsonObject:
        return self.store.put(body)

    def emit(self, kind: str, body: JsonObject, previous: JsonObject | None = None) -> None:
        """Record an event with the object as it is now, and queue it for every endpoint that wants it."""
        data: JsonObject = {"object": copy.deepcopy(shown(body))}
        if previous is not None:
            data["previous_attributes"] = previous
        endpoints = [each for each in self.store.select("webhook_endpoint") if _wants(each, kind)]
        event = {
            "id": self.new_id("evt"),
            "object": "event",
            "account": None,
            "api_version": API_VERSION,
            "context": None,
            "created": self.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": len(endpoints),
            "request": dict(self._request),
            "type": kind,
        }
        self.store.put(event)
        for endpoint in endpoints:
            self._queue(str(event["id"]), endpoint["id"])

    def _queue(self, event: str, endpoint: str) -> None:
        """Queue one delivery, or lose or double it when a fault asks for that."""
        faults = self.store.setting("webhook_faults", {})
        state, copies = "pending", 1
        if faults.get("drop_next", 0) > 0:
            faults["drop_next"] -= 1
            state = "dropped"
        elif faults.get("duplicate_next", 0) > 0:
            faults["duplicate_next"] -= 1
            copies = 2
        self.store.set_setting("webhook_faults", faults)
        for _ in range(copies):
            self.store.deliver(event, endpoint, time.time() + faults.get("delay", 0), state)


def _wants(endpoint: JsonObject, kind: str) -> bool:
    wanted = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in wanted or kind in wanted)


def _signature(request: Request, given: JsonObject) -> str:
    told = json.dumps([request.method, request.path, given], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _replayed(kept: Answer, signature: str, key: str, request_id: str) -> Reply:
    if kept.call != signature:
        raise ApiError(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request.",
            kind="idempotency_error",
        )
    return Reply(kept.status, json.loads(kept.body), request_id, replayed=True)


def _refuse_unbuilt(route: Route, values: JsonObject) -> None:
    """A parameter that the API has and this double does not act on is refused, never silently dropped."""
    for name in values.keys() - route.known - {"expand"}:
        raise ApiError(
            f"The provider double does not implement the parameter {name}.",
            code="double_not_implemented",
            param=name,
        )


def _refused(error: ApiError, request_id: str) -> Reply:
    return Reply(error.status, {"error": error.error}, request_id)
