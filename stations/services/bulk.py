"""One thing done to many stations. A draft keeps the selection as it was looked at; confirmed, a task works it off.

Driven by rows: a line's effect and its state are one transaction, so a worker that dies between two lines has done
each once. At most OPEN_AT_ONCE commands are on their way for one action: a firmware server sees no storm.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from evcms.core import audit, clock, events
from evcms.core.access import Access, Permission
from stations import commands, queries, tagging
from stations.models import (
    BULK_MOVES,
    BulkAction,
    BulkKind,
    BulkLine,
    BulkState,
    Command,
    Connector,
    FirmwareFile,
    LineState,
    Site,
    Station,
)
from stations.operations import build
from stations.vocabulary import OCCUPIED_STATUSES, OPEN_COMMANDS, Approval, CommandState

from .acting import acting
from .commands import describe, send
from .configuration import archive_station, edit_station
from .maintenance import plan_maintenance, wrong_plan
from .tags import change_tags

log = structlog.get_logger(__name__)

PORTION: Final = 50  # lines between two looks at the clock
OPEN_AT_ONCE: Final = 200
MOST: Final = 20_000
ANSWER_WITHIN: Final = 120  # s
LEASE: Final = timedelta(minutes=6)  # longer than a task may last
LONGEST_PASS: Final = timedelta(minutes=2)
LOOK_AGAIN: Final = timedelta(seconds=5)
DRAFT_FOR: Final = timedelta(days=1)

NEEDS: Final[dict[BulkKind, Permission]] = {
    BulkKind.RESET_SOFT: Permission.COMMAND,
    BulkKind.RESET_HARD: Permission.COMMAND,
    BulkKind.UNAVAILABLE: Permission.COMMAND,
    BulkKind.AVAILABLE: Permission.COMMAND,
    BulkKind.FIRMWARE: Permission.COMMAND,
    BulkKind.VARIABLE: Permission.COMMAND,
    BulkKind.MAINTENANCE: Permission.INCIDENTS,
    BulkKind.SITE: Permission.STATIONS,
    BulkKind.TAG: Permission.STATIONS,
    BulkKind.UNTAG: Permission.STATIONS,
    BulkKind.ARCHIVE: Permission.STATIONS,
}
TALKS: Final = frozenset(kind for kind, needed in NEEDS.items() if needed == Permission.COMMAND)
"""Kinds that need the station's ear: without a link they are left out."""


# Before it is confirmed -------------------------------------------------------------------------------------


def draft_bulk(*, access: Access, kind: BulkKind, station_ids: Iterable[int]) -> BulkAction:
    """The preview: what is out of sight is not in it, what cannot be done says so. Raises ValidationError for none."""
    access.demand(NEEDS[kind])
    wanted = list(dict.fromkeys(station_ids))
    if len(wanted) > MOST:
        raise ValidationError(_("Choose at most %(most)d stations at once.") % {"most": MOST})
    rows = list(judged(queries.stations(access).filter(pk__in=wanted)).order_by("identity"))
    if not rows:
        raise ValidationError(_("Choose the stations first."))
    with transaction.atomic():
        action = BulkAction.objects.create(
            organization=access.organization, membership=access.membership, actor=access.actor, kind=kind
        )
        BulkLine.objects.bulk_create([_drafted(action, row) for row in rows], batch_size=500)
    return action


def _drafted(action: BulkAction, station: Station) -> BulkLine:
    why = refusal(BulkKind(action.kind), station)
    state = LineState.REFUSED if why else LineState.WAITING
    return BulkLine(action=action, station=station, state=state, detail=why)


def judged(rows: queries.Stations) -> queries.Stations:
    """With `taken`: does a car stand at it?"""
    cars = Connector.objects.filter(station=OuterRef("pk"), status__in=OCCUPIED_STATUSES, archived_at=None)
    return rows.annotate(taken=Exists(cars))


