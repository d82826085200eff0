"""Lists as files: what the filter shows, all of it, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain, islice

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from evcms.core import money, sheets
from evcms.core.text import cell

PIECE = 500  # rows


def wanted(request: HttpRequest) -> bool:
    return request.GET.get("export") == "csv"


def any_wanted(request: HttpRequest) -> bool:
    return request.GET.get("export") in ("csv", "xlsx")


def answer(
    request: HttpRequest, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> HttpResponseBase:
    """As the address asks: CSV, or XLSX. For lists of thousands, not of millions: a workbook is written whole."""
    if request.GET.get("export") == "xlsx":
        return sheets.answer("xlsx", name, columns, ([_shown(value) for value in row] for row in rows))
    return as_csv(request, name, columns, rows)


def as_csv(
    request: HttpRequest, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """Numbers stay numbers, texts are kept from being formulas (`core.text.cell`), times are UTC.

    It is sent while it is read: a long list begins at once and never stands in memory whole.
    """
    pieces = _pieces(chain([columns], rows))
    content = _awaited(pieces) if isinstance(request, ASGIRequest) else pieces
    response = StreamingHttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _pieces(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    source = iter(rows)
    while some := list(islice(source, PIECE)):
        text = io.StringIO()
        csv.writer(text).writerows([_value(value) for value in row] for row in some)
        yield text.getvalue()


async def _awaited(pieces: Iterator[str]) -> AsyncIterator[str]:
    """Each piece is read in the request's own thread, where its database connection is."""
    while piece := await sync_to_async(lambda: next(pieces, ""))():
        yield piece


def _value(value: object) -> object:
    shown = _shown(value)
    return cell(shown) if isinstance(shown, str) else shown


def _shown(value: object) -> object:
    """Numbers as they are, everything else as text."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")  # the ORM gives UTC
    return value if isinstance(value, int | Decimal) else "" if value is None else str(value)


def kwh(milliwatt_hours: int | None) -> Decimal | None:
    return None if milliwatt_hours is None else Decimal(milliwatt_hours).scaleb(-6)


def major(minor: int | None, currency: str) -> Decimal | None:
    return None if minor is None else money.to_major(minor, currency)
