"""The lines of a table of sites, stations and connectors, one by one: what each makes and changes, or what is wrong.

The same code looks and stores, so that what a look promises is what happens. A look writes nothing.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from evcms.core.access import Access
from stations import queries, table
from stations.models import Connector, Evse, ImportKind, Site, Station
from stations.table import Complaint, Row
from stations.vocabulary import Approval

from .availability import touch
from .configuration import CONNECTOR_FIELDS, SITE_FIELDS, STATION_FIELDS, check_site
from .tags import tags_named

MOST_COMPLAINTS: Final = 2_000
PORTION: Final = 500  # names in one statement
KINDS: Final = ("sites", "stations", "connectors")
LONGEST_WORD: Final = 200
CONNECTOR_CELLS: Final = ("evse", "connector", *table.CONNECTOR_COLUMNS)
STATION_CELLS: Final = ("station_name", *table.STATION_COLUMNS)
T = TypeVar("T")
Changes = dict[str, tuple[object, object]]  # column → before, after


@dataclass(frozen=True)
class Told:
    """What a line makes new (no `column`), or changes of what is there. `moves`: a station that goes elsewhere."""

    line: int
    kind: ImportKind
    name: str
    column: str = ""
    before: str = ""
    after: str = ""
    moves: bool = False


@dataclass
class ImportResult:
    """What lines make and change; `complaints` are why they would be refused."""

    made: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    changed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    complaints: list[Complaint] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)


class Lines:
    """These rows against what exists, which is read once. `keep`: they are stored, in the caller's transaction."""

    def __init__(self, access: Access, rows: Sequence[Row], *, keep: bool) -> None:
        self.access, self.keep = access, keep
        self.result = ImportResult()
        self.sites = _sites(access, rows)
        self.stations: dict[str, Station] = {}
        self.tags: dict[str, set[str]] = {}
        self.connectors: dict[tuple[str, int, int], Connector] = {}
        self.evses: dict[tuple[str, int], Evse] = {}
        for identities in _portions({row.values["station"] for row in rows if "station" in row.values}):
            stations = Station.objects.filter(identity__in=identities).select_related("site").prefetch_related("tags")
            self.stations |= {station.identity: station for station in stations}
            self.tags |= {
                identity: {tag.name.casefold() for tag in self.stations[identity].tags.all()}
                for identity in identities
                if identity in self.stations
            }
            evses = Evse.objects.filter(station__identity__in=identities).select_related("station")
            self.evses |= {(evse.station.identity, evse.number): evse for evse in evses}
            connectors = Connector.objects.filter(station__identity__in=identities).select_related("evse", "station")
            self.connectors |= {(row.station.identity, row.evse.number, row.number): row for row in connectors}
        self.named: dict[tuple[str, str], int] = {}  # what → the line that named it with evse and connector
        self.said: dict[tuple[str, str, str], tuple[int, object]] = {}  # (kind, name, column) → the line that said it

    def head(self, first: Row) -> None:
        """Names in the file's first line that are no columns: told beside what is wrong with the lines."""
        for name in first.unknown[:MOST_COMPLAINTS]:
            text = _("There is no column %(name)s; the import page lists those that are read.")
            told = Complaint(1, name[:40], text % {"name": name[:LONGEST_WORD] or "''"})
            self.result.complaints.append(told)

    def line(self, row: Row) -> None:
        """A mistake in the site does not hide those in its station: a line tells all that is wrong with it."""
        if row.surplus:
            text = _("This line has more cells than the first line has names.")
            self.result.complaints.append(Complaint(row.line, "", text))
        site = self._guarded(row, lambda: self._site(row), name="site")
        before = len(self.result.complaints)
        station = self._guarded(row, lambda: self._station(row, site), name="station_name")
        if row.values.keys().isdisjoint(CONNECTOR_CELLS):
            return
        if station:
            self._guarded(row, lambda: self._connector(row, station))
        elif len(self.result.complaints) > before:
            self._guarded(row, lambda: _raise(_mistakes_of_connector(row)))

    def _guarded(self, row: Row, step: Callable[[], T], *, name: str = "name") -> T | None:
        """One part of a line: stored, or its complaints. `name`: the column of what is called `name` there."""
        try:
            return step()
        except ValidationError as error:
            known = _by_column(error)
            for column, sentences in known.items():
                told = {"__all__": "", "identity": "station", "name": name}.get(column, column)
                self.result.complaints += [Complaint(row.line, told, str(sentence)) for sentence in sentences]
            return None

    def _site(self, row: Row) -> Site:
        name = row.values.get("site")
        if not name:
            raise ValidationError({"site": [_("Each row names its site.")]} | _mistakes(row, Site()))
        site = self.sites.get(name.casefold()) or Site(organization=self.access.organization, name=name)
        if site.archived_at:
            text = _("The site %(site)s is archived.") % {"site": site}
            raise ValidationError({"site": [text]} | _mistakes(row, Site()))
        known = name.casefold() in self.sites
        values, wrong = _values(row, table.SITE_COLUMNS)
        if not known:
            missing = [column for column in ("latitude", "longitude") if column not in row.values]
            wrong |= {column: [_("A new site needs its coordinates.")] for column in missing}
        self._contradictions(row, ImportKind.SITE, name.casefold(), values)
        changes = self._store("sites", site, known, values, SITE_FIELDS, lambda: check_site(site), wrong)
        self._tell(row, ImportKind.SITE, site.name, known, changes)
        self.sites[name.casefold()] = site
        return site

    def _station(self, row: Row, site: Site | None) -> Station | None:
        """`site`: None when the line's site is refused; then nothing is stored in the end."""
        identity = row.values.get("station")
        if not identity:
            _raise(_homeless(row))
            return None
        known = identity in self.stations
        station = self.stations.get(identity) or Station(
            organization=self.access.organization, identity=identity, site=site, approval=Approval.ACCEPTED
        )
        if station.organization_id != self.access.organization.pk or station.archived_at:
            raise ValidationError({"station": [_("This identity is taken.")]} | _mistakes(row, Station()))
        if station.approval != Approval.ACCEPTED:
            text = _("This station waits in quarantine: decide there first.")
            raise ValidationError({"station": [text]} | _mistakes(row, Station()))
        values, wrong = _values(row, table.STATION_COLUMNS)
        if site is not None:
            values["site"] = site
        if "station_name" in row.values:
            values["name"] = row.values["station_name"]
        self._contradictions(row, ImportKind.STATION, identity, values)
        tags = values.pop("tags", None)
        changes = self._store("stations", station, known, values, STATION_FIELDS, lambda: _check_fields(station), wrong)
        borne = sorted(self.tags.get(identity, set()))
        if isinstance(tags, list) and self._tag(station, tags):
            self.result.changed["stations"] += known and not changes
            changes["tags"] = (", ".join(borne), ", ".join(tags))
        self._tell(row, ImportKind.STATION, identity, known, changes)
        self.stations[identity] = station
        return station

    def _tag(self, station: Station, names: list[str]) -> bool:
        """False: it bears these already."""
        folded = {name.casefold() for name in names}
        if self.tags.get(station.identity, set()) == folded:
            return False
        if self.keep:
            station.tags.set(tags_named(self.access.organization, names))
        self.tags[station.identity] = folded
        return True

    def _connector(self, row: Row, station: Station) -> None:
        evse_number, number, wrong = _place(row)
        wrong = wrong or self._twice(row, (station.identity, f"{evse_number}.{number}"))
        wrong |= _mistakes_of_evse_id(row)
        if wrong:
            raise ValidationError(_mistakes_of_connector(row) | wrong)
        values, wrong = _values(row, table.CONNECTOR_COLUMNS)
        key = (station.identity, evse_number, number)
        connector = self.connectors.get(key) or Connector(station=station, number=number)
        known = key in self.connectors
        if not known:
            connector.evse = self._evse(station, evse_number)
        renamed = self._evse_id(connector.evse, values.pop("evse_id", None))
        if connector.archived_at:
            values["archived_at"] = None
            if self.keep:
                touch([station.pk], connector.archived_at)  # it was not in order while it was away
        changes = self._store(
            "connectors",
            connector,
            known,
            values,
            (*CONNECTOR_FIELDS, "archived_at"),
            lambda: _check_fields(connector),
            wrong,
        )
        changes |= renamed
        self.result.changed["connectors"] += bool(known and renamed and changes == renamed)
        if not known and "evse" not in row.values:
            changes = {"evse": ("", evse_number)}  # ours, not the file's: the person reads it before it is stored
        if known or "evse" not in row.values:
            self._tell(row, ImportKind.CONNECTOR, f"{station.identity} {evse_number}.{number}", True, changes)
        self.connectors[key] = connector

    def _evse(self, station: Station, number: int) -> Evse:
        key = (station.identity, number)
        if key not in self.evses:
            self.evses[key] = Evse(station=station, number=number)
            if self.keep:
                self.evses[key].save()
        return self.evses[key]

    def _evse_id(self, evse: Evse, evse_id: object) -> Changes:
        if evse_id is None or evse_id == evse.evse_id:
            return {}
        before, evse.evse_id = evse.evse_id, str(evse_id)
        if self.keep:
            evse.save(update_fields=["evse_id"])
        return {"evse_id": (before, evse_id)}

    def _contradictions(self, row: Row, kind: ImportKind, name: str, values: dict[str, object]) -> None:
        """What another line of this file says otherwise of the same site or station; a wrong cell is told beside it."""
        for column, value in values.items():
            line, said = self.said.setdefault((kind, name, column), (row.line, value))
            if said != value:
                words = {"line": line, "said": _word(said), "now": _word(value)}
                text = _("Line %(line)d says “%(said)s”, this one “%(now)s”: which is right?") % words
                told = "station_name" if column == "name" else column
                self.result.complaints.append(Complaint(row.line, told, text))

    def _tell(self, row: Row, kind: ImportKind, name: str, known: bool, changes: Changes) -> None:
        if not known:
            self.result.told.append(Told(row.line, kind, name))
            return
        for column, (before, after) in changes.items():
            moves = kind == ImportKind.STATION and column == "site"
            self.result.told.append(Told(row.line, kind, name, column, _word(before), _word(after), moves))

    def _twice(self, row: Row, key: tuple[str, str]) -> dict[str, list[str]]:
        line = self.named.setdefault(key, row.line)
        if line == row.line:
            return {}
        return {"connector": [_("This connector is on line %(line)d already.") % {"line": line}]}

    def _store(
        self,
        kind: str,
        row: Any,
        known: bool,
        values: dict[str, object],
        allowed: tuple[str, ...],
        check: Callable[[], None],
        wrong: dict[str, list[str]],
    ) -> Changes:
        """A new row, or what differs of a known one. `wrong`: cells that were no values. Any: a Site, Station …

        Raises ValidationError with all that is wrong, by column; the row is then as it was.
        """
        changed = [name for name in values if name in allowed and getattr(row, name) != values[name]]
        if known and not changed:
            _raise(wrong)
            return {}
        before = {name: getattr(row, name) for name in changed}
        try:
            for name in changed:
                setattr(row, name, values[name])
            check()
            _raise(wrong)
        except ValidationError as error:
            for name, value in before.items():
                setattr(row, name, value)
            raise ValidationError(_by_column(error) | wrong) from None
        counts = self.result.changed if known else self.result.made
        counts[kind] += 1
        if self.keep and known:
            row.save(update_fields=changed)
        elif self.keep:
            row.save()
        return {name: (before[name], values[name]) for name in changed}