def refusal(kind: BulkKind, station: Station, params: Mapping[str, Any] | None = None) -> str:
    """Why this cannot be done to it now; empty: it can. Of a row of `judged`. Any: JSON, known once confirmed."""
    if station.approval != Approval.ACCEPTED:
        return _("It is not accepted.")
    online: bool = station.online  # type: ignore[attr-defined]
    if kind in TALKS and not online:
        return _("It is offline.")
    if kind == BulkKind.ARCHIVE and online and station.taken:  # type: ignore[attr-defined]
        return _("A car stands at it.")
    if kind == BulkKind.FIRMWARE and params and not _fits(station, params["file"]):
        return _("This firmware is made for another model.")
    return ""


def _fits(station: Station, file_id: int) -> bool:
    file = FirmwareFile.objects.filter(pk=file_id, archived_at=None).first()
    told = ((file.vendor, station.vendor), (file.model, station.model)) if file else ()
    return file is not None and all(not wanted or wanted.lower() == own.lower() for wanted, own in told)


def confirm_bulk(*, access: Access, action: BulkAction, values: Mapping[str, Any]) -> BulkAction:
    """Twice is once. `values`: what the kind needs (Any: texts of a form, or rows). Raises ValidationError by field."""
    kind = BulkKind(action.kind)
    access.demand(NEEDS[kind])
    _see(access, action)
    params = _params(access, kind, values)
    with transaction.atomic():
        if _move(action, BulkState.RUNNING, params=params, confirmed_at=clock.now(), due_at=clock.now()):
            count = action.lines.filter(state=LineState.WAITING).count()
            audit.record(access, "bulk.confirmed", action, kind=str(kind), stations=count, **_told(kind, params))
            events.nudge("stations.run_bulk")
    return action


def cancel_bulk(*, access: Access, action: BulkAction) -> BulkAction:
    """What is done stays done; what waits does not happen."""
    access.demand(NEEDS[BulkKind(action.kind)])
    _see(access, action)
    with transaction.atomic():
        now = clock.now()
        if _move(action, BulkState.CANCELLED, finished_at=now, due_at=now):  # due: what was sent is still answered
            left = action.lines.filter(state=LineState.WAITING).update(state=LineState.CANCELLED, at=now)
            audit.record(access, "bulk.cancelled", action, kind=action.kind, left=left)
    return action


def _see(access: Access, action: BulkAction) -> None:
    if action.organization_id != access.organization.pk:
        raise PermissionDenied(_("There is no such action."))
    if not access.all_sites and action.membership_id != access.membership.pk:
        raise PermissionDenied(_("This is somebody else's."))


def _move(action: BulkAction, to: BulkState, **fields: Any) -> bool:
    """Any: the row's fields. False: it stood elsewhere already."""
    origins = [state for state, targets in BULK_MOVES.items() if to in targets]
    moved = BulkAction.objects.filter(pk=action.pk, state__in=origins).update(state=to, **fields)
    action.refresh_from_db()
    return moved == 1


