"""XLSX in: the same table as CSV, from whichever program, and nothing that grows or asks in secret."""

import io
import re
import zipfile

import pytest
from django.urls import reverse

from evcms.core import sheets, workbook
from stations import queries, table
from stations.models import Connector, Station
from tests.dashboard.conftest import browser

from .test_import import brought, complaints, load, nothing_to_do

pytestmark = pytest.mark.django_db
HEAD = ["site", "latitude", "longitude", "station", "evse", "max_power_w", "cable"]


def book(*rows, head=HEAD):
    return sheets.xlsx(head, rows)


def test_numbers_texts_and_flags_arrive_as_a_csv_would_say_them(owner):
    run = load(owner, book(["Kade", "52.5", "4.25", "A-1", 1, 22000, "yes"], ["Kade", "", "", "A-1", 2, 11000, "no"]))
    assert run.state == "done"
    assert list(Connector.objects.values_list("max_power_w", "cable")) == [(22000, True), (11000, False)]
    assert Station.objects.get().site.longitude == 4.25


def test_an_error_says_the_line_that_the_spreadsheet_shows(owner):
    wrong = ["Kade", "", "", "A-1", 2, "much", ""]
    assert complaints(owner, book(["Kade", "52.5", "4.25", "A-1", 1, 22000, "yes"], wrong)) == [(3, "max_power_w")]
    assert not Station.objects.exists()


def test_an_export_read_again_changes_nothing(owner, site, station):
    content = browser(owner).get(reverse("station-export") + "?as=xlsx").content
    assert nothing_to_do(load(owner, content))


FORMATS = "http://schemas.openxmlformats.org"
MAIN, LINKS = f"{FORMATS}/spreadsheetml/2006/main", f"{FORMATS}/officeDocument/2006/relationships"
FILES = {
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets><sheet r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<links><link Id="r1" Target="worksheets/sheet1.xml"/></links>',
    "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>site'
    '</t></is></c></row><row r="3"><c r="C3"><v>0.1</v></c><c r="D3" t="b"><v>1</v></c><c r="E3"><v>4.0</v></c></row>'
    "</sheetData></worksheet>",
}


def parts(**more):
    """A workbook by hand: numbers with places, gaps, inline texts."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in (FILES | more).items():
            out.writestr(name, text)
    return target.getvalue()


def test_gaps_keep_their_places():
    assert list(workbook.first_sheet(parts())) == [["site"], [], ["", "", "0.1", "yes", "4"]]


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 and no more",
        parts(**{"xl/worksheets/sheet1.xml": "<!DOCTYPE x [<!ENTITY a 'b'>]><worksheet>&a;</worksheet>"}),
        parts(**{"xl/worksheets/sheet1.xml": "<worksheet>" + " " * 81_000_000 + "</worksheet>"}),
        parts(**{"xl/workbook.xml": "<workbook/>"}),
        parts(**{"xl/worksheets/sheet1.xml": "<worksheet><"}),
    ],
    ids=["no zip", "entities", "grows", "no sheet", "no xml"],
)
def test_what_is_hostile_or_broken_is_refused_with_a_sentence(owner, content):
    run = brought(owner, content)
    assert run.state == "wrong"
    assert re.search(r"workbook|column", run.error)


def test_rows_are_the_same_as_of_the_csv(owner, site, station):
    rows = queries.visible_sites(owner), queries.stations(owner), queries.connectors(owner)
    text = "".join(table.write(*rows))
    assert len(text.splitlines()) == len(list(table.cells(*rows))) + 1
