"""The first sheet of an XLSX file as rows of texts. No formula is computed: what the file last showed counts.

A workbook is a zip of XML (ECMA-376 part 1, 18.3): sizes are looked at before anything is unpacked, and XML with a
document type is refused, so that a small file cannot grow large in memory.
"""

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Final
from xml.etree.ElementTree import Element, ParseError, iterparse  # no document types: `_text` refuses them

MOST_BYTES: Final = 80_000_000  # unpacked, of one part
MOST_CELLS: Final = 1_200_000  # 30,000 rows of 30 columns are 900,000
MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATED: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
PLACE: Final = re.compile(r"([A-Z]{1,3})[0-9]+\Z")
DOCTYPE: Final = tuple("<!DOCTYPE".encode(way) for way in ("utf-8", "utf-16-le", "utf-16-be"))
ZIP: Final = b"PK\x03\x04"


class NoWorkbook(ValueError):
    """It cannot be read; the text says why, for people."""


def is_workbook(content: bytes) -> bool:
    return content.startswith(ZIP)


def first_sheet(content: bytes) -> Iterator[list[str]]:
    """Its rows, each as long as its last filled cell; empty rows are given, so that lines can be counted."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as parts:
            yield from _rows(parts)
    except (zipfile.BadZipFile, KeyError, ParseError, NotImplementedError, RuntimeError, EOFError) as error:
        raise NoWorkbook("this is no XLSX file that can be read") from error


def _rows(parts: zipfile.ZipFile) -> Iterator[list[str]]:
    shared = _shared(parts)
    line, cells = 0, 0
    for row in _elements(parts, _sheet_name(parts), "row"):
        number = int(row.get("r") or line + 1)
        while line + 1 < number and line < MOST_CELLS:
            line += 1
            yield []
        line = number
        found = _row(row, shared)
        cells += len(found) + 1
        if cells > MOST_CELLS:
            raise NoWorkbook("it has too many cells")
        yield found


def _elements(parts: zipfile.ZipFile, name: str, tag: str) -> Iterator[Element]:
    """Each element of this kind once it is complete; what was given is let go, so that a large sheet is never whole
    in memory as a tree.
    """
    for _event, element in iterparse(BytesIO(_text(parts, name))):  # noqa: S314 (without a document type no entities)
        if element.tag == f"{MAIN}{tag}":
            yield element
            element.clear()


def _text(parts: zipfile.ZipFile, name: str) -> bytes:
    info = parts.getinfo(name)
    if info.file_size > MOST_BYTES:
        raise NoWorkbook("it is too large when it is unpacked")
    with parts.open(info) as part:
        text = part.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES or any(word in text for word in DOCTYPE):
        raise NoWorkbook("it is too large, or holds what no spreadsheet writes")
    return text


def _sheet_name(parts: zipfile.ZipFile) -> str:
    """Of the first sheet, by the workbook's own list."""
    sheet = next(_elements(parts, "xl/workbook.xml", "sheet"), None)
    wanted = sheet.get(RELATED) if sheet is not None else None
    for _event, each in iterparse(BytesIO(_text(parts, "xl/_rels/workbook.xml.rels"))):  # noqa: S314 (as above)
        if each.get("Id") == wanted:
            target = (each.get("Target") or "").lstrip("/")
            return target if target.startswith("xl/") else f"xl/{target}"
    raise NoWorkbook("it has no sheet")


def _shared(parts: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in parts.namelist():
        return []
    return [_said(each) for each in _elements(parts, "xl/sharedStrings.xml", "si")]


def _said(element: Element) -> str:
    return "".join(part.text or "" for part in element.iter(f"{MAIN}t"))


def _row(row: Element, shared: list[str]) -> list[str]:
    found: list[str] = []
    for cell in row.iter(f"{MAIN}c"):
        place = PLACE.match(cell.get("r") or "")
        column = _column(place[1]) if place else len(found)
        found += [""] * (column - len(found))
        found.append(_value(cell, shared))
    return found


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _value(cell: Element, shared: list[str]) -> str:
    kind, value = cell.get("t", "n"), cell.findtext(f"{MAIN}v") or ""
    if kind == "inlineStr":
        return _said(cell)
    if kind == "s":
        return shared[int(value)] if value.isdecimal() and int(value) < len(shared) else ""
    if kind == "b":
        return "yes" if value == "1" else "no"
    return _plain(value) if kind == "n" else value


def _plain(value: str) -> str:
    """Numbers as people write them: 4.0 is 4, and 0.1 has not sixteen digits more."""
    if not value:
        return ""
    try:
        number = float(value)
    except ValueError:
        return value
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
