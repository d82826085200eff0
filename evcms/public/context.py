"""What every template may ask for: whose installation this is, where a page names nobody."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from evcms.public import status


def house(request: HttpRequest) -> dict[str, object]:
    """`house_brand`: the one organization's name, empty among several. A query, when a page shows it."""
    return {"house_brand": SimpleLazyObject(lambda: status.house()[0])}
