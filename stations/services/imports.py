"""Tables of sites, stations and connectors (CSV, XLSX): staged as a row, checked line by line, stored in lots.

A worker does both under a lease (`due_at`): a lot and how far the run is are one transaction, which begins by renewing
the lease. A worker that was killed, or another one that took the run over, therefore leaves no lot half and does none
twice. Storing begins only when every line is good; a line that became wrong since then (somebody else entered it) stops
the run there.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from evcms.core import audit, clock, events, textfile, workbook
from evcms.core.access import Access, Permission
from stations import table
from stations.models import IMPORT_MOVES, ImportChange, ImportFault, ImportRun, ImportState
from stations.table import Complaint, Row

from .acting import acting
from .import_lines import MOST_COMPLAINTS, Lines, Told

log = structlog.get_logger(__name__)

LOT: Final = 100  # rows in a transaction: some tenths of a second in which nobody else writes a SQLite file
LOOKED: Final = 500  # rows between two words of how far the check is
LEASE: Final = timedelta(minutes=6)  # longer than a task may last
LONGEST_PASS: Final = timedelta(seconds=90)
LOOK_AGAIN: Final = timedelta(seconds=5)
MOST_TOLD: Final = 5_000  # changed cells
MOST_TRIES: Final = 3  # without coming further
WAITS_FOR: Final = timedelta(days=1)  # a checked file that nobody stores
KEPT_FOR: Final = timedelta(days=90)
BUSY: Final = (ImportState.CHECKING, ImportState.STORING)


class _Lost(Exception):
    """Another worker has the run, or somebody cancelled it."""


# What a person does -------------------------------------------------------------------------------------------


def stage_import(*, access: Access, name: str, content: bytes) -> ImportRun:
    """The file waits for its check; an earlier one of the same member that he has not stored gives way.

    Raises PermissionDenied; ValidationError for a file that is empty or too large.
    """
    _demand(access)
    if not content:
        raise ValidationError({"file": [_("The file is empty.")]})
    if len(content) > table.MOST_BYTES:
        most = table.MOST_BYTES // 1_000_000
        raise ValidationError({"file": [_("The file is larger than %(most)d MB.") % {"most": most}]})
    with transaction.atomic():
        waiting = (ImportState.CHECKING, ImportState.CHECKED)
        for earlier in ImportRun.objects.filter(membership=access.membership, state__in=waiting):
            _move(earlier, ImportState.CANCELLED)
        run = ImportRun.objects.create(
            organization=access.organization, membership=access.membership, actor=access.actor,
            name=name.strip()[-120:] or "table", content=content,
        )  # fmt: skip
        events.nudge("stations.run_imports")
    return run


def confirm_import(*, access: Access, run: ImportRun) -> ImportRun:
    """Store what was checked. Twice is once."""
    _demand(access)
    _see(access, run)
    with transaction.atomic():
        now, zero = clock.now(), {"done": 0, "made": {}, "changed": {}, "tries": 0}
        confirmed = {"membership": access.membership, "actor": access.actor, "confirmed_at": now}
        if _move(run, ImportState.STORING, due_at=now, **confirmed, **zero):
            audit.record(access, "import.confirmed", run, file=run.name, rows=run.rows)
            events.nudge("stations.run_imports")
    return run


def cancel_import(*, access: Access, run: ImportRun) -> ImportRun:
    """What is stored stays stored; the rest is not."""
    _demand(access)
    _see(access, run)
    with transaction.atomic():
        if _move(run, ImportState.CANCELLED) and run.confirmed_at:
            audit.record(access, "import.cancelled", run, file=run.name, **_told(run))
    return run


def _demand(access: Access) -> None:
    access.demand(Permission.STATIONS)
    if not access.all_sites:
        raise PermissionDenied(_("Only members of all sites may import."))


def _see(access: Access, run: ImportRun) -> None:
    if run.organization_id != access.organization.pk:
        raise PermissionDenied(_("There is no such import."))


def _move(run: ImportRun, to: ImportState, **fields: Any) -> bool:
    """Any: the row's fields. False: it stood elsewhere already. Over: the file is let go."""
    if not IMPORT_MOVES[to]:
        fields |= {"content": b"", "due_at": None, "finished_at": clock.now()}
    origins = [state for state, targets in IMPORT_MOVES.items() if to in targets]
    moved = ImportRun.objects.filter(pk=run.pk, state__in=origins).update(state=to, **fields)
    run.refresh_from_db()
    return moved == 1


