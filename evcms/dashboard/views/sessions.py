"""Sessions and attempts: lists, and what happened in one session and what it cost."""

from typing import Any, Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from billing.queries.guards import offline_guard
from billing.vocabulary import BillState, FundingSource, PaymentState
from evcms.core.access import Access, Permission
from evcms.dashboard import export
from evcms.dashboard.access import operator
from evcms.dashboard.context import address
from evcms.dashboard.forms import AttemptFilter, SessionFilter, SiteChoice, wishes
from evcms.dashboard.jsontext import pretty
from evcms.dashboard.queries import changes as corrections
from evcms.dashboard.queries import charges, listing, tries
from evcms.dashboard.queries.street import who
from evcms.dashboard.sorting import ordered, paged
from sessions import queries, services
from sessions.models import ChargingSession, Driver
from sessions.vocabulary import AttemptStage
from stations.models import Site
from stations.queries import visible_sites

Context = dict[str, Any]  # Any: template context
SORTS = {
    "started": "started_at",
    "ended": "ended_at",
    "energy": "energy_mwh",
    "power": "max_power_w",
    "station": "station__identity",
    "cost": "bill__total_minor",
}
COLUMNS = (
    "id", "transaction_id", "site", "station", "connector", "state", "started_utc", "ended_utc", "energy_kwh",
    "max_power_w", "token", "driver", "cost", "currency", "bill", "authorized", "estimated", "incomplete",
    "stop_reason",
)  # fmt: skip
ATTEMPT_COLUMNS = (
    "at_utc", "station", "connector", "how", "state", "stage", "cause", "rule", "counted", "seen", "detail", "token",
    "driver", "session",
)  # fmt: skip
PLUG = ("station__identity", "station__name", "connector__evse__number", "connector__number")
DRIVER = ("driver", "driver__name", "driver__email")
EXPORTED = (  # what `_row` takes
    "public_id", "transaction_id", "site__name", *PLUG, "state", "started_at", "ended_at", "energy_mwh", "max_power_w",
    "token_value", *DRIVER, "bill__total_minor", "bill__currency", "bill__state", "bill__final_at", "authorized",
    "estimated", "incomplete", "stop_reason",
)  # fmt: skip
ATTEMPTS_EXPORTED = (  # what `_attempt_row` takes
    "at", *PLUG, "kind", "state", "stage", "party", "rule", "counted", "cause", "detail", "token_value", *DRIVER,
    "session__public_id",
)  # fmt: skip
ATTEMPT_SORTS = {
    "at": "at", "station": "station__identity", "state": "state", "cause": "party", "kind": "kind", "stage": "stage",
}  # fmt: skip


def _sites(access: Access) -> QuerySet[Site]:
    return visible_sites(access).order_by("name")


def _models(access: Access) -> list[str]:
    return sorted({model for model, _firmware in listing.kinds(access) if model})


def _asked(form: SiteChoice) -> dict[str, Any]:
    """Any: cleaned values."""
    return wishes(form) if form.is_bound else dict.fromkeys(form.fields, "")


@require_GET
@operator()
def sessions(request: HttpRequest, access: Access) -> HttpResponseBase:
    form = SessionFilter(request.GET or None, sites=_sites(access))
    wish = _asked(form)
    rows = ordered(request, queries.with_links(charges.session_list(access, wish)), SORTS, "-started")
    if export.wanted(request):
        told = rows.values_list(*EXPORTED).iterator(chunk_size=1000)
        return export.as_csv(request, "sessions", COLUMNS, map(_row, told))
    page = paged(request, rows, sparse=bool(wish["q"]))
    charges.priced(page)
    context: Context = {
        "form": form,
        "page": page,
        "narrowed": any(wish.values()),
        "flow": queries.now(access),
        "zone": access.organization.time_zone,
    }
    return render(request, "dashboard/sessions/list.html", context)


def _row(row: tuple[Any, ...]) -> tuple[object, ...]:
    """Any: the columns EXPORTED."""
    (public_id, transaction, site, identity, *plug, state, started, ended, energy, power, token, driver, name, email,
     minor, currency, bill, final_at, authorized, estimated, incomplete, reason) = row  # fmt: skip
    return (
        public_id, transaction, site, identity, _plug(identity, *plug), state, started, ended, export.kwh(energy),
        power, token, _driver(driver, name, email), export.major(minor, currency) if final_at else None, currency, bill,
        _yes(authorized), _yes(estimated), _yes(incomplete), reason,
    )  # fmt: skip


def _attempt_row(row: tuple[Any, ...]) -> tuple[object, ...]:
    """Any: the columns ATTEMPTS_EXPORTED."""
    (at, identity, *plug, kind, state, stage, party, rule, counted, cause, detail, token, driver, name, email,
     session_id) = row  # fmt: skip
    return (
        at, identity, _plug(identity, *plug), kind, state, AttemptStage(stage).label, party, rule, _yes(counted), cause,
        detail, token, _driver(driver, name, email), session_id,
    )  # fmt: skip


def _plug(identity: str, name: str, evse: int | None, number: int | None) -> str:
    """As `str(connector)` says it, from columns; "" without a connector."""
    if evse is None or number is None:
        return ""
    return f"{name or identity} · {evse}" + (f".{number}" if number > 1 else "")


def _driver(pk: int | None, name: str | None, email: str | None) -> str:
    """As `str(driver)` says it, from columns; "" without a driver."""
    return "" if pk is None else str(Driver(pk=pk, name=name or "", email=email or ""))


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def session_or_404(access: Access, public_id: str) -> ChargingSession:
    try:
        return (
            queries.sessions(access)
            .select_related(
                "site", "station__site", "connector__evse", "connector__station", "id_token", "driver", "attempt"
            )
            .prefetch_related("discrepancies__resolved_by")
            .get(public_id=public_id)
        )
    except ChargingSession.DoesNotExist:
        raise Http404 from None


