"""Where every kWh and its money is: the proof with its sessions, the ledger with its entries."""

from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing import services
from billing.book_forms import LedgerFilter, PeriodForm
from billing.models import JournalLine, ProofRun
from billing.proof import Part, Proof, Segment, from_json
from billing.queries import ledger as books
from billing.queries import proof as proofs
from billing.segments import BOOKS, LABELS, explained, meaning, proof_bar
from billing.standings import moved
from billing.views.common import whole_books
from billing.vocabulary import LedgerAccount, RunState
from evcms.core import clock, paging, sheets
from evcms.core.access import Access
from evcms.core.figures import amount
from evcms.core.form_fields import FIRST_DAY

Context = dict[str, Any]  # Any: template context


@login_required
@require_http_methods(["GET", "POST"])
def proof(request: HttpRequest) -> HttpResponse:
    """Proven while somebody waits where that is quick; else the newest result, its age, and "Check again" (POST).
    `?part=progress`: how far that is.
    """
    access = whole_books(request)
    form = PeriodForm(request.GET or None)
    zone = ZoneInfo(access.organization.time_zone)
    form.show_days(zone)
    first, last = form.days(zone)
    days = {"since": first.isoformat(), "until": last.isoformat()}
    if request.method == "POST":
        services.ask_proof(access=access, since=first, until=last)
        return redirect(reverse("proof") + "?" + urlencode(days))
    done, under_way = proofs.newest(access.organization, first, last)
    context: Context = {"form": form, "days": urlencode(days), "zone": access.organization.time_zone}
    context |= {"run": done, "under_way": under_way, "first": first, "last": last} | _waiting(done, under_way)
    if request.GET.get("part") == "progress":
        return _progress(request, context)
    if done is None:
        return render(request, "billing/proof_waits.html", context)
    made, shifted = from_json(done.result or {}), [tuple(row) for row in done.moved or []]
    context["moved_since"] = proofs.moved_since(done)
    first, last = done.since, done.until
    if request.GET.get("export") in ("csv", "xlsx"):
        return sheets.answer(request.GET["export"], "proof", PARTS, map(_part_row, made.parts))
    context |= {"first": first, "last": last} | _told(made, shifted, {"since": str(first), "until": str(last)})
    return render(request, "billing/proof.html", context)


def _waiting(done: ProofRun | None, under_way: ProofRun | None) -> Context:
    """How long the check has run, in seconds, and how long the last one took: it cannot say how far it is."""
    begun = under_way.started_at if under_way and under_way.state == RunState.RUNNING else None
    usual = done.finished_at - done.started_at if done and done.finished_at and done.started_at else None
    return {
        "waits": under_way is not None and under_way.finished_at is None,
        "elapsed": max(0, round((clock.now() - begun).total_seconds())) if begun else None,
        "usual": max(1, round(usual.total_seconds())) if usual else None,
    }


def _progress(request: HttpRequest, context: Context) -> HttpResponse:
    """The fragment that asks again by itself, and has the page loaded anew when there is something new to read."""
    answer = render(request, "billing/_proof_run.html", context)
    if not context["waits"]:
        answer["HX-Refresh"] = "true"
    return answer


def _told(made: Proof, moved: list[tuple[str, str, int]], days: dict[str, str]) -> Context:
    return {
        "proof": made,
        "bar": proof_bar(made),
        "segments": [_segment(made, segment, days) for segment in Segment],
        "books": [(BOOKS[book.name], book) for book in made.books if book.rows or book.journal],
        "tiles": _tiles(moved, urlencode(days), days["since"]),
        "totals": [(amount(billed, currency), amount(owed, currency)) for currency, billed, owed in _added(made)],
        "others": _others(made),
    }


def _added(made: Proof) -> list[tuple[str, int, int]]:
    """(currency, billed, owed) of all parts together."""
    sums: dict[str, tuple[int, int]] = {}
    for part in made.parts:
        if part.currency:
            billed, owed = sums.get(part.currency, (0, 0))
            sums[part.currency] = (billed + part.billed, owed + part.owed)
    return [(currency, *both) for currency, both in sorted(sums.items())]


def _others(made: Proof) -> list[str]:
    """By how much the bills that became final in these days differ from those of the sessions that ended in them."""
    parts = {currency: billed for currency, billed, _owed in _added(made)}
    books = {book.currency: book.rows for book in made.books if book.name == "billed"}
    differ = {currency: books.get(currency, 0) - parts.get(currency, 0) for currency in sorted({*books, *parts})}
    return [("+" if minor > 0 else "") + amount(minor, currency) for currency, minor in differ.items() if minor]


TILES: Final = (
    (LedgerAccount.CARD_CLEARING, gettext_lazy("At the payment provider")),
    (LedgerAccount.RECEIVABLE, gettext_lazy("Owed by drivers")),
    (LedgerAccount.FLEET_RECEIVABLE, gettext_lazy("Owed by fleets")),
    (LedgerAccount.PREPAID, gettext_lazy("Balances of drivers")),
    (LedgerAccount.DISPUTED, gettext_lazy("Held back by disputes")),
    (LedgerAccount.FEES, gettext_lazy("Fees of these days")),
    (LedgerAccount.BANK, gettext_lazy("Reached the bank in these days")),
    (LedgerAccount.WRITTEN_OFF, gettext_lazy("Written off in these days")),
)