def _word(value: object) -> str:
    """A cell's value for people."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)[:LONGEST_WORD]


def _check_fields(row: Station | Connector | Evse) -> None:
    """What needs no look at other rows: those were read at the beginning, and the database has the last word."""
    row.clean_fields(exclude=["organization", "site", "connection", "station", "evse", "code"])


def _values(row: Row, columns: tuple[str, ...]) -> tuple[dict[str, object], dict[str, list[str]]]:
    """The filled cells among these columns as their types, and what is wrong with the others, by column."""
    values: dict[str, object] = {}
    errors: dict[str, list[str]] = {}
    for column in columns:
        if column in row.values:
            try:
                values[column] = table.value_of(column, row.values[column])
            except ValidationError as error:
                errors[column] = error.messages
    return values, errors


def _mistakes(row: Row, of: Site | Station | Connector | Evse, columns: Sequence[str] = ()) -> dict[str, list[str]]:
    """What is wrong with the cells of a line that is refused anyway, by column. `of`: an empty row to try them on."""
    usual = table.SITE_COLUMNS if isinstance(of, Site) else table.STATION_COLUMNS
    values, wrong = _values(row, tuple(columns) or usual)
    if not values:
        return wrong
    for name in values.keys() - {"tags"}:
        setattr(of, name, values[name])
    try:
        check_site(of) if isinstance(of, Site) else _check_fields(of)
    except ValidationError as error:
        wrong = {name: texts for name, texts in error.message_dict.items() if name in values} | wrong
    return wrong


def _mistakes_of_connector(row: Row) -> dict[str, list[str]]:
    own = _mistakes(row, Connector(), table.CONNECTOR_COLUMNS[1:])
    return _place(row)[2] | _mistakes_of_evse_id(row) | own


def _mistakes_of_evse_id(row: Row) -> dict[str, list[str]]:
    return _mistakes(row, Evse(), ("evse_id",))


def _place(row: Row) -> tuple[int, int, dict[str, list[str]]]:
    """EVSE and connector, and what is wrong with them. Who names a connector alone counts as OCPP 1.6 does: connector n
    is EVSE n with one connector."""
    values, wrong = _values(row, ("evse", "connector"))
    if "evse" not in row.values and "connector" not in row.values:
        wrong["evse"] = [_("What is said of a connector needs the number of its EVSE.")]
    if wrong:
        return 0, 0, wrong
    number = int(str(values.get("connector", 1)))
    evse, number = (int(str(values["evse"])), number) if "evse" in values else (number, 1)
    if not (1 <= evse <= 999 and 1 <= number <= 99):
        told = "evse" if "evse" in values else "connector"
        wrong[told] = [_("EVSEs are numbered 1 to 999, their connectors 1 to 99.")]
    return evse, number, wrong


def _homeless(row: Row) -> dict[str, list[str]]:
    """Cells of a station or a connector on a line without a station: they would be lost."""
    if not row.values.keys().isdisjoint(CONNECTOR_CELLS):
        return {"station": [_("A connector needs its station.")]} | _mistakes(row, Station())
    if not row.values.keys().isdisjoint(STATION_CELLS):
        return {"station": [_("What is said of a station needs its identity.")]} | _mistakes(row, Station())
    return {}


def _by_column(error: ValidationError) -> dict[str, list[str]]:
    return error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}


def _raise(wrong: dict[str, list[str]]) -> None:
    if wrong:
        raise ValidationError(wrong)


def _sites(access: Access, rows: Sequence[Row]) -> dict[str, Site]:
    """Those that the rows name, whatever their case: a network may have thousands."""
    wanted = {row.values["site"].casefold() for row in rows if "site" in row.values}
    names = queries.visible_sites(access).order_by().values_list("pk", "name")
    keys = [pk for pk, name in names if name.casefold() in wanted]
    found = (Site.objects.filter(pk__in=some) for some in _portions(keys))
    return {site.name.casefold(): site for sites in found for site in sites}


def _portions(values: Collection[Any]) -> Iterator[list[Any]]:
    """Any: keys of rows."""
    every = list(values)
    return (every[start : start + PORTION] for start in range(0, len(every), PORTION))
