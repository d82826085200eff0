"""Rotas and chains: who is on call, who stands in, whom an incident wakes first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import available_timezones

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from alerts import rota
from alerts.models import (
    AlertSettings,
    EscalationLevel,
    EscalationPolicy,
    OnCallOverride,
    OnCallSchedule,
    OnCallTurn,
    Recipient,
)
from alerts.vocabulary import Audience, Severity
from evcms.core import audit, clock
from evcms.core.access import Access, Permission

from . import works

LONGEST_STAND_IN: Final = timedelta(days=60)
MOST_TURNS, MOST_LEVELS = 50, 10


@dataclass(frozen=True)
class OnDuty:
    """A stretch of one person; `stand_in`: by an override, not by his turn."""

    start: datetime
    end: datetime
    recipient: Recipient
    stand_in: bool


def on_call(*, schedule: OnCallSchedule, at: datetime) -> Recipient | None:
    """Who is on call then; None before the rota begins and when it is empty."""
    found = who_is_on(schedule=schedule, since=at, until=at + timedelta(seconds=1))
    return found[0].recipient if found else None


def who_is_on(*, schedule: OnCallSchedule, since: datetime, until: datetime) -> list[OnDuty]:
    """In order and without overlap; gaps are nobody's. Two queries."""
    turns = [turn.recipient for turn in schedule.turns.select_related("recipient").order_by("position")]
    overrides = {
        row.pk: row
        for row in schedule.overrides.filter(starts_at__lt=until, ends_at__gt=since).select_related("recipient")
    }
    stands = [rota.Stand(row.starts_at, row.ends_at, row.pk, row.pk) for row in overrides.values()]
    plan = rota.Rota(schedule.time_zone, schedule.starts_on, schedule.turn_days, schedule.hand_over_at, len(turns))
    return [
        OnDuty(
            watch.start,
            watch.end,
            overrides[watch.who].recipient if watch.stand_in else turns[watch.who],
            watch.stand_in,
        )
        for watch in rota.watches(plan, stands, since, until)
    ]


# By people -----------------------------------------------------------------------------------------------


def contact_of(access: Access, pk: int) -> Recipient:
    """Raises ValidationError for who is no contact of this organization."""
    row = Recipient.objects.filter(organization=access.organization, audience=Audience.OPERATOR, pk=pk).first()
    if row is None:
        raise ValidationError(_("Choose one of the contacts."))
    return row


def save_schedule(
    *,
    access: Access,
    schedule: OnCallSchedule | None,
    name: str,
    time_zone: str,
    starts_on: date,
    turn_days: int,
    hand_over_at: time,
    recipients: Sequence[int],
) -> OnCallSchedule:
    """A rota and its turns in this order. Raises ValidationError with a sentence."""
    access.demand(Permission.PEOPLE)
    _mine(access, schedule)
    if time_zone not in available_timezones():
        raise ValidationError(_("This time zone is not known."))
    if not name.strip() or not 1 <= turn_days <= 366 or len(recipients) > MOST_TURNS:
        raise ValidationError(_("A rota has a name, turns of 1 to 366 days and at most 50 places."))
    people = [contact_of(access, pk) for pk in recipients]
    taken = OnCallSchedule.objects.filter(organization=access.organization, name=name.strip())
    if taken.exclude(pk=schedule.pk if schedule else 0).exists():
        raise ValidationError(_("Another rota has this name."))
    with transaction.atomic():
        row = schedule or OnCallSchedule(organization=access.organization)
        row.name, row.time_zone, row.starts_on = name.strip()[:80], time_zone, starts_on
        row.turn_days, row.hand_over_at = turn_days, hand_over_at
        row.save()
        row.turns.all().delete()
        OnCallTurn.objects.bulk_create(
            OnCallTurn(schedule=row, position=place, recipient=who) for place, who in enumerate(people, start=1)
        )
        audit.record(access, "on_call.saved", row, turns=[str(who) for who in people])
    return row


def remove_schedule(*, access: Access, schedule: OnCallSchedule) -> None:
    """Its levels in the chains go with it."""
    access.demand(Permission.PEOPLE)
    _mine(access, schedule)
    with transaction.atomic():
        audit.record(access, "on_call.removed", schedule)
        schedule.delete()


