"""Before anybody is woken: what a station may try by itself. One row a step, driven by `due_at`; one command at a time.

Never while somebody charges there (only a rule may let RESET_HARD interrupt), never in maintenance, never without a
link; at most so often a day at one station. A step and its command are written in one transaction, so a killed worker
leaves either both or none, and the next one goes on where the rows stand.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from alerts.catalogue import CATALOGUE
from alerts.models import AlertSettings, Incident, RecoveryStep
from alerts.vocabulary import EntryKind, IncidentKind, IncidentState, Recovery, RecoveryKind, RecoveryState, Severity
from evcms.core import clock
from evcms.core.events import nudge
from evcms.templatetags.figures import duration
from sessions.queries import somebody_charges
from stations import commands, helping
from stations import services as stations

from . import telling
from .timeline import SYSTEM, local, signal, write

QUIET_FOR: Final = timedelta(minutes=10)  # as long as nobody is told, at most
LOOK_AGAIN: Final = timedelta(seconds=20)
IDLE_WITHIN: Final = timedelta(minutes=30)  # a restart waits so long for the last car to go
TOLD_WHILE_WAITING: Final = timedelta(minutes=2)  # a step that waits for a car keeps nobody in the dark for longer
BACK_EVERY: Final = timedelta(minutes=1)
MOST_COMMANDS: Final = 60  # of one step: the way back into service is tried for about an hour
DAY: Final = timedelta(days=1)
MOST: Final = 200  # steps of one sweep
SETTLES: Final = {  # how long the trouble has to go after the station took the last command
    RecoveryKind.RESTART_CONNECTOR: timedelta(seconds=60),
    RecoveryKind.UNLOCK: timedelta(seconds=30),
    RecoveryKind.RESET_SOFT: timedelta(minutes=3),
    RecoveryKind.RESET_HARD: timedelta(minutes=3),
}
PROVES: Final = {  # what ends so soon after the station's answer ended by the step; a restart takes its time
    RecoveryKind.RESTART_CONNECTOR: timedelta(seconds=20),
    RecoveryKind.UNLOCK: timedelta(seconds=20),
    RecoveryKind.RESET_SOFT: timedelta(minutes=2),
    RecoveryKind.RESET_HARD: timedelta(minutes=2),
}
OPEN: Final = (RecoveryState.WAITING, RecoveryState.SENT)


def plan(*, incident: Incident, kinds: Iterable[str] | None, tries: int) -> int:
    """Writes the steps of a new incident, in the caller's transaction; returns how many. None for a whole site."""
    wanted = CATALOGUE[IncidentKind(incident.kind)].steps if kinds is None else tuple(kinds)
    if not wanted or not incident.station_id or not switched_on(incident.organization_id):
        return 0
    done = tries_of(incident.station_id)
    if done >= tries:
        if done:
            text = _("Nothing is tried: this station was helped %(times)s times within a day") % {"times": done}
            write(incident, EntryKind.RECOVERY, text)
        return 0
    now = clock.now()
    first = incident.steps.count() + 1
    RecoveryStep.objects.bulk_create(
        RecoveryStep(
            incident=incident, position=first + place, kind=kind, station_id=incident.station_id,
            connector_id=incident.connector_id, due_at=now,
        )
        for place, kind in enumerate(wanted)
    )  # fmt: skip
    quiet = None if incident.severity >= Severity.CRITICAL else now + QUIET_FOR
    Incident.objects.filter(pk=incident.pk).update(recovery=Recovery.RUNNING, quiet_until=quiet)
    incident.refresh_from_db()
    nudge("alerts.recover")
    return len(wanted)


def switched_on(organization_id: int | None) -> bool:
    off = AlertSettings.objects.filter(organization=organization_id, automatic_recovery=False)
    return organization_id is not None and not off.exists()


def tries_of(station_id: int) -> int:
    """Incidents for which something was sent to this station within a day."""
    sent = RecoveryStep.objects.filter(station_id=station_id, sent_at__gt=clock.now() - DAY)
    return sent.values("incident").distinct().count()


