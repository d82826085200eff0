"""What of a stored object is shown: all but the double's own notes, whose names begin with an underscore."""

from evcms.simulator.provider.errors import JsonObject


def shown(body: JsonObject) -> JsonObject:
    """A copy without notes at any depth; metadata belongs to the caller and keeps every name."""
    return {
        name: value if name == "metadata" else _shown(value) for name, value in body.items() if not name.startswith("_")
    }


def _shown(value: object) -> object:
    if isinstance(value, dict):
        return shown(value)
    return [_shown(each) for each in value] if isinstance(value, list) else value
