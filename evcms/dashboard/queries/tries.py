"""One attempt for people: what happened from its first sign, why it failed, and what the station said meanwhile."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from billing.models import Payment
from evcms.core.access import Access, Permission
from evcms.dashboard.queries.charges import Step, payment_steps
from evcms.dashboard.trywords import rule_text
from evcms.templatetags import figures
from sessions.models import Attempt
from sessions.services.tokens import find
from sessions.verdicts import BY_CLUE, Clue, Stage
from sessions.vocabulary import AttemptKind, AttemptStage, AttemptState, Party
from stations import faultwords
from stations.models import Command, OcppMessage, StatusChange
from stations.queries import messages

AROUND: Final = timedelta(minutes=1)
AFTER: Final = timedelta(minutes=2)
MOST: Final = 100
UNDER_WAY: Final = 3
COURSE: Final = {  # chargers tell whole seconds: of one second what leads to the other comes first
    "info": 0, "requested": 0, "preparing": 1, "started": 2, "finishing": 4, "ended": 5, "failed": 5, "available": 6,
}  # fmt: skip


@dataclass(frozen=True)
class Further:
    """A narrowing that no field above the list shows, and the address without it."""

    label: str
    value: str
    url: str


def further(request: HttpRequest, form: forms.Form, wish: dict[str, Any]) -> list[Further]:
    """Any: cleaned values."""
    told = []
    for bound in form.hidden_fields():
        value = wish.get(bound.name)
        if value in ("", None):
            continue
        rest = request.GET.copy()
        rest.pop(bound.name, None)
        rest.pop("page", None)
        told.append(Further(str(bound.label), _said(bound.name, value), f"?{rest.urlencode()}"))
    return told


def _said(name: str, value: Any) -> str:
    """Any: a cleaned value."""
    match name:
        case "rule":
            return rule_text(value)
        case "reached":
            return str(AttemptStage(value).label)
        case "hour":
            return f"{int(value):02}:00"
        case "over" | "counted":
            return _("yes") if value == "yes" else _("no")
    return str(value)


def sentence(attempt: Attempt) -> str:
    place = attempt.connector or attempt.station
    if attempt.state in (AttemptState.REQUESTED, AttemptState.STARTED):
        return _("Under way at %(place)s.") % {"place": place}
    if attempt.stage == Stage.ENDED_WELL:
        return _("It worked at %(place)s.") % {"place": place}
    words = {"place": place, "cause": Party(attempt.party).label if attempt.party else _("not yet known"),
             "why": rule_text(attempt.rule)}  # fmt: skip
    if not attempt.rule:
        return _("It failed at %(place)s. Cause: %(cause)s.") % words
    return _("It failed at %(place)s. Cause: %(cause)s. %(why)s.") % words


@dataclass(frozen=True)
class Reached:
    name: str
    at: datetime | None
    after: str  # since the first sign


def stages(attempt: Attempt) -> list[Reached]:
    first = attempt.first_at or attempt.at
    well = attempt.ended_at if attempt.stage == Stage.ENDED_WELL else None
    moments = (
        first, attempt.authorized_at, attempt.plugged_at, attempt.started_at, attempt.energy_at, well
    )  # fmt: skip
    return [
        Reached(str(capfirst(stage.label)), at, figures.duration(at - first) if at and at > first else "")
        for stage, at in zip(AttemptStage, moments, strict=True)
    ]


@dataclass(frozen=True)
class Told:
    """A clue: what it says, whose part it blames, and whether it decided."""

    text: str
    party: str
    why: str
    decides: bool


def clues(attempt: Attempt) -> list[Told]:
    found = [BY_CLUE[Clue(each)] for each in attempt.clues.split(",") if each in BY_CLUE]
    return [
        Told(rule_text(rule.clue), str(Party(rule.cause.value).label), rule.why, rule.clue == attempt.rule)
        for rule in found
    ]


def payment_of(access: Access, attempt: Attempt) -> Payment | None:
    return Payment.objects.filter(attempt=attempt).first() if access.can(Permission.MONEY) else None


def strange_card(attempt: Attempt) -> bool:
    """Was a card presented that we do not know, by now either? Two queries."""
    tapped = attempt.kind == AttemptKind.TAP and bool(attempt.token_value)
    return tapped and find(attempt.organization_id, attempt.token_value) is None


def steps(attempt: Attempt, payment: Payment | None) -> list[Step]:
    """Signs, what was asked of the station, its connector's words, and money, in their order."""
    told = [_sign(each) for each in (*attempt.parts.all(), attempt)]
    told += [
        Step("requested", _("Start asked of the station"), row.created_at, row.answer_status or row.error)
        for row in Command.objects.filter(remote_start_id=attempt.pk, station=attempt.station_id)
    ]
    told += [
        Step(row.status, str(row.get_status_display()), row.happened_at, faultwords.told(row.error_code))
        for row in _said_by(attempt)
    ]
    if attempt.started_at is not None:
        told.append(Step("started", _("Session started"), attempt.started_at))
    if attempt.energy_at is not None:
        told.append(Step("charging", _("Energy flows"), attempt.energy_at))
    if attempt.ended_at is not None:
        text = rule_text(attempt.rule) if attempt.rule else ""
        told.append(Step(attempt.state, str(capfirst(attempt.get_state_display())), attempt.ended_at, text))
    told += payment_steps(payment) if payment else []
    return sorted(told, key=lambda step: (step.at.replace(microsecond=0), COURSE.get(step.status, UNDER_WAY), step.at))


def _sign(attempt: Attempt) -> Step:
    return Step("info", str(capfirst(attempt.get_kind_display())), attempt.at, attempt.get_cause_display() or "")


def _window(attempt: Attempt) -> tuple[datetime, datetime]:
    first = min(filter(None, (attempt.first_at, attempt.plugged_at, attempt.at)))
    last = max(filter(None, (attempt.started_at, attempt.energy_at, attempt.at, attempt.at)))
    failed = attempt.ended_at if attempt.energy_at is None else None
    return first - AROUND, max(last, failed or last) + AFTER


def _said_by(attempt: Attempt) -> list[StatusChange]:
    since, until = _window(attempt)
    rows = StatusChange.objects.filter(connector=attempt.connector_id, station=attempt.station_id)
    return list(rows.filter(happened_at__gte=since, happened_at__lte=until).order_by("happened_at", "pk")[:MOST])


def messages_of(attempt: Attempt) -> list[OcppMessage]:
    """What the station and we said from the first sign until energy flowed or it failed."""
    since, until = _window(attempt)
    rows = messages(attempt.station).filter(at__gte=since, at__lte=until).exclude(action="Heartbeat")
    return list(rows.order_by("at")[:MOST])
