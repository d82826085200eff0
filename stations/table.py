"""The table of sites, stations and connectors (CSV, or an XLSX file's first sheet): one row a connector.

Read and written here; stored by services.

A row without `station` is a site alone, one without `evse` a station alone. Repeated values may be left empty after the
first row of a site or a station.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from evcms.core import textfile, workbook
from evcms.core.text import cell
from evcms.core.textfile import Decoded
from stations import tagging
from stations.models import Connector, PlugType, PowerType, Site, Station

SITE_COLUMNS: Final = (
    "address",
    "postal_code",
    "city",
    "country",
    "latitude",
    "longitude",
    "time_zone",
    "grid_limit_w",
    "opening_hours",
    "access_notes",
    "accessible",
    "public",
)
STATION_COLUMNS: Final = ("security_profile", "vendor", "model", "serial_number", "heartbeat_interval", "tags")
CONNECTOR_COLUMNS: Final = ("evse_id", "plug", "power_type", "cable", "max_power_w")
COLUMNS: Final = (
    "site",
    *SITE_COLUMNS,
    "station",
    "station_name",
    *STATION_COLUMNS,
    "evse",
    "connector",
    *CONNECTOR_COLUMNS,
)
OTHER_NAMES: Final = {  # how others call them, in small letters, with "_" for what parts words
    "lat": "latitude",
    "lon": "longitude",
    "lng": "longitude",
    "long": "longitude",
    "zip": "postal_code",
    "zip_code": "postal_code",
    "postcode": "postal_code",
    "post_code": "postal_code",
    "street": "address",
    "town": "city",
    "country_code": "country",
    "timezone": "time_zone",
    "site_name": "site",
    "station_identity": "station",
    "station_id": "station",
    "serial": "serial_number",
    "tag": "tags",
    "evse_number": "evse",
    "connector_number": "connector",
    "plug_type": "plug",
    "connector_type": "plug",
}
FLAGS: Final = {"accessible", "public", "cable"}
WHOLE: Final = {"grid_limit_w", "security_profile", "heartbeat_interval", "evse", "connector", "max_power_w"}
CHOICES: Final = {"plug": PlugType.values, "power_type": PowerType.values}
TRUE, FALSE = ("yes", "true", "1", "y", "x"), ("no", "false", "0", "n")
MOST_BYTES: Final = 16_000_000  # 30,000 rows with every cell filled are 9 MB
MOST_ROWS: Final = 30_000  # a network of 10,000 stations has 20,000
MOST_DIGITS: Final = 9
LONGEST_CELL: Final = 2_000
RISKY: Final = ("=", "+", "-", "@")  # a spreadsheet takes such a cell for a formula


@dataclass(frozen=True)
class Row:
    """One line of the file; `values` holds only the cells that are not empty."""

    line: int
    values: dict[str, str]
    surplus: bool = False  # more filled cells than there are columns
    unknown: tuple[str, ...] = ()  # the first line's names that are no columns: the file's, told once


@dataclass(frozen=True)
class Complaint:
    line: int
    column: str
    text: str


def decode(content: bytes) -> Decoded:
    """The file's text and how its letters were written. Raises ValidationError with a sentence."""
    if len(content) > MOST_BYTES:
        raise ValidationError(_("The file is larger than %(most)d MB.") % {"most": MOST_BYTES // 1_000_000})
    try:
        found = textfile.decode(content)
    except ValueError:
        text = _("The file is neither UTF-8, UTF-16 nor Windows-1252: save it as 'CSV UTF-8', or as XLSX.")
        raise ValidationError(text) from None
    if "\0" in found.text:
        raise ValidationError(_("The file holds null characters; it is no CSV file."))
    return found


def read(content: bytes) -> Iterator[Row]:
    """The filled lines of a CSV or XLSX file. Raises ValidationError for what is neither."""
    if not workbook.is_workbook(content):
        return rows(decode(content).text)
    if len(content) > MOST_BYTES:
        raise ValidationError(_("The file is larger than %(most)d MB.") % {"most": MOST_BYTES // 1_000_000})
    return _sheet(content)


def _sheet(content: bytes) -> Iterator[Row]:
    try:
        lines = enumerate(workbook.first_sheet(content), start=1)
        _number, head = next(lines, (1, []))
        while head and not head[-1].strip():
            head.pop()
        columns, unknown = _columns(head)
        for line, cells in lines:
            if any(each.strip() for each in cells):
                yield _row(line, columns, unknown, cells)
    except workbook.NoWorkbook as error:
        raise ValidationError(_("The workbook cannot be read: %(why)s.") % {"why": error}) from None


def rows(text: str) -> Iterator[Row]:
    """The filled lines. Raises ValidationError for a file whose shape is wrong; separators may be , ; or tab."""
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns, unknown = _columns(next(reader, []))
        for cells in reader:
            if any(each.strip() for each in cells):
                yield _row(reader.line_num, columns, unknown, cells)
    except csv.Error as error:
        text = _("Line %(line)d is no CSV: %(error)s.")
        raise ValidationError(text % {"line": reader.line_num, "error": error}) from None


def column_of(name: str) -> str:
    """The column that a first line means: "Postal Code", "postal-code", "postalCode" and "ZIP" are postal_code."""
    spread = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    plain = re.sub(r"[\s_.-]+", "_", spread.lower()).strip("_")
    return OTHER_NAMES.get(plain, plain)


def _columns(head: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """All, and those that are none of ours. Raises ValidationError for what is no such table."""
    columns = [column_of(name) for name in head]
    unknown = tuple(dict.fromkeys(name for name in columns if name not in COLUMNS))
    if "identity" in unknown:  # what the list of stations exports: where each stands now, not how it is set up
        raise ValidationError(
            _("This is the list's export, which is not to be read back: take “What is here, in the same shape”.")
        )
    known = [name for name in columns if name in COLUMNS]
    if "site" not in known or len(set(known)) != len(known):
        shape = _("The first line must name each column once, 'site' among them.")
        raise ValidationError([shape, *([_no_column(unknown)] if unknown else [])])
    return columns, unknown


def _no_column(names: Iterable[str]) -> str:
    told = {"name": ", ".join(name or "''" for name in names)[:200], "all": ", ".join(COLUMNS)}
    return _("There is no column %(name)s; there are: %(all)s.") % told


def _row(line: int, columns: list[str], unknown: tuple[str, ...], cells: list[str]) -> Row:
    surplus = any(each.strip() for each in cells[len(columns) :])
    pairs = zip(columns, cells, strict=False)
    values = {name: _plain(each) for name, each in pairs if each.strip() and name not in unknown}
    return Row(line, values, surplus, unknown)


def _plain(text: str) -> str:
    """Without the apostrophe that our own export puts before what a spreadsheet would take for a formula."""
    text = text.strip()[:LONGEST_CELL]
    return text[1:] if text[:1] == "'" and text[1:2] in RISKY else text


def value_of(column: str, text: str) -> object:
    """A cell as its field's type. Raises ValidationError with a sentence."""
    if column == "tags":
        return [] if text.lower() == tagging.NOTHING else tagging.read(text)
    if column in FLAGS:
        if text.lower() not in TRUE + FALSE:
            raise ValidationError(_("%(text)s is neither yes nor no.") % {"text": text})
        return text.lower() in TRUE
    if column in CHOICES and text not in CHOICES[column]:
        raise ValidationError(_("%(text)s is none of: %(all)s.") % {"text": text, "all": ", ".join(CHOICES[column])})
    if column in WHOLE:
        return _whole(text)
    if column in ("latitude", "longitude"):
        try:
            return float(text.replace(",", "."))
        except ValueError:
            raise ValidationError(_("%(text)s is no coordinate such as 52.0907.") % {"text": text}) from None
    return text


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise ValidationError(_("%(text)s is no whole number.") % {"text": text})
    if len(text.lstrip("+-0")) > MOST_DIGITS:
        raise ValidationError(_("%(text)s is too large.") % {"text": text[:60]})
    if int(text) < 0:
        raise ValidationError(_("%(text)s is below 0.") % {"text": text})
    return int(text)


# Writing ----------------------------------------------------------------------------------------------


def cells(
    sites: Iterable[Site], stations: Iterable[Station], connectors: Iterable[Connector]
) -> Iterator[list[object]]:
    """The rows of the same table, without its first line."""
    by_station: dict[int, list[Connector]] = {}
    for connector in connectors:
        by_station.setdefault(connector.station_id, []).append(connector)
    by_site: dict[int | None, list[Station]] = {}
    for station in stations:
        by_site.setdefault(station.site_id, []).append(station)
    for site in sites:
        own = by_site.get(site.pk, [])
        if not own:
            yield _cells(site, None, None)
        for station in own:
            ports: list[Connector | None] = [*by_station.get(station.pk, [])]
            for each in ports or [None]:
                yield _cells(site, station, each)


def write(sites: Iterable[Site], stations: Iterable[Station], connectors: Iterable[Connector]) -> Iterator[str]:
    """Its lines as CSV, formulas made harmless."""
    yield _line(COLUMNS)
    for row in cells(sites, stations, connectors):
        yield _line(row)


def _cells(site: Site, station: Station | None, connector: Connector | None) -> list[object]:
    values: list[object] = [site.name, *(getattr(site, name) for name in SITE_COLUMNS)]
    if station is None:
        return values
    values += [station.identity, station.name, *(getattr(station, name) for name in STATION_COLUMNS[:-1])]
    values.append(tagging.written(station))
    if connector is None:
        return values
    values += [connector.evse.number, connector.number, connector.evse.evse_id]
    return values + [getattr(connector, name) for name in CONNECTOR_COLUMNS[1:]]


def _line(values: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_text(value) for value in values])
    return out.getvalue()


def _text(value: object) -> str:
    """Numbers stay numbers: a longitude of -0.12 is no formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int | float) else str(cell(str(value)))