def _told(run: ImportRun) -> dict[str, Any]:
    """For the audit log. Any: JSON."""
    return {"rows": run.done, "made": run.made, "changed": run.changed}


# The work -----------------------------------------------------------------------------------------------------


def run_imports() -> int:
    """Every run that is due, a pass further; returns how many rows were checked or stored."""
    worked, until = 0, clock.now() + LONGEST_PASS
    due = ImportRun.objects.filter(due_at__lte=clock.now()).order_by("due_at").values_list("pk", "due_at", "tries")
    for pk, due_at, tries in list(due):
        lease = clock.now() + LEASE
        free = ImportRun.objects.filter(pk=pk, due_at=due_at)
        if clock.now() < until and free.update(due_at=lease, tries=tries + 1):
            rows = ImportRun.objects.select_related("organization", "membership__user")
            worked += _pass(rows.get(pk=pk), until)
    return worked


def _pass(run: ImportRun, until: datetime) -> int:
    """One run, as far as the time goes."""
    before = run.done
    try:
        if run.tries > MOST_TRIES:
            _end(run, ImportState.STOPPED, _("It was tried %(n)d times and came no further.") % {"n": MOST_TRIES})
        elif run.state == ImportState.CHECKING:
            _check(run)
        else:
            _store(run, until)
    except _Lost:
        pass
    except DatabaseError as error:  # somebody else wrote the same at the same time: again, with fresh rows
        log.warning("import disturbed", run=str(run.pk), error=str(error)[:300])
        ImportRun.objects.filter(pk=run.pk, due_at=run.due_at).update(due_at=clock.now() + LOOK_AGAIN)
    except PermissionDenied as refused:
        _end(run, ImportState.STOPPED, str(refused))
    except Exception as error:
        log.exception("import failed", run=str(run.pk))
        _end(run, ImportState.STOPPED, f"{type(error).__name__}: {error}")
    return max(0, run.done - before)


def _rows(run: ImportRun) -> list[Row]:
    """Raises ValidationError for what is no such table."""
    rows = list(table.read(bytes(run.content)))
    if not rows:
        raise ValidationError(_("The file has no rows below its first line."))
    if len(rows) > table.MOST_ROWS:
        raise ValidationError(_("The file has more than %(most)d rows: split it.") % {"most": table.MOST_ROWS})
    return rows


def _check(run: ImportRun) -> None:
    """All lines, from the first: looking writes nothing, so a second look does no harm."""
    access = _access(run)
    try:
        rows = _rows(run)
    except ValidationError as error:
        _end(run, ImportState.WRONG, " ".join(error.messages))
        return
    encoding, letters = _letters(run)
    _further(run, rows=len(rows), done=0, encoding=encoding, letters=letters)
    lines = Lines(access, rows, keep=False)
    lines.head(rows[0])
    for number, row in enumerate(rows, start=1):
        lines.line(row)
        if number % LOOKED == 0:
            _further(run, done=number)
        if len(lines.result.complaints) >= MOST_COMPLAINTS:
            break
    found = lines.result
    with transaction.atomic():
        _further(run, done=number, made=found.made, changed=found.changed)
        if found.complaints:
            _complain(run, found.complaints)
            _move(run, ImportState.WRONG)
        else:
            _tell(run, found.told)
            _move(run, ImportState.CHECKED, due_at=None, tries=0)


def _letters(run: ImportRun) -> tuple[str, str]:
    """How the file's letters were written, and some words by which that can be judged."""
    content = bytes(run.content)
    if workbook.is_workbook(content):
        return "", ""
    text, encoding = table.decode(content)
    return encoding, ", ".join(textfile.words(text))


