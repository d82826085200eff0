"""Entries of the audit log for people: the action as words, its details with units, zones and what was before."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from evcms.core.figures import amount

from . import figures

Told = tuple[str, str]


def action(word: str) -> str:
    """'statement.paid' → 'Statement paid'."""
    return str(capfirst(word.replace(".", " ").replace("_", " ")))


def told(entry: Any) -> list[Told]:  # Any: AuditEntry
    """(what, value) in words; of before and after only what changed."""
    detail = dict(entry.detail)
    before, after = detail.pop("before", None), detail.pop("after", None)
    currency = str(detail.get("currency") or (entry.organization.currency if entry.organization else ""))
    said = [(_name(name), _value(name, value, currency)) for name, value in detail.items()]
    return [*said, *_changes(before, after, currency)]


def _changes(before: Any, after: Any, currency: str) -> Iterator[Told]:  # Any: JSON
    if before is None and isinstance(after, dict):  # made: what it was made as
        yield from ((_name(name), _value(name, value, currency)) for name, value in after.items() if value is not None)
        return
    if not isinstance(before, dict) or not isinstance(after, dict):
        before, after = {"": before}, {"": after}
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old != new:
            arrow = f"{_value(name, old, currency)} → {_value(name, new, currency)}"
            yield _name(name) or _("changed"), arrow


def _name(name: str) -> str:
    return name.removesuffix("_minor").removesuffix("_mwh").removesuffix("_id").replace("_", " ")


def _value(name: str, value: Any, currency: str) -> str:  # Any: JSON
    if value is None or value in ("", [], {}):
        return figures.NOTHING
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int) and name.endswith("_minor") and currency:
        return amount(value, currency)
    if isinstance(value, int) and name.endswith("_mwh"):
        return figures.kwh(value, 3)
    if isinstance(value, str):
        return _moment(value)
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{_name(key)} {_value(key, each, currency)}" for key, each in value.items())
    if isinstance(value, list):
        return "; ".join(_value(name, each, currency) for each in value)
    return str(value)


def _moment(value: str) -> str:
    """A stored moment as moments are written here; any other text as it is."""
    if len(value) < len("2026-11-29T01:00") or not value[:4].isdigit():
        return value
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return value
    return figures.at_zone(at) if at.tzinfo else value
