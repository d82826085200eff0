"""Form encoding as the provider's clients write it: `a[b][0][c]=v` is a tree of mappings and lists."""

import re
from urllib.parse import parse_qsl

from evcms.simulator.provider.errors import ApiError, JsonObject

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
_PART = re.compile(r"\[([^\[\]]*)\]")


def decode(text: str) -> JsonObject:
    """The tree that a query string or body spells; leaves are strings."""
    tree: JsonObject = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        matched = _KEY.match(key)
        if not matched:
            raise ApiError(f"Invalid request: malformed parameter name {key!r}", param=key)
        _place(tree, [matched[1], *_PART.findall(matched[2])], value, key)
    return {key: _lists(value) for key, value in tree.items()}


def _place(tree: JsonObject, path: list[str], value: str, key: str) -> None:
    node = tree
    for part in path[:-1]:
        node = node.setdefault(part or str(len(node)), {})
        if not isinstance(node, dict):
            raise ApiError(f"Invalid request: {key!r} is both a value and an object", param=key)
    node[path[-1] or str(len(node))] = value


def _lists(node: object) -> object:
    """Mappings whose keys are all whole numbers are lists; an empty key means "append"."""
    if not isinstance(node, dict):
        return node
    if node and all(key.isdigit() for key in node):
        return [_lists(node[key]) for key in sorted(node, key=int)]
    return {key: _lists(value) for key, value in node.items()}
