"""Lists as files: what the filter shows, all of it, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.http import HttpRequest, HttpResponse

from evcms.core import money
from evcms.core.text import cell


def wanted(request: HttpRequest) -> bool:
    return request.GET.get("export") == "csv"


def as_csv(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """Numbers stay numbers, texts are kept from being formulas (`core.text.cell`), times are UTC."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(response)
    writer.writerow(columns)
    writer.writerows([_value(value) for value in row] for row in rows)
    return response


def _value(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")  # the ORM gives UTC
    return value if isinstance(value, int | Decimal) else cell(value)


def kwh(milliwatt_hours: int | None) -> Decimal | None:
    return None if milliwatt_hours is None else Decimal(milliwatt_hours).scaleb(-6)


def major(minor: int | None, currency: str) -> Decimal | None:
    return None if minor is None else money.to_major(minor, currency)
