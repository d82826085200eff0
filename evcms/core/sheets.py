"""Tables for spreadsheets: CSV, and XLSX (ECMA-376) of one sheet. Numbers stay numbers, no text becomes a formula."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final
from xml.sax.saxutils import escape

from django.http import HttpResponse

from .text import cell

CSV_TYPE: Final = "text/csv; charset=utf-8"
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # XML 1.0 has no sign for them
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_SHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS: Final = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SHEET}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
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
    """Texts are inline strings, which no program takes for formulas."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in _PARTS.items():
            package.writestr(name, _HEAD + content)
        with package.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for piece in _lines(columns, rows):
                sheet.write(piece.encode())
            sheet.write(b"</sheetData></worksheet>")
    return target.getvalue()


def _lines(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    yield f"<row>{''.join(_cell(name) for name in columns)}</row>"
    for row in rows:
        yield f"<row>{''.join(_cell(value) for value in row)}</row>"


def _cell(value: object) -> str:
    if _number(value):
        return f"<c><v>{value}</v></c>"
    text = escape(_FORBIDDEN.sub("", _text(value)))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>' if text else "<c/>"


def _number(value: object) -> bool:
    """Large integers lose digits in a spreadsheet's floats: beyond 15 digits they are text."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and len(str(value)) <= 15


def _text(value: object) -> str:
    return "" if value is None else str(value)
