"""Lists, page by page."""

from datetime import datetime
from typing import Any

MOST = 100  # of one page (docs.stripe.com/api/pagination)


def period(since: datetime | None, until: datetime | None) -> Any:
    """[since, until) of the object's making, as all lists take it. Any: each list has a type of its own for it."""
    asked = {}
    if since:
        asked["gte"] = int(since.timestamp())
    if until:
        asked["lt"] = int(until.timestamp())
    return asked
