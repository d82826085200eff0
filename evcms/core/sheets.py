"""Tables for spreadsheets: CSV, and XLSX of one sheet. Numbers stay numbers, no text becomes a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain
from typing import Final

from django.http import HttpResponse

from . import clock
from .text import cell

CSV_TYPE: Final = "text/csv; charset=utf-8"
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_SIGNS: Final = 32_767  # in one cell, Excel's limit; the rest is cut off
Row = Sequence[object]


def answer(kind: str, name: str, columns: Sequence[str], rows: Iterable[Row]) -> HttpResponse:
    """A download of `kind` csv or xlsx; `name` without its ending."""
    xlsx_wanted = kind == "xlsx"
    content = xlsx(columns, rows) if xlsx_wanted else as_csv(columns, rows)
    response = HttpResponse(content, content_type=XLSX_TYPE if xlsx_wanted else CSV_TYPE)
    response["Content-Disposition"] = f'attachment; filename="{name}.{"xlsx" if xlsx_wanted else "csv"}"'
    return response


def as_csv(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([value if _number(value) else cell(_text(value)) for value in row] for row in rows)
    return text.getvalue().encode()


def xlsx(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """Texts are written as strings, which no program takes for formulas or links. One row at a time is in memory."""
    import xlsxwriter  # a tenth of a second: only who writes a sheet loads it

    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"constant_memory": True}) as book:
        book.set_properties({"created": clock.now()})
        sheet = book.add_worksheet()
        for number, row in enumerate(chain([columns], rows)):
            for column, value in enumerate(row):
                if _number(value):
                    sheet.write_number(number, column, value)
                elif text := _text(value):
                    sheet.write_string(number, column, text[:MOST_SIGNS])
    return target.getvalue()


def _number(value: object) -> bool:
    """Large integers lose digits in a spreadsheet's floats: beyond 15 digits they are text."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and len(str(value)) <= 15


def _text(value: object) -> str:
    return "" if value is None else str(value)