@require_GET
@operator()
def session(request: HttpRequest, access: Access, public_id: str) -> HttpResponse:
    row = session_or_404(access, public_id)
    zone = row.site.time_zone if row.site else access.organization.time_zone
    money = charges.money_of(access, row)
    readings = charges.readings_of([row])[row.pk]
    context: Context = {
        "session": row,
        "zone": zone,
        "money": money,
        "sentence": charges.sentence(row, money, _paid(money)),
        "who": who(row),
        "running": row.ended_at is None,
        "chart": charges.chart(row, readings, money, zone),
        "may_stop": row.ended_at is None and access.can(Permission.COMMAND),
        "live_url": f"/ws/live/sessions/{row.public_id}/",
    }
    if request.GET.get("part") == "now":
        return render(request, "dashboard/sessions/_now.html", context)
    changes = corrections.changes(row, zone)
    by_hand = corrections.corrected(changes, zone)
    context |= {
        "evidence": charges.evidence(row, readings, by_hand),
        "by_hand": by_hand,
        "doubts": charges.doubts(row),
        "guard": offline_guard(row),
        "steps": charges.steps(row),
        "changes": changes,
        "reviews": [each for each in row.discrepancies.all() if each.resolved_at],
        "messages_told": [(each, pretty(each.request), pretty(each.answer)) for each in charges.messages_of(row)],
        "may_see_money": access.can(Permission.MONEY),
        "may_see_accounts": access.all_sites,
        "may_give_tokens": access.can(Permission.TOKENS),
        "payment_steps": charges.payment_steps(money.payment) if money.payment else [],
        "payment_url": address("payment", money.payment.public_id) if money.payment else "",
    }
    return render(request, "dashboard/sessions/session.html", context)


OWN_MONEY: Final = {
    FundingSource.PREPAID: gettext_lazy("%(amount)s paid from a balance"),
    FundingSource.VOUCHER: gettext_lazy("%(amount)s paid with a voucher"),
}


def _paid(money: charges.Money) -> str:
    """The end of the head sentence, with a place for the amount; "" while nothing is settled."""
    state = money.bill.state if money.bill else ""
    source = money.bill.source if money.bill else ""
    if money.payment and money.payment.state == PaymentState.CAPTURED and source not in OWN_MONEY:
        return _("%(amount)s paid by card")
    words = {
        BillState.PAID: OWN_MONEY.get(FundingSource(source), gettext_lazy("%(amount)s paid")) if source else "",
        BillState.INVOICED: _("%(amount)s on the monthly statement"),
        BillState.DUE: _("%(amount)s being charged"),
        BillState.FREE: _("nothing to pay"),
        BillState.UNPAID: _("%(amount)s unpaid"),
        BillState.REVIEW: _("%(amount)s, which waits for a person to look"),
    }
    return str(words.get(BillState(state), "")) if state else ""


@require_POST
@operator(Permission.COMMAND)
def stop(request: HttpRequest, access: Access, public_id: str) -> HttpResponse:
    """Asks the station; the session ends when the station says so."""
    row = session_or_404(access, public_id)
    if row.ended_at is not None:
        messages.info(request, _("This session has ended already."))
    else:
        command = services.request_stop(session=row, origin=access.actor, access=access)
        if command.state == "offline":
            messages.error(request, _("The station is offline: it could not be asked. The session goes on."))
        else:
            messages.success(request, _("The station is asked to stop; the session ends when it says so."))
    back = request.META.get("HTTP_REFERER", "")
    if url_has_allowed_host_and_scheme(back, {request.get_host()}):
        return redirect(back)
    return redirect(reverse("session", args=[public_id]))


@require_GET
@operator()
def attempts(request: HttpRequest, access: Access) -> HttpResponseBase:
    form = AttemptFilter(request.GET or None, sites=_sites(access), models=_models(access))
    wish = _asked(form)
    rows = ordered(request, charges.attempt_list(access, wish), ATTEMPT_SORTS, "-at")
    if export.wanted(request):
        told = rows.values_list(*ATTEMPTS_EXPORTED).iterator(chunk_size=1000)
        return export.as_csv(request, "attempts", ATTEMPT_COLUMNS, map(_attempt_row, told))
    context: Context = {
        "form": form,
        "page": paged(request, rows, sparse=bool(wish["q"])),
        "narrowed": any(wish.values()),
        "wish": wish,
        "further": tries.further(request, form, wish),
    }
    return render(request, "dashboard/sessions/attempts.html", context)


@require_GET
@operator()
def attempt(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    row = queries.attempts(access).select_related("station__site", "site", "part_of").filter(pk=pk).first()
    if row is None:
        raise Http404
    if row.part_of is not None:
        return redirect("attempt", row.part_of.pk)
    payment = tries.payment_of(access, row)
    context: Context = {
        "attempt": row,
        "sentence": tries.sentence(row),
        "zone": row.station.site.time_zone if row.station.site else access.organization.time_zone,
        "stages": tries.stages(row),
        "clues": tries.clues(row),
        "steps": tries.steps(row, payment),
        "parts": row.parts.order_by("at"),
        "payment": payment,
        "may_make_token": access.can(Permission.TOKENS) and tries.strange_card(row),
        "messages_told": [(each, pretty(each.request), pretty(each.answer)) for each in tries.messages_of(row)],
    }
    return render(request, "dashboard/attempts/attempt.html", context)
