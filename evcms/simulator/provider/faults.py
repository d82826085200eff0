"""Faults on order: late answers, server errors, connections dropped before or after the effect."""

from dataclasses import dataclass

from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.provider import Provider

_COUNTED = ("drop_response_after_effect", "drop_before_effect")
_NAMES = frozenset({"match", "count", "delay", "status", *_COUNTED})


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call: seconds of delay before it, a status instead of it, a dropped connection."""

    delay: float = 0.0
    status: int | None = None
    drop_before: bool = False
    drop_after: bool = False


def order(provider: Provider, wanted: JsonObject) -> list[JsonObject]:
    """Add a rule. `{"drop_response_after_effect": 2, "match": "/capture"}`: the next two captures happen, unheard.

    `count` says how many matching calls a delay or status hits (1). Returns all rules that wait.
    """
    for name in wanted.keys() - _NAMES:
        raise ApiError(f"Unknown fault: {name}. Known: {', '.join(sorted(_NAMES))}", param=name)
    rule = dict(wanted)
    rule["count"] = int(next((wanted[name] for name in _COUNTED if name in wanted), wanted.get("count", 1)))
    with provider.lock, provider.store.transaction():
        rules = [*provider.store.setting("faults", {"rules": []})["rules"], rule]
        provider.store.set_setting("faults", {"rules": rules})
        return rules


def clear(provider: Provider) -> None:
    with provider.lock, provider.store.transaction():
        provider.store.set_setting("faults", {"rules": []})


def next_for(provider: Provider, method: str, path: str) -> Fault | None:
    """The fault that this call meets, used up by one."""
    with provider.lock:
        rules = provider.store.setting("faults", {"rules": []})["rules"]
        for rule in rules:
            if rule["count"] > 0 and rule.get("match", "") in f"{method} {path}":
                rule["count"] -= 1
                left = [each for each in rules if each["count"] > 0]
                with provider.store.transaction():
                    provider.store.set_setting("faults", {"rules": left})
                return Fault(
                    delay=float(rule.get("delay", 0)),
                    status=int(rule["status"]) if "status" in rule else None,
                    drop_before="drop_before_effect" in rule,
                    drop_after="drop_response_after_effect" in rule,
                )
    return None
