"""Sites, stations and connectors from a table (CSV, XLSX): looked at first, then stored whole, or not at all.

The look does what the import does and takes it back, so that what it promises is what happens.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from evcms.core import audit
from evcms.core.access import Access, Permission
from stations import queries, table
from stations.models import Connector, Evse, Site, Station
from stations.table import Complaint, Row
from stations.vocabulary import Approval

from .configuration import CONNECTOR_FIELDS, SITE_FIELDS, STATION_FIELDS, check_site

MOST_COMPLAINTS = 200
T = TypeVar("T")


@dataclass
class ImportResult:
    """What an import makes and changes; `complaints` are why it would be refused, line by line."""

    rows: int = 0
    made: dict[str, int] = field(default_factory=lambda: {"sites": 0, "stations": 0, "connectors": 0})
    changed: dict[str, int] = field(default_factory=lambda: {"sites": 0, "stations": 0, "connectors": 0})
    complaints: list[Complaint] = field(default_factory=list)

    @property
    def nothing_to_do(self) -> bool:
        return not any(self.made.values()) and not any(self.changed.values())


class _TakeBack(Exception):
    """Leaves the transaction without its rows."""


def import_table(*, access: Access, content: bytes, dry_run: bool) -> ImportResult:
    """Reads the file and stores it, unless it is a dry run or has complaints: then nothing is stored.

    Existing rows (site by name, station by identity, connector by number) are changed where a cell says something else;
    empty cells leave them alone. Raises PermissionDenied; ValidationError when it is no such table.
    """
    access.demand(Permission.STATIONS)
    if not access.all_sites:
        raise PermissionDenied(_("Only members of all sites may import."))
    rows = list(table.read(content))
    if not rows:
        raise ValidationError(_("The file has no rows below its first line."))
    if len(rows) > table.MOST_ROWS:
        raise ValidationError(_("The file has more than %(most)d rows: split it.") % {"most": table.MOST_ROWS})
    importing = _Import(access, rows)
    try:
        with transaction.atomic():
            importing.run()
            if dry_run or importing.result.complaints:
                raise _TakeBack
            _audit(access, importing.result)
    except _TakeBack:
        pass
    except IntegrityError:
        raise ValidationError(_("Somebody else entered some of these just now: try again.")) from None
    return importing.result


def _audit(access: Access, result: ImportResult) -> None:
    audit.record(access, "stations.imported", rows=result.rows, made=result.made, changed=result.changed)


class _Import:
    """One run over the rows; what exists is read once."""

    def __init__(self, access: Access, rows: list[Row]) -> None:
        self.access, self.rows = access, rows
        self.result = ImportResult(rows=len(rows))
        self.sites = {site.name.casefold(): site for site in queries.visible_sites(access)}
        identities = {row.values["station"] for row in rows if "station" in row.values}
        self.stations = {station.identity: station for station in Station.objects.filter(identity__in=identities)}
        self.connectors = {
            (connector.station_id, connector.evse.number, connector.number): connector
            for connector in Connector.objects.filter(station__identity__in=identities).select_related("evse")
        }
        self.evses = {
            (evse.station_id, evse.number): evse for evse in Evse.objects.filter(station__identity__in=identities)
        }
        self.named: dict[tuple[str, str], int] = {}  # what → the line that named it with evse and connector

    def run(self) -> None:
        for row in self.rows:
            if len(self.result.complaints) >= MOST_COMPLAINTS:
                break
            self._line(row)

    def _line(self, row: Row) -> None:
        """A mistake in the site does not hide those in its station: a line tells all that is wrong with it."""
        site = self._guarded(row, lambda: self._site(row))
        before = len(self.result.complaints)
        station = self._guarded(row, lambda: self._station(row, site))
        if "evse" not in row.values:
            return
        if station:
            self._guarded(row, lambda: self._connector(row, station))
        elif len(self.result.complaints) > before and "station" in row.values:
            self._guarded(row, lambda: _raise(_values(row, ("evse", "connector", *table.CONNECTOR_COLUMNS))[1]))

    def _guarded(self, row: Row, step: Callable[[], T]) -> T | None:
        """One part of a line: stored, or its complaints."""
        try:
            return step()
        except ValidationError as error:
            known = _by_column(error)
            for column, sentences in known.items():
                name = "" if column == "__all__" else {"identity": "station", "name": "site"}.get(column, column)
                self.result.complaints += [Complaint(row.line, name, str(sentence)) for sentence in sentences]
            return None

    def _site(self, row: Row) -> Site:
        name = row.values.get("site")
        if not name:
            raise ValidationError({"site": [_("Each row names its site.")]})
        site = self.sites.get(name.casefold()) or Site(organization=self.access.organization, name=name)
        if site.archived_at:
            raise ValidationError({"site": [_("The site %(site)s is archived.") % {"site": site}]})
        if site.pk is None:
            missing = [column for column in ("latitude", "longitude") if column not in row.values]
            if missing:
                raise ValidationError({column: [_("A new site needs its coordinates.")] for column in missing})
        values, wrong = _values(row, table.SITE_COLUMNS)
        self._store("sites", site, values, SITE_FIELDS, lambda: check_site(site), wrong)
        self.sites[name.casefold()] = site
        return site

    def _station(self, row: Row, site: Site | None) -> Station | None:
        """`site`: None when the line's site is refused; then nothing is stored in the end."""
        identity = row.values.get("station")
        if not identity:
            if "evse" in row.values or "connector" in row.values:
                raise ValidationError({"station": [_("A connector needs its station.")]})
            return None
        known = self.stations.get(identity)
        station = known or Station(
            organization=self.access.organization, identity=identity, site=site, approval=Approval.ACCEPTED
        )
        if station.organization_id != self.access.organization.pk or station.archived_at:
            raise ValidationError({"station": [_("This identity is taken.")]})
        if station.approval != Approval.ACCEPTED:
            raise ValidationError({"station": [_("This station waits in quarantine: decide there first.")]})
        values, wrong = _values(row, table.STATION_COLUMNS)
        values["site"] = site
        if "station_name" in row.values:
            values["name"] = row.values["station_name"]
        self._store("stations", station, values, STATION_FIELDS, lambda: _check_fields(station), wrong)
        self.stations[identity] = station
        return station

    def _connector(self, row: Row, station: Station) -> None:
        values, wrong = _values(row, ("evse", "connector", *table.CONNECTOR_COLUMNS))
        if "evse" in wrong or "connector" in wrong:
            raise ValidationError(wrong)
        evse_number, number = int(str(values.pop("evse"))), int(str(values.pop("connector", 1)))
        self._once(row, (station.identity, f"{evse_number}.{number}"))
        if not (1 <= evse_number <= 999 and 1 <= number <= 99):
            raise ValidationError({"evse": [_("EVSEs are numbered 1 to 999, their connectors 1 to 99.")]})
        key = (station.pk, evse_number, number)
        connector = self.connectors.get(key) or Connector(station=station, number=number)
        if connector.pk is None:
            connector.evse = self._evse(station, evse_number)
        self._evse_id(connector.evse, values.pop("evse_id", None))
        if connector.archived_at:
            values["archived_at"] = None
        self._store(
            "connectors",
            connector,
            values,
            (*CONNECTOR_FIELDS, "archived_at"),
            lambda: _check_fields(connector),
            wrong,
        )
        self.connectors[key] = connector

    def _evse(self, station: Station, number: int) -> Evse:
        key = (station.pk, number)
        if key not in self.evses:
            self.evses[key] = Evse.objects.create(station=station, number=number)
        return self.evses[key]

    def _evse_id(self, evse: Evse, evse_id: object) -> None:
        if evse_id is not None and evse_id != evse.evse_id:
            evse.evse_id = str(evse_id)
            evse.clean_fields(exclude=["station"])
            evse.save(update_fields=["evse_id"])

    def _once(self, row: Row, key: tuple[str, str]) -> None:
        if key in self.named:
            text = _("This connector is on line %(line)d already.")
            raise ValidationError({"connector": [text % {"line": self.named[key]}]})
        self.named[key] = row.line

    def _store(
        self,
        kind: str,
        row: Any,
        values: dict[str, object],
        allowed: tuple[str, ...],
        check: Callable[[], None],
        wrong: dict[str, list[str]],
    ) -> None:
        """Saves a new row, or what differs of a known one. `wrong`: cells that were no values. Any: a Site, Station …

        Raises ValidationError with all that is wrong, by column; the row is then as it was.
        """
        changed = [name for name in values if name in allowed and getattr(row, name) != values[name]]
        if row.pk is not None and not changed:
            _raise(wrong)
            return
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
        if row.pk is None:
            row.save()
            self.result.made[kind] += 1
        else:
            row.save(update_fields=changed)
            self.result.changed[kind] += 1


def _check_fields(row: Station | Connector) -> None:
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


def _by_column(error: ValidationError) -> dict[str, list[str]]:
    return error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}


def _raise(wrong: dict[str, list[str]]) -> None:
    if wrong:
        raise ValidationError(wrong)
