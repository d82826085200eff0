"""Who is on call now and next, who stands in, and which chain wakes whom."""

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from alerts.forms import AlertSettingsForm, PolicyForm, ScheduleForm, SwapForm, targets
from alerts.models import AlertSettings, EscalationPolicy, OnCallOverride, OnCallSchedule, Recipient
from alerts.services import duty
from alerts.vocabulary import Audience
from evcms.core import clock
from evcms.core.access import Access, Permission

from .common import access_of, attempt

AHEAD: Final = timedelta(days=28)
EMPTY_LEVELS: Final = 2  # blank rows below a chain's levels


@login_required
@require_http_methods(["GET", "POST"])
def on_call(request: HttpRequest) -> HttpResponse:
    """Now, the next four weeks, and a form to swap. POST: swap, or end one (`end`)."""
    access = access_of(request)
    schedules = list(OnCallSchedule.objects.filter(organization=access.organization))
    if request.method == "POST":
        access.demand(Permission.INCIDENTS)
        if attempt(request, lambda: _swap(access, request), _("Saved.")):
            return redirect("on-call")
    now = clock.now()
    contacts = _contacts(access)
    rows = []
    for schedule in schedules:
        watches = duty.who_is_on(schedule=schedule, since=now, until=now + AHEAD)
        current = watches[0] if watches and watches[0].start <= now else None
        rows.append(
            {
                "schedule": schedule,
                "now": current,
                "next": watches[1:] if current else watches,
                "swaps": schedule.overrides.filter(ends_at__gt=now).select_related("recipient"),
                "form": SwapForm(contacts=contacts),
            }
        )
    policies = EscalationPolicy.objects.filter(organization=access.organization).prefetch_related(
        "levels__schedule", "levels__recipient"
    )
    context = {
        "rows": rows,
        "policies": policies,
        "may_swap": access.can(Permission.INCIDENTS),
        "may": access.can(Permission.PEOPLE),
    }
    return render(request, "alerts/on_call.html", context)


def _contacts(access: Access) -> list[Recipient]:
    rows = Recipient.objects.filter(organization=access.organization, audience=Audience.OPERATOR)
    return list(rows.order_by("name"))


def _swap(access: Access, request: HttpRequest) -> None:
    said = request.POST
    if ended := said.get("end", ""):
        rows = OnCallOverride.objects.filter(schedule__organization=access.organization)
        row = rows.select_related("schedule", "recipient").filter(pk=_id(ended)).first()
        if row:
            duty.end_swap(access=access, override=row)
        return
    rows_ = OnCallSchedule.objects.filter(organization=access.organization)
    schedule = rows_.filter(pk=_id(said.get("schedule", ""))).first()
    if schedule is None:
        raise ValidationError(_("This rota is gone."))
    duty.swap(
        access=access,
        schedule=schedule,
        recipient_id=_id(said.get("recipient", "")),
        starts_at=_moment(said.get("starts_at", ""), schedule.time_zone),
        ends_at=_moment(said.get("ends_at", ""), schedule.time_zone),
    )


def _id(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 18 else 0


def _moment(text: str, zone: str) -> datetime:
    """The rota's wall clock. Raises ValidationError."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        raise ValidationError(_("Give both moments, such as 2026-05-01 18:00.")) from None


@login_required
@require_http_methods(["GET", "POST"])
def schedule(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A rota and the order of its turns."""
    access = access_of(request, Permission.PEOPLE)
    row = get_object_or_404(OnCallSchedule, organization=access.organization, pk=pk) if pk else None
    form = ScheduleForm(request.POST or None, initial=_schedule_initial(access, row))
    if request.method == "POST":
        if row and "remove" in request.POST:
            duty.remove_schedule(access=access, schedule=row)
            return redirect("on-call")
        turns = [_id(text) for text in request.POST.getlist("turn") if text]
        if form.is_valid() and attempt(
            request,
            lambda: duty.save_schedule(access=access, schedule=row, recipients=turns, **form.cleaned_data),
            _("Saved."),
        ):
            return redirect("on-call")
    chosen = [turn.recipient_id for turn in row.turns.all()] if row else []
    context = {"form": form, "schedule": row, "contacts": _contacts(access), "turns": [*chosen, None, None]}
    return render(request, "alerts/schedule.html", context)


def _schedule_initial(access: Access, row: OnCallSchedule | None) -> dict[str, Any]:
    """Any: a form's initial values."""
    if row is None:
        zone = access.organization.time_zone
        return {"time_zone": zone, "starts_on": clock.now().astimezone(ZoneInfo(zone)).date(), "hand_over_at": "09:00"}
    return {
        "name": row.name, "time_zone": row.time_zone, "starts_on": row.starts_on, "turn_days": row.turn_days,
        "hand_over_at": row.hand_over_at,
    }  # fmt: skip


@login_required
@require_http_methods(["GET", "POST"])
def policy(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A chain and its levels."""
    access = access_of(request, Permission.PEOPLE)
    row = get_object_or_404(EscalationPolicy, organization=access.organization, pk=pk) if pk else None
    form = PolicyForm(request.POST or None, initial=_policy_initial(row))
    if request.method == "POST":
        if row and "remove" in request.POST:
            duty.remove_policy(access=access, policy=row)
            return redirect("on-call")
        if form.is_valid() and attempt(
            request,
            lambda: duty.save_policy(access=access, policy=row, levels=_levels(request), **form.cleaned_data),
            _("Saved."),
        ):
            return redirect("on-call")
    schedules = OnCallSchedule.objects.filter(organization=access.organization)
    context = {
        "form": form,
        "policy": row,
        "choices": targets(schedules, _contacts(access)),
        "levels": [*_shown(row), *([{"target": "", "after": 15}] * EMPTY_LEVELS)],
    }
    return render(request, "alerts/policy.html", context)


def _policy_initial(row: EscalationPolicy | None) -> dict[str, Any]:
    """Any: a form's initial values."""
    if row is None:
        return {}
    return {"name": row.name, "default": row.default, "least_severity": row.least_severity, "repeat": row.repeat}


def _shown(row: EscalationPolicy | None) -> list[dict[str, Any]]:
    """Any: template context."""
    return [
        {
            "target": f"s{level.schedule_id}" if level.schedule_id else f"r{level.recipient_id}",
            "after": level.after_minutes,
        }
        for level in (row.levels.all() if row else [])
    ]


def _levels(request: HttpRequest) -> list[duty.Level]:
    """The rows that name somebody, in their order. Raises ValidationError for minutes that are none."""
    pairs = zip(request.POST.getlist("target"), request.POST.getlist("after"), strict=False)
    found = []
    for target, after in pairs:
        if not target:
            continue
        if not after.isdigit() or len(after) > 4:
            raise ValidationError(_("A level waits 0 to 1440 minutes."))
        number = _id(target[1:])
        rota = target.startswith("s")
        found.append(duty.Level(int(after), number if rota else None, None if rota else number))
    return found


@login_required
@require_http_methods(["GET", "POST"])
def switches(request: HttpRequest) -> HttpResponse:
    """The master switch of automatic help, and the public status page."""
    access = access_of(request, Permission.PEOPLE)
    row = AlertSettings.objects.filter(organization=access.organization).first()
    form = AlertSettingsForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        attempt(request, lambda: duty.save_settings(access=access, **form.cleaned_data), _("Saved."))
        return redirect("alert-switches")
    return render(request, "alerts/switches.html", {"form": form, "slug": access.organization.slug, "row": row})
