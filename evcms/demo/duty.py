"""Who looks after the demo network: three people who share the weeks, a chain, and what became of past incidents."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from alerts.catalogue import is_dangerous
from alerts.models import (
    AlertSettings,
    DeliveryAttempt,
    Destination,
    EscalationLevel,
    EscalationPolicy,
    Incident,
    IncidentEntry,
    Notification,
    OnCallSchedule,
    OnCallTurn,
    Recipient,
    RecoveryStep,
    Telling,
)
from alerts.services import duty
from alerts.vocabulary import (
    Audience,
    EntryKind,
    IncidentKind,
    NotificationState,
    Outcome,
    Recovery,
    RecoveryKind,
    RecoveryState,
    Severity,
    TellingKind,
)
from evcms.core.access import Access

PEOPLE: Final = (("Anna de Wit", "anna"), ("Bram Visser", "bram"), ("Eva Jansen", "eva"))
STEP: Final = timedelta(seconds=4)  # until the station took the command
HEALS: Final = timedelta(minutes=3)  # a past fault that was over so soon was healed by the automatic step
ARRIVES: Final = timedelta(seconds=2)
ANSWERS: Final = timedelta(minutes=5)
LATEST: Final = 40  # incidents whose handling is told; the older ones have their beginning and end only
NOTES: Final = (
    (timedelta(minutes=8), "The chargers have lost their link. We are looking for the cause."),
    (timedelta(minutes=50), "A switch of the telephone company was replaced. The chargers work again."),
)


def staff(access: Access, since: datetime, domain: str) -> None:
    """Contacts, a rota that began before the past did, a chain of two levels, and the public page."""
    organization = access.organization
    contacts = [_contact(access, name, f"{who}@{domain}", since) for name, who in PEOPLE]
    rota = OnCallSchedule.objects.create(
        organization=organization, name=_("Weeks"), time_zone=organization.time_zone,
        starts_on=_monday(since, organization.time_zone), turn_days=7, hand_over_at=time(9),
    )  # fmt: skip
    OnCallTurn.objects.bulk_create(
        OnCallTurn(schedule=rota, position=place, recipient=who) for place, who in enumerate(contacts, start=1)
    )
    chain = EscalationPolicy.objects.create(
        organization=organization, name=_("Usual"), default=True, least_severity=Severity.SERIOUS, repeat=1
    )
    EscalationLevel.objects.create(policy=chain, position=1, after_minutes=0, schedule=rota)
    EscalationLevel.objects.create(policy=chain, position=2, after_minutes=15, recipient=contacts[0])
    AlertSettings.objects.create(
        organization=organization, status_page=True, status_intro="How our chargers are now, and how they were."
    )


def _monday(moment: datetime, zone: str) -> date:
    local = moment.astimezone(ZoneInfo(zone)).date()
    return local - timedelta(days=local.weekday())


def _contact(access: Access, name: str, address: str, since: datetime) -> Recipient:
    contact = Recipient.objects.create(
        organization=access.organization, audience=Audience.OPERATOR, name=name, created_at=since,
        least_severity=Severity.CRITICAL, language=access.organization.language,
    )  # fmt: skip
    Destination.objects.create(
        organization=access.organization, recipient=contact, audience=Audience.OPERATOR, address=address,
        created_at=since, confirmed_at=since,
    )  # fmt: skip
    return contact


# The past ------------------------------------------------------------------------------------------------


@dataclass
class _Handled:
    """What is written of the latest incidents, table by table."""

    steps: list[RecoveryStep]
    entries: list[IncidentEntry]
    notices: list[Notification]
    attempts: list[DeliveryAttempt]
    tellings: list[Telling]


def handle(access: Access) -> int:
    """Gives the latest resolved incidents their help, their messages and who had them; returns how many."""
    schedule = OnCallSchedule.objects.get(organization=access.organization)
    rows = Incident.objects.filter(organization=access.organization, resolved_at__isnull=False)
    latest = list(rows.select_related("connector", "site").order_by("-opened_at")[:LATEST])
    done = _Handled([], [], [], [], [])
    for incident in latest:
        _handle(incident, schedule, done)
    RecoveryStep.objects.bulk_create(done.steps)
    IncidentEntry.objects.bulk_create(done.entries)
    Notification.objects.bulk_create(done.notices)
    DeliveryAttempt.objects.bulk_create(done.attempts)
    Telling.objects.bulk_create(done.tellings)
    Incident.objects.bulk_update(
        latest, ["recovery", "told_at", "telling", "acknowledged_at", "resolved_by", "last_seen_at"]
    )
    _publish(latest)
    return len(latest)


def _handle(incident: Incident, schedule: OnCallSchedule, done: _Handled) -> None:
    assert incident.resolved_at is not None  # only resolved ones are asked for
    incident.resolved_by, incident.telling, incident.last_seen_at = "system", 1, incident.resolved_at
    told_at = incident.opened_at
    if incident.kind == IncidentKind.CONNECTOR_FAULTED and not is_dangerous(incident.detail.get("error_code", "")):
        healed = incident.resolved_at - incident.opened_at <= HEALS
        incident.recovery = Recovery.HEALED if healed else Recovery.EXHAUSTED
        done.steps += _steps(incident, healed)
        done.entries += _step_lines(incident, healed)
        told_at += HEALS
        if healed:
            return
    if told_at >= incident.resolved_at:
        return
    who = duty.on_call(schedule=schedule, at=told_at)
    if who is not None:
        _tell(incident, who, told_at, done)


def _steps(incident: Incident, healed: bool) -> Iterator[RecoveryStep]:
    sent = incident.opened_at + STEP
    yield RecoveryStep(
        incident=incident, position=1, kind=RecoveryKind.RESTART_CONNECTOR, state=RecoveryState.DONE, sent=2,
        station_id=incident.station_id or 0, connector_id=incident.connector_id, sent_at=sent, answered_at=sent + STEP,
        due_at=sent, ended_at=incident.resolved_at if healed else incident.opened_at + HEALS,
        detail=_("helped") if healed else _("did not help"),
    )  # fmt: skip


def _step_lines(incident: Incident, healed: bool) -> Iterator[IncidentEntry]:
    step = RecoveryKind.RESTART_CONNECTOR.label
    words = [(STEP, _("sent")), (2 * STEP, _("back into service"))]
    if not healed:
        words.append((HEALS, _("did not help")))
    for after, word in words:
        text = _("%(step)s: %(word)s") % {"step": step, "word": word}
        yield IncidentEntry(incident=incident, kind=EntryKind.RECOVERY, at=incident.opened_at + after, text=text)


def _tell(incident: Incident, who: Recipient, at: datetime, done: _Handled) -> None:
    assert incident.resolved_at is not None
    incident.told_at = at
    text = _("%(who)s is told") % {"who": who}
    done.entries.append(IncidentEntry(incident=incident, kind=EntryKind.TOLD, at=at, text=text))
    _notice(incident, who, TellingKind.OPENED, at, done)
    taken = at + ANSWERS
    if taken < incident.resolved_at:
        incident.acknowledged_at = taken
        actor = _("%(who)s, by the link") % {"who": who}
        done.entries.append(
            IncidentEntry(incident=incident, kind=EntryKind.STATE, at=taken, actor=actor, text=_("Acknowledged"))
        )
    _notice(incident, who, TellingKind.RESOLVED, incident.resolved_at, done)


def _notice(incident: Incident, who: Recipient, kind: TellingKind, at: datetime, done: _Handled) -> None:
    way = who.destinations.get()
    words = incident.title if kind == TellingKind.OPENED else _("Resolved: %(title)s") % {"title": incident.title}
    notice = Notification(
        organization_id=incident.organization_id, key=f"past:{incident.pk}:{kind}", template=f"incident_{kind}",
        recipient=who, destination=way, channel=way.channel, to=way.address, language=who.language,
        subject=words[:200], text=words, urgent=True, state=NotificationState.DELIVERED, incident=incident,
        created_at=at, due_at=at, sent_at=at + ARRIVES, delivered_at=at + 2 * ARRIVES,
    )  # fmt: skip
    done.notices.append(notice)
    done.attempts.append(
        DeliveryAttempt(
            notification=notice,
            destination=way,
            channel=way.channel,
            at=at,
            ended_at=at + ARRIVES,
            outcome=Outcome.DELIVERED,
            detail=_("delivered"),
        )
    )
    done.tellings.append(
        Telling(
            incident=incident,
            recipient=who,
            kind=kind,
            step=f"{kind}:1.0.0",
            urgent=True,
            created_at=at,
            due_at=at,
            done_at=at,
            notification=notice,
        )
    )


def _publish(latest: list[Incident]) -> None:
    """The longest of them was told to drivers, in two notes."""
    long = [row for row in latest if row.resolved_at and row.site and row.site.public]
    if not long:
        return
    row = max(long, key=lambda one: (one.resolved_at or one.opened_at) - one.opened_at)
    Incident.objects.filter(pk=row.pk).update(public=True, public_note=NOTES[-1][1])
    IncidentEntry.objects.bulk_create(
        IncidentEntry(
            incident=row,
            kind=EntryKind.PUBLIC,
            at=min(row.opened_at + after, row.resolved_at or row.opened_at),
            actor=_("operator"),
            text=text,
        )
        for after, text in NOTES
    )