def _params(access: Access, kind: BulkKind, values: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON. Raises ValidationError by field."""
    if kind == BulkKind.SITE:
        site = values.get("site")
        if (
            not isinstance(site, Site)
            or not queries.visible_sites(access).filter(pk=site.pk, archived_at=None).exists()
        ):
            raise ValidationError({"site": [_("Choose one of your sites.")]})
        return {"site": site.pk}
    if kind == BulkKind.FIRMWARE:
        file = values.get("file")
        if not isinstance(file, FirmwareFile) or file.organization_id != access.organization.pk or file.archived_at:
            raise ValidationError({"file": [_("Choose a firmware file.")]})
        return {"file": file.pk}
    if kind == BulkKind.VARIABLE:
        key, value = str(values.get("key", "")).strip(), str(values.get("value", ""))
        build("set-variables", {"values": f"{key}={value}"})
        return {"key": key, "value": value}
    if kind == BulkKind.MAINTENANCE:
        return _window(values)
    if kind in (BulkKind.TAG, BulkKind.UNTAG):
        return _tags(values)
    return {}


def _tags(values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        names = tagging.read(str(values.get("tags", "")))
    except ValidationError as error:
        raise ValidationError({"tags": error.messages}) from None
    if not names:
        raise ValidationError({"tags": [_("Name a tag.")]})
    return {"tags": names}


def _window(values: Mapping[str, Any]) -> dict[str, Any]:
    title, starts_at, ends_at = str(values.get("title", "")).strip(), values.get("starts_at"), values.get("ends_at")
    if not title:
        raise ValidationError({"title": [_("Say what is done.")]})
    if not isinstance(starts_at, datetime) or not isinstance(ends_at, datetime):
        raise ValidationError({"ends_at": [_("Maintenance ends after it begins.")]})
    if wrong := wrong_plan(starts_at, ends_at):
        raise ValidationError(wrong)
    return {"title": title[:160], "starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}


def _told(kind: BulkKind, params: dict[str, Any]) -> dict[str, Any]:
    """For the audit log: a variable's value may be a secret."""
    return {"key": params["key"]} if kind == BulkKind.VARIABLE else params


# The work -----------------------------------------------------------------------------------------------------


def run_bulk() -> int:
    """Every action that is due, some portions further; returns how many lines moved."""
    moved, until = 0, clock.now() + LONGEST_PASS
    due = BulkAction.objects.filter(due_at__lte=clock.now()).order_by("due_at").values_list("pk", "due_at")
    for pk, due_at in list(due):
        if clock.now() < until and BulkAction.objects.filter(pk=pk, due_at=due_at).update(due_at=clock.now() + LEASE):
            moved += _pass(BulkAction.objects.select_related("organization", "membership__user").get(pk=pk), until)
    return moved


def _pass(action: BulkAction, until: datetime) -> int:
    moved = _hear(action)
    while action.state == BulkState.RUNNING and clock.now() < until and (pks := _next(action)):
        access = acting(action, NEEDS[BulkKind(action.kind)])
        moved += sum(_step(action, access, pk) for pk in pks)
        moved += _hear(action)
        action.refresh_from_db(fields=["state"])  # cancelled meanwhile?
    if action.lines.filter(state__in=(LineState.WAITING, LineState.SENT)).exists():
        BulkAction.objects.filter(pk=action.pk).update(due_at=clock.now() + LOOK_AGAIN)
    elif not _move(action, BulkState.DONE, finished_at=clock.now(), due_at=None):
        BulkAction.objects.filter(pk=action.pk).update(due_at=None)
    return moved


def _next(action: BulkAction) -> list[int]:
    room = OPEN_AT_ONCE - action.lines.filter(state=LineState.SENT).count()
    waiting = action.lines.filter(state=LineState.WAITING).order_by("pk").values_list("pk", flat=True)
    return list(waiting[: max(0, min(PORTION, room))])


def _step(action: BulkAction, access: Access | None, pk: int) -> bool:
    """One line: its effect and its new state together."""
    try:
        with transaction.atomic():
            line = BulkLine.objects.select_for_update().filter(pk=pk, state=LineState.WAITING).first()
            if line is None:
                return False
            station = judged(queries.stations(access).filter(pk=line.station_id)).first() if access else None
            why = (
                _("It is archived or out of your sight.") if access else _("Who confirmed it may not do this any more.")
            )
            why = refusal(BulkKind(action.kind), station, action.params) if station else why
            if why or station is None or access is None:
                _write(line, LineState.REFUSED, why)
            else:
                _WORK[BulkKind(action.kind)](action, access, station, line)
    except (ValidationError, PermissionDenied) as error:
        text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        _fail(pk, text)
    except Exception as error:
        log.exception("bulk line failed", action=str(action.pk), line=pk)
        _fail(pk, f"{type(error).__name__}: {error}")
    return True


def _fail(pk: int, text: str) -> None:
    waiting = BulkLine.objects.filter(pk=pk, state=LineState.WAITING)
    waiting.update(state=LineState.FAILED, detail=text[:255], at=clock.now())


def _write(line: BulkLine, state: LineState, detail: str = "") -> None:
    line.state, line.detail, line.at = state, detail[:255], clock.now()
    line.save(update_fields=["state", "detail", "at", "command_id"])


def _hear(action: BulkAction) -> int:
    """What stations answered since. A command that is gone (pruned, with its station) says nothing any more."""
    moved = 0
    lines = list(action.lines.filter(state=LineState.SENT).order_by("pk")[:OPEN_AT_ONCE])
    found = Command.objects.in_bulk([line.command_id for line in lines if line.command_id])
    for line in lines:
        command = found.get(line.command_id) if line.command_id else None
        if command is not None and command.state in OPEN_COMMANDS:
            continue
        good = command is not None and command.state == CommandState.ACCEPTED
        _write(line, LineState.DONE if good else LineState.FAILED, _answer(command))
        moved += 1
    return moved


def _answer(command: Command | None) -> str:
    if command is None:
        return _("nothing is known of its command")
    return " · ".join(filter(None, [command.answer_status, command.error])) or str(command.get_state_display())


# What each kind does -----------------------------------------------------------------------------------------


def _say(action: BulkAction, access: Access, station: Station, line: BulkLine) -> None:
    command = _COMMANDS[BulkKind(action.kind)](action.params)
    audit.record(
        access, "command.sent", station, kind=type(command).__name__, command=describe(command), bulk=str(action.pk)
    )
    row = send(station=station, command=command, origin=access.actor, user=access.user, expires_in=ANSWER_WITHIN)
    line.command_id = row.pk
    if row.state in OPEN_COMMANDS:
        _write(line, LineState.SENT)
    else:
        _write(line, LineState.FAILED, _answer(row))


def _move_station(action: BulkAction, access: Access, station: Station, line: BulkLine) -> None:
    site = queries.visible_sites(access).filter(pk=action.params["site"]).first()
    if station.site_id == action.params["site"]:
        return _write(line, LineState.DONE, _("It stands there already."))
    edit_station(access=access, station=station, values={"site": site})
    return _write(line, LineState.DONE)


def _tag(action: BulkAction, access: Access, station: Station, line: BulkLine) -> None:
    names = action.params["tags"]
    given = {"add": names} if action.kind == BulkKind.TAG else {"remove": names}
    changed = change_tags(access=access, station=station, **given)
    _write(line, LineState.DONE, "" if changed else _("Nothing was to do."))


def _archive(action: BulkAction, access: Access, station: Station, line: BulkLine) -> None:
    archive_station(access=access, station=station)
    _write(line, LineState.DONE)


def _plan(action: BulkAction, access: Access, station: Station, line: BulkLine) -> None:
    said = action.params
    plan_maintenance(
        access=access, title=said["title"], station=station,
        starts_at=datetime.fromisoformat(said["starts_at"]), ends_at=datetime.fromisoformat(said["ends_at"]),
    )  # fmt: skip
    _write(line, LineState.DONE)


_COMMANDS: Final[dict[BulkKind, Callable[[dict[str, Any]], commands.Command]]] = {
    BulkKind.RESET_SOFT: lambda params: commands.Reset(commands.ResetKind.SOFT),
    BulkKind.RESET_HARD: lambda params: commands.Reset(commands.ResetKind.HARD),
    BulkKind.UNAVAILABLE: lambda params: commands.ChangeAvailability(commands.Availability.INOPERATIVE),
    BulkKind.AVAILABLE: lambda params: commands.ChangeAvailability(commands.Availability.OPERATIVE),
    BulkKind.FIRMWARE: lambda params: build("update-firmware", {"file": str(params["file"])}),
    BulkKind.VARIABLE: lambda params: commands.SetVariables(values=((params["key"], params["value"]),)),
}
_WORK: Final[dict[BulkKind, Callable[[BulkAction, Access, Station, BulkLine], None]]] = {
    **dict.fromkeys(_COMMANDS, _say),
    BulkKind.MAINTENANCE: _plan,
    BulkKind.SITE: _move_station,
    BulkKind.TAG: _tag,
    BulkKind.UNTAG: _tag,
    BulkKind.ARCHIVE: _archive,
}


def prune_drafts() -> int:
    """Nightly: previews that nobody confirmed."""
    return BulkAction.objects.filter(state=BulkState.DRAFT, created_at__lt=clock.now() - DRAFT_FOR).delete()[0]
