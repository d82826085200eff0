"""Whom an incident wakes, and when: the chain's levels one after the other until somebody acknowledges.

`Incident.escalate_at` drives the chain; it writes `Telling` rows, once per person and step; a flush makes messages of
them, one each, or one list of many in a storm. Silent while: somebody has it, it is snoozed, another incident explains
it, all its stations are in maintenance, or automatic steps are under way (`quiet_until`).
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from alerts.models import EscalationLevel, EscalationPolicy, Incident, Notification, Recipient, Telling
from alerts.vocabulary import Audience, EntryKind, IncidentState, Severity, TellingKind
from evcms.core import clock
from evcms.core.events import nudge
from evcms.core.models import Membership
from stations import helping as stations

from . import duty, people
from .notifications import notify
from .timeline import write, zone_of

STORM_AFTER: Final = 5  # messages to one person within STORM; what comes then is put on one list
STORM: Final = timedelta(seconds=60)
SILENT: Final = timedelta(seconds=60)  # maintenance: looked at again after so long
ROUND_AFTER: Final = 15  # minutes before a chain begins anew, when its levels say nothing longer
MOST: Final = 500
LISTED: Final = 200  # incidents in one message


def begin(*, incident_id: int, at: datetime) -> None:
    """The chain of this incident begins (anew) at `at`; in the caller's transaction."""
    rows = Incident.objects.filter(pk=incident_id)
    rows.update(level=0, round=0, telling=F("telling") + 1, escalate_at=at)
    nudge("alerts.tell")


def no_longer_quiet(*, incident_id: int) -> None:
    """Automatic help has ended without success: who was kept in the dark hears of it now."""
    waiting = Incident.objects.filter(pk=incident_id, level=0, escalate_at__gt=clock.now())
    waiting.exclude(state=IncidentState.RESOLVED).update(escalate_at=clock.now())
    nudge("alerts.tell")


def not_quiet_beyond(*, incident: Incident, at: datetime) -> None:
    """Automatic help must wait: people hear of it at `at` at the latest. What is due earlier stays."""
    rows = Incident.objects.filter(pk=incident.pk)
    rows.filter(quiet_until__gt=at).update(quiet_until=at)
    rows.filter(level=0, escalate_at__gt=at).exclude(state=IncidentState.RESOLVED).update(escalate_at=at)


def stop(*, incident: Incident) -> None:
    """Nobody is told any more: somebody has it, or it is over."""
    Incident.objects.filter(pk=incident.pk).update(escalate_at=None)
    waiting = Telling.objects.filter(incident=incident, done_at=None, kind=TellingKind.OPENED)
    waiting.update(done_at=clock.now(), dropped=True)


def tell() -> int:
    """Takes every chain that is due one step on, then makes messages; returns how many left."""
    now = clock.now()
    due = Incident.objects.filter(escalate_at__lte=now).order_by("-severity", "escalate_at")
    for pk, at in list(due.values_list("pk", "escalate_at")[:MOST]):
        take_step(incident_id=pk, at=at)
    return flush()


def take_step(*, incident_id: int, at: datetime | None) -> bool:
    """One level of the chain. `at`: as read; who was faster has moved it. False: nothing was to do."""
    with transaction.atomic():
        mine = Incident.objects.filter(pk=incident_id, escalate_at=at, escalate_at__lte=clock.now())
        if not mine.update(escalate_at=None):
            return False
        _step(Incident.objects.select_related("rule__policy", "cause", "site").get(pk=incident_id))
    return True


def _step(incident: Incident) -> None:
    if incident.state != IncidentState.OPEN or incident.snoozed_until or is_explained(incident):
        return
    later = _silent_until(incident)
    if later:
        Incident.objects.filter(pk=incident.pk).update(escalate_at=later)
        return
    policy = policy_of(incident)
    levels = list(policy.levels.select_related("schedule", "recipient")) if policy else []
    if policy is None or not levels:
        _tell_all(incident)
    else:
        _climb(incident, policy, levels)


def is_explained(incident: Incident) -> bool:
    return incident.cause is not None and incident.cause.state != IncidentState.RESOLVED


def _silent_until(incident: Incident) -> datetime | None:
    """Maintenance silences; it is written once on the time-line, and told when the window is over."""
    if incident.quiet_until and incident.quiet_until > clock.now():
        return incident.quiet_until
    ids = list(incident.stations.values_list("pk", flat=True))
    if not ids or stations.in_maintenance(ids) != set(ids):
        return None
    text = _("Nobody is told: it is in maintenance")
    if not incident.entries.filter(kind=EntryKind.TOLD, text=text, at__gte=incident.opened_at).exists():
        write(incident, EntryKind.TOLD, text)
    return clock.now() + SILENT


def policy_of(incident: Incident) -> EscalationPolicy | None:
    """The rule's, else the organization's default; None when the incident is not bad enough for it."""
    policy = _chain_of(incident)
    return policy if policy and incident.severity >= policy.least_severity else None