def _tell(run: ImportRun, told: Sequence[Told]) -> None:
    """What the file would do, for the page: everything new, every move, and of other cells as many as one can read."""
    cells = [each for each in told if each.column and not each.moves][:MOST_TOLD]
    kept = [each for each in told if not each.column or each.moves] + cells
    run.changes.all().delete()
    ImportChange.objects.bulk_create((ImportChange(run=run, **asdict(each)) for each in kept), batch_size=500)


def _store(run: ImportRun, until: datetime) -> None:
    """The lots that are left."""
    access, rows = _access(run), _rows(run)
    while run.done < len(rows) and clock.now() < until:
        try:
            with transaction.atomic():
                _lot(run, access, rows[run.done : run.done + LOT])
        except _Refused as refused:
            _stop(run, access, refused.complaints)
            return
    with transaction.atomic():
        if run.done < len(rows):
            _further(run, lease=clock.now(), tries=0)  # the next pass goes on
        elif _move(run, ImportState.DONE):
            audit.record(access, "stations.imported", run, file=run.name, **_told(run))


def _stop(run: ImportRun, access: Access, complaints: Sequence[Complaint]) -> None:
    with transaction.atomic():
        _further(run)
        _complain(run, complaints)
        why = _("A line has become wrong since the check; what stands before it is stored.")
        _move(run, ImportState.STOPPED, error=why)
        audit.record(access, "stations.imported", run, file=run.name, **_told(run))


class _Refused(Exception):
    def __init__(self, complaints: list[Complaint]) -> None:
        super().__init__()
        self.complaints = complaints


def _lot(run: ImportRun, access: Access, rows: Sequence[Row]) -> None:
    """These rows and how far the run is with them: together, or not at all."""
    lines = Lines(access, rows, keep=True)
    before = run.done, run.made, run.changed, run.due_at
    try:
        _further(run, tries=0)  # first: it locks the run, so that nobody else works at it
        for row in rows:
            lines.line(row)
        if lines.result.complaints:
            raise _Refused(lines.result.complaints)
        made, changed = _sum(run.made, lines.result.made), _sum(run.changed, lines.result.changed)
        _further(run, done=run.done + len(rows), made=made, changed=changed)
    except BaseException:
        run.done, run.made, run.changed, run.due_at = before
        raise


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {kind: one.get(kind, 0) + count for kind, count in other.items()}


def _further(run: ImportRun, *, lease: datetime | None = None, **fields: Any) -> None:
    """Renews the lease with what is new of the row (Any: its fields). Raises _Lost when it is not ours any more."""
    fields["due_at"] = lease or clock.now() + LEASE
    mine = ImportRun.objects.filter(pk=run.pk, due_at=run.due_at, state__in=BUSY)
    if not mine.update(**fields):
        raise _Lost
    for name, value in fields.items():
        setattr(run, name, value)


def _access(run: ImportRun) -> Access:
    """Who brought or confirmed it, as he stands now. Raises PermissionDenied, which stops the run."""
    access = acting(run, Permission.STATIONS)
    if access is None:
        raise PermissionDenied(_("Who confirmed it may not do this any more."))
    _demand(access)
    return access


def _complain(run: ImportRun, complaints: Sequence[Complaint]) -> None:
    run.faults.all().delete()
    rows = [ImportFault(run=run, line=each.line, column=each.column, text=each.text[:300]) for each in complaints]
    ImportFault.objects.bulk_create(rows, batch_size=500)


def _end(run: ImportRun, state: ImportState, error: str) -> None:
    """Nothing, when somebody else has it."""
    if ImportRun.objects.filter(pk=run.pk, due_at=run.due_at).exists():
        _move(run, state, error=error[:1000])


def prune_imports() -> int:
    """Nightly: files that nobody stored are let go, old runs are forgotten."""
    now = clock.now()
    for run in ImportRun.objects.filter(state=ImportState.CHECKED, created_at__lt=now - WAITS_FOR).defer("content"):
        _move(run, ImportState.CANCELLED)
    return ImportRun.objects.filter(finished_at__lt=now - KEPT_FOR).delete()[0]
