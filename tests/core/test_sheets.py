"""Files for spreadsheets, read as a spreadsheet reads them."""

import io
import tracemalloc
import zipfile
from decimal import Decimal
from xml.etree import ElementTree

from evcms.core import sheets


def cells(content):
    """Rows of (type, content) of a file's sheet, as its XML says: "inlineStr", "n"; formulas as "f"."""
    sheet = ElementTree.fromstring(zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml"))
    name = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    return [
        [("f" if each.find(f"{name}f") is not None else each.get("t", "n"), "".join(each.itertext())) for each in row]
        for row in sheet.iter(f"{name}row")
    ]


def test_texts_of_a_sheet_are_no_formulas_and_numbers_stay_numbers():
    rows = [["=1+1", -5, None, "a<b", "https://a.example", Decimal("10.90"), 10**15, " b"]]
    assert sheets.as_csv(["a"], rows).decode().splitlines()[1].startswith("'=1+1,-5,,")
    head, row = cells(sheets.xlsx(["a"], rows))
    assert head == [("inlineStr", "a")]
    assert row == [
        ("inlineStr", "=1+1"), ("n", "-5"), ("inlineStr", "a<b"), ("inlineStr", "https://a.example"), ("n", "10.90"),
        ("inlineStr", "1000000000000000"), ("inlineStr", " b"),
    ]  # fmt: skip


def test_a_sheet_is_well_formed_whatever_its_texts_hold():
    (text,) = cells(sheets.xlsx(["a\x07\x00\ufffe]]>"], []))[0]
    assert text[1].endswith("]]>")
    assert len(cells(sheets.xlsx(["x" * 40_000], []))[0][0][1]) == 32_767


def test_a_long_table_is_written_row_by_row():
    tracemalloc.start()
    content = sheets.xlsx(["number", "text"], ([number, f"row {number}"] for number in range(20_000)))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8_000_000
    assert len(cells(content)) == 20_001