def _chain_of(incident: Incident) -> EscalationPolicy | None:
    named = incident.rule.policy if incident.rule else None
    return named or EscalationPolicy.objects.filter(organization=incident.organization_id, default=True).first()


def contacts_for(incident: Incident) -> list[Recipient]:
    """Operators of the organization who want to hear of this severity at this site."""
    rows = Recipient.objects.filter(
        organization=incident.organization_id, audience=Audience.OPERATOR, least_severity__lte=incident.severity
    )
    return [row for row in rows.prefetch_related("sites", "destinations").order_by("pk") if sees(row, incident)]


def sees(recipient: Recipient, incident: Incident) -> bool:
    sites = {site.pk for site in recipient.sites.all()}
    return not sites or incident.site_id in sites


def _tell_all(incident: Incident) -> None:
    """Without a chain: everybody at once, once. Nobody who wants to hear of so little is no trouble of its own."""
    wanted = contacts_for(incident)
    told = [_tell(incident, who, incident.severity >= Severity.CRITICAL) for who in wanted]
    Incident.objects.filter(pk=incident.pk).update(level=F("level") + 1)
    if not wanted and _is_small(incident):
        write(incident, EntryKind.TOLD, _("Nobody is to be told: it is below the severity from which people are told"))
    elif not any(told):
        _tell_owners(incident)


def _is_small(incident: Incident) -> bool:
    """Below serious, below what the chain is for, or below what anybody who watches the place wants to hear of."""
    chain = _chain_of(incident)
    watching = Recipient.objects.filter(organization=incident.organization_id, audience=Audience.OPERATOR)
    least = [row.least_severity for row in watching.prefetch_related("sites") if sees(row, incident)]
    bounds = [Severity.SERIOUS, chain.least_severity if chain else 0, min(least, default=0)]
    return incident.severity < max(bounds)


def _climb(incident: Incident, policy: EscalationPolicy, levels: Sequence[EscalationLevel]) -> None:
    """The next level that reaches somebody; a level that reaches nobody costs no time."""
    place = incident.level
    first_wait = timedelta(minutes=levels[0].after_minutes)
    begun = incident.opened_at + first_wait
    if not incident.level and not incident.round and incident.telling == 1 and begun > clock.now():
        Incident.objects.filter(pk=incident.pk).update(escalate_at=begun)
        return
    reached = False
    while place < len(levels) and not reached:
        who = target_of(levels[place])
        incident.level = place  # what the telling's step says
        reached = who is not None and sees(who, incident) and _tell(incident, who, urgent=True)
        if not reached:
            write(incident, EntryKind.TOLD, _("Level %(level)s reaches nobody") % {"level": place + 1})
        place += 1
    _plan_next(incident, policy, levels, place)
    if not reached and not incident.tellings.filter(kind=TellingKind.OPENED, dropped=False).exists():
        _tell_owners(incident)


def _plan_next(incident: Incident, policy: EscalationPolicy, levels: Sequence[EscalationLevel], place: int) -> None:
    now = clock.now()
    if place < len(levels):
        fields: dict[str, Any] = {"level": place, "escalate_at": now + timedelta(minutes=levels[place].after_minutes)}
    elif incident.round < policy.repeat:
        wait = max(ROUND_AFTER, *(level.after_minutes for level in levels))
        fields = {"level": 0, "round": incident.round + 1, "escalate_at": now + timedelta(minutes=wait)}
    else:
        fields = {"level": place}
    Incident.objects.filter(pk=incident.pk).update(policy=policy, **fields)


def target_of(level: EscalationLevel) -> Recipient | None:
    if level.schedule:
        return duty.on_call(schedule=level.schedule, at=clock.now())
    return level.recipient


def _tell(incident: Incident, who: Recipient, urgent: bool) -> bool:
    """Writes that `who` is to hear of it, once a step. False when no way leads to him."""
    if not people.reachable(who):
        return False
    step = f"opened:{incident.telling}.{incident.round}.{incident.level}"
    now = clock.now()
    _row, created = Telling.objects.get_or_create(
        incident=incident, recipient=who, step=step,
        defaults={"kind": TellingKind.OPENED, "urgent": urgent, "created_at": now, "due_at": now},
    )  # fmt: skip
    if created:
        write(incident, EntryKind.TOLD, _("%(who)s is told") % {"who": who})
    Incident.objects.filter(pk=incident.pk, told_at=None).update(told_at=now)
    nudge("alerts.tell")
    return True


def _tell_owners(incident: Incident) -> None:
    """Nobody can be reached: that is trouble of its own, and the owners hear of both."""
    owners = Membership.objects.filter(organization=incident.organization_id, role="owner", user__is_active=True)
    write(incident, EntryKind.TOLD, _("Nobody could be told: no contact can be reached"))
    for membership in owners.select_related("user", "organization"):
        notify(
            key=f"unreached:{incident.pk}:{incident.telling}:{membership.pk}",
            template="incident_unreached",
            to=membership.user.email,
            organization_id=incident.organization_id,
            incident=incident,
            language=membership.organization.language,
            context={"incident": incident, "page": page_of(incident), "contacts": settings.PUBLIC_URL + _contacts()},
        )


