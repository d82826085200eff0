"""The table of calls: method and path → handler, its declared parameters, and those the double acts on."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.listing import Condition, listed

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

# (call, checked parameters, **names in the path) → the object or list to answer. Path names differ per route.
Handler = Callable[..., JsonObject]


@dataclass(frozen=True)
class Route:
    method: str
    pattern: re.Pattern[str]
    handler: Handler
    parameters: str
    known: frozenset[str]


ROUTES: list[Route] = []


def route(method: str, path: str, parameters: str, known: str = "") -> Callable[[Handler], Handler]:
    """Register a handler. `parameters` names the client's typed params, `known` what the double acts on."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + r"\Z")

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(method, pattern, handler, parameters, frozenset(known.split())))
        return handler

    return register


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    for candidate in ROUTES:
        matched = candidate.pattern.match(path)
        if matched and candidate.method == method:
            return candidate, matched.groupdict()
    raise ApiError(f"Unrecognized request URL ({method}: {path}).", status=404)


def retrieve(path: str, kind: str, parameters: str) -> None:
    """Register the plain GET of one object; `{id}` in the path."""

    @route("GET", path, parameters)
    def retrieved(call: "Call", _values: JsonObject, id: str) -> JsonObject:
        return call.fetch(kind, id)


# What a list call filters by besides `created`: parameter → member path of the object.
Filters = dict[str, str]


def listing(
    path: str, kind: str, parameters: str, filters: Filters | None = None, fixed: Iterable[Condition] = ()
) -> None:
    """Register the GET of a list: newest first, `limit`, `starting_after`, `ending_before`, filters."""
    chosen = filters or {}
    known = " ".join(["limit", "starting_after", "ending_before", "created", *chosen])

    @route("GET", path, parameters, known)
    def handler(call: "Call", values: JsonObject, **names: Any) -> JsonObject:
        named = [(chosen.get(name, name), "=", value) for name, value in names.items()]
        return listed(call, kind, values, chosen, path.format(**names), [*fixed, *named])