def hides_it(incident: Incident) -> bool:
    """Did we take the connector out of service just now? Then that its fault is gone says nothing."""
    return _out_of_service(RecoveryStep.objects.filter(incident=incident)).exists()


def _out_of_service(steps: QuerySet[RecoveryStep]) -> QuerySet[RecoveryStep]:
    mine = steps.filter(kind=RecoveryKind.RESTART_CONNECTOR, state=RecoveryState.SENT, answered_at=None)
    return mine.filter(sent__gte=1)


def over(*, incident: Incident) -> None:
    """The incident is resolved: what was not begun is not needed; what was sent helped if it was over soon after."""
    steps = RecoveryStep.objects.filter(incident=incident)
    now = clock.now()
    last = steps.filter(sent__gt=0).order_by("position").last()
    helped = last is not None and _helped(last, incident)
    for step in steps.filter(state=RecoveryState.SENT, answered_at__isnull=False):
        _end(step, RecoveryState.DONE, _became(step, incident))
    steps.filter(state=RecoveryState.WAITING).update(
        state=RecoveryState.SKIPPED, ended_at=now, detail=_("not needed any more")
    )
    if incident.recovery == Recovery.RUNNING:
        _conclude(incident, Recovery.HEALED if helped else Recovery.NONE)


def _helped(step: RecoveryStep, incident: Incident) -> bool:
    """Did the trouble end by this step? Not when a person ended it, or long after: then somebody else may have."""
    over_at = incident.resolved_at
    if over_at is None or incident.resolved_by != SYSTEM or step.sent_at is None:
        return False
    return step.sent_at <= over_at <= (step.answered_at or over_at) + PROVES[RecoveryKind(step.kind)]


def _became(step: RecoveryStep, incident: Incident) -> str:
    """What became of the trouble after a step that was taken."""
    if incident.state != IncidentState.RESOLVED or incident.resolved_at is None or step.answered_at is None:
        return _("did not help")
    if _helped(step, incident):
        return _("helped")
    passed = max(incident.resolved_at - step.answered_at, timedelta())
    return _("over after %(span)s, perhaps not by this step") % {"span": duration(passed)}


def give_up(*, incident: Incident, why: str) -> None:
    """Somebody looks after it, or another incident explains it: nothing new is sent."""
    waiting = RecoveryStep.objects.filter(incident=incident, state=RecoveryState.WAITING)
    if waiting.update(state=RecoveryState.SKIPPED, ended_at=clock.now(), detail=why[:255]):
        write(incident, EntryKind.RECOVERY, _("No more automatic steps: %(why)s") % {"why": why})
    if incident.recovery == Recovery.RUNNING and not incident.steps.filter(state__in=OPEN).exists():
        _conclude(incident, Recovery.EXHAUSTED if incident.steps.filter(sent__gt=0).exists() else Recovery.NONE)


def answered(*, command_id: str) -> bool:
    """A station has spoken: its step, if it was one, is due."""
    mine = RecoveryStep.objects.filter(command_id=command_id, state=RecoveryState.SENT, answered_at=None)
    found = mine.update(due_at=clock.now()) > 0
    if found:
        nudge("alerts.recover")
    return found


# The walk ------------------------------------------------------------------------------------------------


def recover() -> int:
    """Moves every step that is due, and what becomes due by that; returns how many moves. Each is a transaction."""
    moved = 0
    for _round in range(len(RecoveryKind)):
        now_moved = _move_due()
        moved += now_moved
        if not now_moved:
            break
    return moved