def page_of(incident: Incident) -> str:
    return settings.PUBLIC_URL + reverse("incident", args=[incident.pk])


def _contacts() -> str:
    return reverse("alert-contacts")


# Over ----------------------------------------------------------------------------------------------------


def tell_resolved(*, incident_id: int) -> int:
    """Who was told that it is open hears that it is over; who was only about to be told hears nothing at all."""
    with transaction.atomic():
        incident = Incident.objects.get(pk=incident_id)
        if incident.state != IncidentState.RESOLVED:
            return 0
        stop(incident=incident)
        heard = Telling.objects.filter(
            incident=incident, kind=TellingKind.OPENED, dropped=False, notification__isnull=False
        )
        step, now = f"resolved:{incident.telling}", clock.now()
        rows = [
            Telling(
                incident=incident, recipient_id=pk, step=step, kind=TellingKind.RESOLVED, created_at=now, due_at=now
            )
            for pk in sorted(set(heard.values_list("recipient_id", flat=True)))
        ]  # fmt: skip
        Telling.objects.bulk_create(rows, ignore_conflicts=True)
    nudge("alerts.tell")
    return len(rows)


# Messages ------------------------------------------------------------------------------------------------


def flush() -> int:
    """Makes messages of the tellings that are due, person by person; returns how many messages."""
    due = Telling.objects.filter(done_at=None, due_at__lte=clock.now())
    people_ids = due.order_by("recipient_id").values_list("recipient_id", flat=True).distinct()
    return sum(_flush_one(pk) for pk in list(people_ids))


def _flush_one(recipient_id: int) -> int:
    """The first few go one by one; what comes then within a minute waits for its end and goes on one list."""
    with transaction.atomic():
        Recipient.objects.select_for_update().get(pk=recipient_id)  # one worker a person: the count below is his alone
        now = clock.now()
        due = Telling.objects.filter(recipient=recipient_id, done_at=None, due_at__lte=now)
        rows = list(
            due.select_related("incident__site", "incident__organization", "recipient").order_by(
                "-incident__severity", "pk"
            )
        )
        held = [row for row in rows if row.due_at > row.created_at]
        fresh = [row for row in rows if row.due_at <= row.created_at]
        sent = _send(held) if held else 0
        lately = _sent_lately(recipient_id, now)
        room = max(0, STORM_AFTER - len(lately))
        sent += sum(_send([row]) for row in fresh[:room])
        Telling.objects.filter(pk__in=[row.pk for row in fresh[room:]]).update(due_at=min([now, *lately]) + STORM)
    return sent


def _sent_lately(recipient_id: int, now: datetime) -> list[datetime]:
    """When he got each message of the last minute."""
    rows = Telling.objects.filter(recipient=recipient_id, done_at__gt=now - STORM, dropped=False)
    moments = rows.exclude(notification=None).order_by("notification").values_list("notification", "done_at")
    return [at for at in dict(moments).values() if at is not None]


def _send(rows: list[Telling]) -> int:
    """One message for one telling, or a list of many. 0 when somebody was faster."""
    ids = [row.pk for row in rows]
    if Telling.objects.filter(pk__in=ids, done_at=None).update(done_at=clock.now()) != len(ids):
        return 0
    first = rows[0]
    notification = _single(first) if len(rows) == 1 else _listed(rows)
    if notification is None:
        Telling.objects.filter(pk__in=ids).update(dropped=True)
        return 0
    Telling.objects.filter(pk__in=ids).update(notification=notification)
    return 1


def _single(row: Telling) -> Notification | None:
    incident = row.incident
    opened = row.kind == TellingKind.OPENED
    return _notify(
        row,
        key=f"telling:{row.pk}",
        template=f"incident_{row.kind}",
        incident=incident,
        context={
            "incident": incident,
            "page": page_of(incident),
            "zone": zone_of(incident),
            "acknowledge": settings.PUBLIC_URL + reverse("incident-have", args=[row.token]) if opened else "",
        },
    )


def _listed(rows: list[Telling]) -> Notification | None:
    by_kind: dict[str, list[Incident]] = defaultdict(list)
    for row in rows[:LISTED]:
        by_kind[row.kind].append(row.incident)
    return _notify(
        rows[0],
        key=f"telling:{rows[0].pk}",
        template="incident_storm",
        incident=None,
        context={
            "opened": by_kind[TellingKind.OPENED],
            "resolved": by_kind[TellingKind.RESOLVED],
            "total": len(rows),
            "more": max(0, len(rows) - LISTED),
            "page": settings.PUBLIC_URL + reverse("incidents"),
        },
    )


def _notify(row: Telling, **fields: Any) -> Notification | None:
    """Any: as notify takes it. None when the person can be reached no more."""
    if not people.reachable(row.recipient):
        return None
    return notify(recipient=row.recipient, organization_id=row.incident.organization_id, urgent=row.urgent, **fields)