def _tiles(moved: list[tuple[str, str, int]], days: str, since: str) -> list[tuple[object, str, str, str]]:
    """By the journal: (label, amount, where its lines are, of when it is). What drivers have paid ahead stands on the
    other side of the books than what is owed to us; both are shown as what is there.
    """
    ledger, ever = reverse("ledger"), days.replace(f"since={since}", f"since={FIRST_DAY}")
    return [
        (
            label,
            amount(-balance if account == LedgerAccount.PREPAID else balance, currency),
            f"{ledger}?{ever if account in books.LASTING else days}&account={account}",
            _("at the end of the period") if account in books.LASTING else "",
        )
        for account, label in TILES
        for name, currency, balance in moved
        if name == account and balance
    ]


PARTS = (
    "segment", "detail", "currency", "sessions", "energy_mwh", "billed_minor", "captured_minor", "refunded_minor",
    "written_off_minor", "owed_minor",
)  # fmt: skip


def _part_row(part: Part) -> list[object]:
    return [
        part.segment, part.detail, part.currency, part.sessions, part.energy_mwh, part.billed, part.captured,
        part.refunded, part.written_off, part.owed,
    ]  # fmt: skip


def _segment(made: Proof, segment: Segment, days: dict[str, str]) -> Context:
    def link(**more: str) -> str:
        return "?" + urlencode(days | {"segment": str(segment)} | more)

    parts = [part for part in made.parts if part.segment == segment]
    return {
        "name": segment,
        "label": LABELS[segment],
        "meaning": meaning(segment),
        "energy_mwh": made.energy(segment),
        "sessions": made.count(segment),
        "link": link() if made.count(segment) else "",
        "parts": [
            {"part": part, "text": explained(part), "link": link(detail=part.detail) if part.sessions else ""}
            for part in parts
        ],
    }


@login_required
@require_GET
def proof_sessions(request: HttpRequest) -> HttpResponse:
    """The sessions behind one line of the proof."""
    access = whole_books(request)
    form = PeriodForm(request.GET or None)
    since, until = form.span(ZoneInfo(access.organization.time_zone))
    wanted = request.GET.get("segment", "")
    segment = Segment(wanted) if wanted in set(Segment) else Segment.UNMETERED
    rows = proofs.sessions_of(access.organization, since, until)
    rows = proofs.in_segment(rows, segment, request.GET.get("detail"))
    rows = rows.select_related("station", "site", "bill").order_by("-started_at", "-pk")
    if request.GET.get("export") in ("csv", "xlsx"):
        told = ([row.public_id, str(row.station), row.ended_at and row.ended_at.isoformat(), row.energy_mwh,
                 *_price_of(row)] for row in rows.iterator(chunk_size=1000))  # fmt: skip
        return sheets.answer(request.GET["export"], f"sessions-{segment}", SESSIONS, told)
    context: Context = {
        "page": paging.paged(rows, 50, request.GET.get("page")),
        "label": LABELS[segment],
        "meaning": meaning(segment),
        "days": urlencode({name: request.GET[name] for name in ("since", "until") if request.GET.get(name)}),
        "query": request.GET.urlencode(),
        "zone": access.organization.time_zone,
    }
    return render(request, "billing/proof_sessions.html", context)


SESSIONS = ("session", "station", "ended_utc", "energy_mwh", "price_minor", "currency", "state")


def _price_of(session: Any) -> list[object]:
    """Any: a session with its bill, or none."""
    bill = getattr(session, "bill", None)
    return [bill.total_minor, bill.currency, bill.state] if bill else ["", "", ""]


@login_required
@require_GET
def ledger(request: HttpRequest) -> HttpResponse:
    access = whole_books(request)
    ever = moved(access.organization, None, None)
    form = LedgerFilter(request.GET or None, kinds=sorted({kind for _account, kind, _currency in ever}))
    zone = ZoneInfo(access.organization.time_zone)
    asked = form.cleaned_data if form.is_bound and form.is_valid() else {}
    since, until = form.span(zone) if asked.get("since") or asked.get("until") else (None, None)
    rows = _narrowed(books.lines(access), asked, access)
    rows = rows.filter(entry__at__gte=since, entry__at__lt=until) if since else rows
    if form.is_bound and not form.is_valid():
        rows = rows.none()
    if request.GET.get("export") in ("csv", "xlsx"):
        return sheets.answer(request.GET["export"], "ledger", books.COLUMNS, books.exported(rows, zone))
    page = paging.paged(rows, 100, request.GET.get("page"))
    standing = books.trial_balance(access, since, until) if since else books.standing(ever)
    context: Context = {
        "form": form,
        "standing": standing,
        "balanced": not any(_sums(standing).values()),
        "page": page,
        "lines": books.told(list(page.object_list)),
        "query": request.GET.urlencode(),
        "zone": access.organization.time_zone,
    }
    return render(request, "billing/ledger.html", context)


def _sums(standing: list[books.Standing]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in standing:
        sums[row.currency] = sums.get(row.currency, 0) + row.balance
    return sums


def _narrowed(rows: QuerySet[JournalLine], asked: Context, access: Access) -> QuerySet[JournalLine]:
    if asked.get("account"):
        rows = rows.filter(account=asked["account"])
    if asked.get("kind"):
        rows = rows.filter(entry__kind=asked["kind"])
    text = (asked.get("q") or "").strip()
    return books.about(rows, access, text) if text else rows
