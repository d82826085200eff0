"""Pages of lists that may be very long: counted up to MOST, and no further than that can anybody turn."""

from functools import cached_property
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

MOST: Final = 10_000  # rows that are counted and paged through; beyond it a filter finds quicker
FAR: Final = 1_000  # rows passed over


class Pages(Paginator):
    """`count` is at most MOST; `more`: there are more than that.

    `sparse`: what is asked for may be rare. Its keys are then asked for all at once and unsorted, for a database that
    is asked for the newest few looks through all rows by time.
    """

    def __init__(self, rows: Any, size: int, *, sparse: bool = False) -> None:
        """Any: a queryset of some model."""
        super().__init__(rows, size)
        self.sparse = sparse

    @cached_property
    def _known(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[: MOST + 1].count()
        return len(rows)

    @cached_property
    def count(self) -> int:
        return min(self._known, MOST)

    @property
    def more(self) -> bool:
        return self._known > MOST

    def page(self, number: int | str) -> Page[Any]:
        """Far behind, the page's keys come first: nothing is joined to the rows that are passed over."""
        number = self.validate_number(number)
        begin, rows = (number - 1) * self.per_page, self.object_list
        rare = self.sparse and not self.more
        if not isinstance(rows, QuerySet) or not (rare or begin >= FAR):
            return super().page(number)
        found = rows.filter(pk__in=list(rows.order_by().values_list("pk", flat=True))) if rare else rows
        keys = list(found.values_list("pk", flat=True)[begin : min(begin + self.per_page, self.count)])
        return Page(rows.filter(pk__in=keys), number, self)


def paged(rows: Any, size: int, number: str | None, *, sparse: bool = False) -> Page[Any]:
    """Any: a queryset of some model."""
    return Pages(rows, size, sparse=sparse).get_page(number)