def _move_due() -> int:
    earlier = RecoveryStep.objects.filter(
        incident=OuterRef("incident"), position__lt=OuterRef("position"), state__in=OPEN
    )
    due = RecoveryStep.objects.filter(~Exists(earlier), state__in=OPEN, due_at__lte=clock.now())
    moved = 0
    for pk, due_at in list(due.order_by("due_at", "pk").values_list("pk", "due_at")[:MOST]):
        with transaction.atomic():
            claimed = RecoveryStep.objects.filter(pk=pk, state__in=OPEN, due_at=due_at)
            if claimed.update(due_at=clock.now() + LOOK_AGAIN):
                _walk(RecoveryStep.objects.select_related("incident__rule").get(pk=pk))
                moved += 1
    return moved


def _walk(step: RecoveryStep) -> None:
    if step.state == RecoveryState.SENT:
        _follow(step)
    elif step.incident.state == IncidentState.RESOLVED:
        _end(step, RecoveryState.SKIPPED, _("not needed any more"))
    elif reason := _refusal(step):
        _end(step, RecoveryState.SKIPPED, reason)
    elif not _must_wait(step):
        _send(step)


def _refusal(step: RecoveryStep) -> str:
    """Why this step is not done at all, for people; "" when nothing is against it."""
    incident, rule = step.incident, step.incident.rule
    where = helping.condition(step.station_id)
    if where is None:
        return _("the station is gone")
    if not switched_on(incident.organization_id) or (rule is not None and rule.recovery == []):
        return _("automatic steps are switched off")
    if not where.online:
        return _("the station has no link")
    if where.in_maintenance:
        return _("the station is in maintenance")
    if step.kind == RecoveryKind.UNLOCK and step.connector_id is None:
        return _("no connector is named")
    if step.kind == RecoveryKind.RESET_HARD and not _may_interrupt(step) and somebody_charges(step.station_id):
        return _("somebody charges there")
    return ""


def _may_interrupt(step: RecoveryStep) -> bool:
    rule = step.incident.rule
    return step.kind == RecoveryKind.RESET_HARD and rule is not None and rule.interrupts


def _must_wait(step: RecoveryStep) -> bool:
    """While somebody charges, or another incident's command to this station is under way."""
    others = RecoveryStep.objects.filter(station_id=step.station_id, state=RecoveryState.SENT).exclude(pk=step.pk)
    if others.exists():
        return True
    if _may_interrupt(step) or not somebody_charges(step.station_id):
        return False
    if clock.now() - _since(step) > IDLE_WITHIN:
        _end(step, RecoveryState.SKIPPED, _("somebody charges there"))
    elif not step.detail:
        _wait_for_the_car(step)
    return True


def _wait_for_the_car(step: RecoveryStep) -> None:
    """A driver may charge for hours: people are not kept in the dark for that."""
    now = clock.now()
    said = {"since": local(step.incident, now), "at": local(step.incident, now + TOLD_WHILE_WAITING)}
    waits = _("waits since %(since)s until nobody charges there") % said
    RecoveryStep.objects.filter(pk=step.pk).update(detail=waits)
    telling.not_quiet_beyond(incident=step.incident, at=now + TOLD_WHILE_WAITING)
    told = step.incident.told_at is not None or step.incident.state != IncidentState.OPEN
    _say(step, waits if told else _("%(waits)s; people are told at %(at)s") % {"waits": waits, **said})


def _since(step: RecoveryStep) -> datetime:
    before = step.incident.steps.filter(position__lt=step.position, ended_at__isnull=False)
    return max([step.incident.opened_at, *(row.ended_at for row in before if row.ended_at)])


def _send(step: RecoveryStep) -> None:
    """The step's next command and the row that remembers it, together."""
    where = helping.condition(step.station_id)
    assert where is not None  # _refusal and _follow have looked
    row = stations.send(station=where.station, command=_command(step), origin=f"incident {step.incident_id}")
    now = clock.now()
    RecoveryStep.objects.filter(pk=step.pk).update(
        state=RecoveryState.SENT, command_id=row.pk, sent=step.sent + 1, sent_at=now, due_at=now + LOOK_AGAIN, detail=""
    )
    if not step.sent:
        _say(step, _("sent"))
    elif step.sent == 1:
        _say(step, _("back into service"))


