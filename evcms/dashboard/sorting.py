"""`?sort=` of lists: only what a list offers, with the key at the end so that pages never overlap."""

from collections.abc import Mapping
from typing import TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import F, Model, QuerySet
from django.http import HttpRequest

M = TypeVar("M", bound=Model)
ROWS = 50


def ordered(request: HttpRequest, rows: QuerySet[M], fields: Mapping[str, str], usual: str) -> QuerySet[M]:
    """`fields`: what the address may say → column. Empty values come last either way."""
    asked = request.GET.get("sort", usual)
    if asked.removeprefix("-") not in fields:
        asked = usual
    column = F(fields[asked.removeprefix("-")])
    falling = asked.startswith("-")
    by = column.desc(nulls_last=True) if falling else column.asc(nulls_last=True)
    return rows.order_by(by, "-pk" if falling else "pk")


def paged(request: HttpRequest, rows: QuerySet[M]) -> Page[M]:
    return Paginator(rows, ROWS).get_page(request.GET.get("page"))
