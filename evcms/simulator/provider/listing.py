"""List calls: filters, the `created` range, and paging by ids."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.store import Page

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

_RANGES = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
Condition = tuple[str, str, object]


def listed(
    call: "Call",
    kind: str,
    values: JsonObject,
    filters: dict[str, str],
    url: str,
    fixed: Iterable[Condition] = (),
) -> JsonObject:
    """One page of objects of a kind, as the API's list object."""
    limit = values.get("limit", 10)
    if not 1 <= limit <= 100:
        raise ApiError("Invalid limit: must be between 1 and 100.", param="limit", code="parameter_invalid_integer")
    where = [*fixed, *_created(values.get("created"))]
    where += [(filters[name], "=", values[name]) for name in filters if name in values]
    page = Page(limit + 1, _cursor(call, values, "starting_after"), _cursor(call, values, "ending_before"))
    rows = call.store.select(kind, where, page)
    extra = rows[limit:] if not page.before else rows[: max(len(rows) - limit, 0)]
    kept = rows[:limit] if not page.before else rows[len(extra) :]
    return list_object(kept, url, has_more=bool(extra))


def list_object(rows: list[JsonObject], url: str, *, has_more: bool = False) -> JsonObject:
    return {"object": "list", "data": rows, "has_more": has_more, "url": url}


def _cursor(call: "Call", values: JsonObject, name: str) -> str | None:
    identifier: str | None = values.get(name)
    if identifier and call.store.get(identifier) is None:
        raise ApiError(f"No such object: '{identifier}'", code="resource_missing", param=name)
    return identifier


def _created(wanted: int | dict[str, int] | None) -> list[Condition]:
    if wanted is None:
        return []
    if isinstance(wanted, int):
        return [("created", "=", wanted)]
    return [("created", _RANGES[name], value) for name, value in wanted.items()]
