"""`?sort=` of lists: only what a list offers, with the key at the end so that pages never overlap."""

from collections.abc import Mapping
from typing import TypeVar

from django.core.exceptions import FieldDoesNotExist
from django.core.paginator import Page
from django.db.models import F, Model, QuerySet
from django.http import HttpRequest

from evcms.core import paging

M = TypeVar("M", bound=Model)
ROWS = 50


def ordered(request: HttpRequest, rows: QuerySet[M], fields: Mapping[str, str], usual: str) -> QuerySet[M]:
    """`fields`: what the address may say → column. Empty values come last either way."""
    asked = request.GET.get("sort", usual)
    if asked.removeprefix("-") not in fields:
        asked = usual
    name = fields[asked.removeprefix("-")]
    falling, last = asked.startswith("-"), True if _nullable(rows, name) else None
    by = F(name).desc(nulls_last=last) if falling else F(name).asc(nulls_last=last)
    return rows.order_by(by, "-pk" if falling else "pk")


def _nullable(rows: QuerySet[M], name: str) -> bool:
    """May it be empty? Where it may not, nothing is said of empty ones: PostgreSQL then takes its index."""
    try:
        return bool(getattr(rows.model._meta.get_field(name), "null", True))
    except FieldDoesNotExist:  # an annotation, or a column of another table
        return True


def paged(request: HttpRequest, rows: QuerySet[M], *, sparse: bool = False) -> Page[M]:
    return paging.paged(rows, ROWS, request.GET.get("page"), sparse=sparse)