def swap(
    *, access: Access, schedule: OnCallSchedule, recipient_id: int, starts_at: datetime, ends_at: datetime
) -> OnCallOverride:
    """Somebody stands in. Raises ValidationError for times that make no sense."""
    access.demand(Permission.INCIDENTS)
    _mine(access, schedule)
    if ends_at <= starts_at or ends_at <= clock.now() or ends_at - starts_at > LONGEST_STAND_IN:
        raise ValidationError(_("The end lies after the beginning and ahead of us, at most 60 days later."))
    who = contact_of(access, recipient_id)
    with transaction.atomic():
        row = OnCallOverride.objects.create(schedule=schedule, recipient=who, starts_at=starts_at, ends_at=ends_at)
        audit.record(
            access, "on_call.swapped", schedule, who=str(who), start=starts_at.isoformat(), end=ends_at.isoformat()
        )
    return row


def end_swap(*, access: Access, override: OnCallOverride) -> None:
    access.demand(Permission.INCIDENTS)
    _mine(access, override.schedule)
    with transaction.atomic():
        audit.record(access, "on_call.swap_ended", override.schedule, who=str(override.recipient))
        override.delete()


@dataclass(frozen=True)
class Level:
    """One step of a chain: a rota or a contact."""

    after_minutes: int
    schedule_id: int | None = None
    recipient_id: int | None = None


def save_policy(
    *,
    access: Access,
    policy: EscalationPolicy | None,
    name: str,
    default: bool,
    least_severity: int,
    repeat: int,
    levels: Sequence[Level],
) -> EscalationPolicy:
    """A chain and its levels in this order; a default one takes the place of the default before."""
    access.demand(Permission.PEOPLE)
    _mine(access, policy)
    if not name.strip() or not levels or len(levels) > MOST_LEVELS or not 0 <= repeat <= 20:
        raise ValidationError(_("A chain has a name, 1 to 10 levels, and begins anew at most 20 times."))
    if least_severity not in Severity.values or any(not 0 <= level.after_minutes <= 1440 for level in levels):
        raise ValidationError(_("A level waits 0 to 1440 minutes."))
    chains = EscalationPolicy.objects.filter(organization=access.organization)
    others = chains.exclude(pk=policy.pk if policy else 0)
    if others.filter(name=name.strip()).exists():
        raise ValidationError(_("Another chain has this name."))
    rows = [_level(access, level, place) for place, level in enumerate(levels, start=1)]
    with transaction.atomic():
        if default:
            others.update(default=False)
        saved = policy or EscalationPolicy(organization=access.organization)
        saved.name, saved.default = name.strip()[:80], default
        saved.least_severity, saved.repeat = least_severity, repeat
        saved.save()
        saved.levels.all().delete()
        for row in rows:
            row.policy = saved
        EscalationLevel.objects.bulk_create(rows)
        audit.record(access, "escalation.saved", saved, levels=[str(row) for row in rows], default=default)
    return saved


def _level(access: Access, level: Level, place: int) -> EscalationLevel:
    row = EscalationLevel(position=place, after_minutes=level.after_minutes)
    if level.schedule_id:
        row.schedule = OnCallSchedule.objects.filter(organization=access.organization, pk=level.schedule_id).first()
    elif level.recipient_id:
        row.recipient = contact_of(access, level.recipient_id)
    if row.schedule is None and row.recipient is None:
        raise ValidationError(_("Choose a rota or a contact for each level."))
    return row


def remove_policy(*, access: Access, policy: EscalationPolicy) -> None:
    access.demand(Permission.PEOPLE)
    _mine(access, policy)
    with transaction.atomic():
        audit.record(access, "escalation.removed", policy)
        policy.delete()


def save_settings(
    *, access: Access, automatic_recovery: bool, announce_days: int, status_page: bool, status_intro: str
) -> AlertSettings:
    access.demand(Permission.PEOPLE)
    with transaction.atomic():
        row, _new = AlertSettings.objects.update_or_create(
            organization=access.organization,
            defaults={
                "automatic_recovery": automatic_recovery, "announce_days": announce_days,
                "status_page": status_page, "status_intro": status_intro.strip()[:300],
            },
        )  # fmt: skip
        works.reschedule(organization_id=access.organization.pk)
        audit.record(
            access, "alert_settings.saved", row,
            automatic_recovery=automatic_recovery, announce_days=announce_days, status_page=status_page,
        )  # fmt: skip
    return row


def _mine(access: Access, row: OnCallSchedule | EscalationPolicy | None) -> None:
    if row is not None and row.organization_id != access.organization.pk:
        raise PermissionDenied(_("There is no such row."))