def _command(step: RecoveryStep) -> commands.Command:
    port = helping.port(step.connector_id) if step.connector_id else None
    match step.kind:
        case RecoveryKind.RESTART_CONNECTOR:
            wanted = commands.Availability.INOPERATIVE if not step.sent else commands.Availability.OPERATIVE
            return commands.ChangeAvailability(
                wanted, evse=port.evse if port else None, connector=port.connector if port else None
            )
        case RecoveryKind.UNLOCK:
            return commands.Unlock(port.evse, port.connector) if port else commands.Unlock(1)
        case RecoveryKind.RESET_HARD:
            return commands.Reset(commands.ResetKind.HARD)
    return commands.Reset(commands.ResetKind.SOFT)


def _follow(step: RecoveryStep) -> None:
    """What became of the command that was sent last, or of the trouble since it was taken."""
    if step.answered_at is not None:
        _end(step, RecoveryState.DONE, _became(step, step.incident))
        return
    assert step.command_id is not None  # a SENT step has one
    end = helping.command_end(step.command_id)
    restarts = step.kind == RecoveryKind.RESTART_CONNECTOR
    if not end.ended:
        return
    if restarts and (step.sent > 1 or end.accepted) and not (step.sent > 1 and end.accepted):
        _back_into_service(step, end.word)
    elif end.accepted:
        _taken(step)
    else:
        _end(step, RecoveryState.FAILED, end.word)


def _back_into_service(step: RecoveryStep, word: str) -> None:
    """What we took out of service comes back, however often it must be asked and whatever the incident has become."""
    where = helping.condition(step.station_id)
    if where is None or step.sent >= MOST_COMMANDS:
        _end(step, RecoveryState.FAILED, _("it is still out of service: %(word)s") % {"word": word})
        return
    wait = BACK_EVERY if step.sent > 1 else timedelta()
    ready = where.online and not where.in_maintenance
    if ready and (step.sent_at is None or clock.now() - step.sent_at >= wait):
        _send(step)


def _taken(step: RecoveryStep) -> None:
    """The station did as asked; now the trouble has some time to go."""
    now = clock.now()
    RecoveryStep.objects.filter(pk=step.pk).update(answered_at=now, due_at=now + SETTLES[RecoveryKind(step.kind)])
    step.refresh_from_db()
    if step.incident.state == IncidentState.RESOLVED:
        _end(step, RecoveryState.DONE, _became(step, step.incident))


def _end(step: RecoveryStep, state: RecoveryState, detail: str) -> None:
    now = clock.now()
    moved = RecoveryStep.objects.filter(pk=step.pk, state__in=OPEN)
    if not moved.update(state=state, ended_at=now, detail=detail[:255]):
        return
    _say(step, detail)
    rest = RecoveryStep.objects.filter(incident=step.incident, state__in=OPEN)
    if rest.update(due_at=now):
        nudge("alerts.recover")
        return
    incident = Incident.objects.get(pk=step.incident_id)
    if incident.recovery == Recovery.RUNNING and incident.state != IncidentState.RESOLVED:
        tried = incident.steps.filter(sent__gt=0).exists()
        _conclude(incident, Recovery.EXHAUSTED if tried else Recovery.NONE)


def _conclude(incident: Incident, how: Recovery) -> None:
    """Help is over. What is still open is told now."""
    Incident.objects.filter(pk=incident.pk).update(recovery=how, quiet_until=None)
    if how == Recovery.EXHAUSTED:
        write(incident, EntryKind.RECOVERY, _("Automatic steps did not help"))
    telling.no_longer_quiet(incident_id=incident.pk)
    incident.refresh_from_db()
    signal(incident)


def _say(step: RecoveryStep, text: str) -> None:
    what = RecoveryKind(step.kind).label
    write(step.incident, EntryKind.RECOVERY, _("%(step)s: %(word)s") % {"step": what, "word": text})
