"""What waits for a person: oddities of sessions, attempts with contradicting evidence, prices that cannot stand."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.models import Bill
from billing.queries import bills_to_review
from evcms.core.access import Access, Permission
from evcms.dashboard.queries.tries import Told, clues
from evcms.templatetags import figures
from sessions import queries as sessions
from sessions.models import Attempt, ChargingSession, Discrepancy
from sessions.vocabulary import DiscrepancyKind

ATTEMPT: Final = "attempt"
BILL: Final = "bill"
MOST: Final = 200

DONE: Final = {
    DiscrepancyKind.UNKNOWN_STOP: gettext_lazy("The stop is kept as it was said and was applied to no session."),
    DiscrepancyKind.CONFLICTING_STOP: gettext_lazy("The first stop stands; the second is kept beside it."),
    DiscrepancyKind.UNKNOWN_TRANSACTION: gettext_lazy("The readings are kept with the station; nobody is billed."),
    DiscrepancyKind.REGISTER_JUMP: gettext_lazy("The reading is in quarantine and not counted."),
    DiscrepancyKind.REGISTER_RESET: gettext_lazy("Counting went on from the new register."),
    DiscrepancyKind.NEGATIVE: gettext_lazy("Nothing below zero is counted, and the price waits for you."),
    DiscrepancyKind.IMPLAUSIBLE: gettext_lazy("The energy stands as reported until you decide."),
    DiscrepancyKind.UNREADABLE: gettext_lazy("The value is kept verbatim and not counted."),
    DiscrepancyKind.SEQUENCE_GAP: gettext_lazy("The station was asked for what is missing; the bill waits a day."),
    DiscrepancyKind.START_LOST: gettext_lazy("The session begins with its first known moment."),
    DiscrepancyKind.STOP_LOST: gettext_lazy("The session was closed at its last sign of life, as an estimate."),
    DiscrepancyKind.CLOCK: gettext_lazy("The station's error was taken off all times."),
    DiscrepancyKind.AFTER_END: gettext_lazy("The readings are kept for proof and not billed."),
}
WORDS: Final = {
    "transaction_id": gettext_lazy("transaction"),
    "meter_stop_mwh": gettext_lazy("meter at the stop"),
    "register_mwh": gettext_lazy("register"),
    "offset_ms": gettext_lazy("clock wrong by"),
    "after": gettext_lazy("after number"),
    "before": gettext_lazy("before number"),
    "reason": gettext_lazy("stop reason"),
    "token": gettext_lazy("token"),
    "why": gettext_lazy("because"),
    "evse": gettext_lazy("EVSE"),
    "at": gettext_lazy("at"),
}


@dataclass(frozen=True)
class Kind:
    name: str
    label: str
    n: int


def waiting(access: Access) -> list[QuerySet[Any]]:
    """What the menu's badge counts. Prices are counted with Money. Any: rows of two models."""
    return [sessions.discrepancies(access), conflicting(access)]


def conflicting(access: Access) -> QuerySet[Attempt]:
    return sessions.attempts(access).filter(conflicting=True, decided_at=None, part_of=None)


def kinds(access: Access) -> list[Kind]:
    """What there is, with how many; at most 3 queries."""
    found: dict[str, int] = {}
    for kind in sessions.discrepancies(access).order_by().values_list("kind", flat=True):
        found[kind] = found.get(kind, 0) + 1
    told = [Kind(kind, str(capfirst(DiscrepancyKind(kind).label)), n) for kind, n in sorted(found.items())]
    if n := conflicting(access).order_by().count():
        told.append(Kind(ATTEMPT, _("Attempts with contradicting evidence"), n))
    if access.can(Permission.MONEY) and (n := bills_to_review(access).order_by().count()):
        told.append(Kind(BILL, _("Prices that wait"), n))
    return told


@dataclass(frozen=True)
class Item:
    """`row`: what it is about; `evidence`: pairs of label and value."""

    kind: str
    row: Discrepancy | Attempt | Bill
    session: ChargingSession | None
    evidence: list[tuple[str, str]]
    done: str
    clues: list[Told]


def told(row: Attempt | Bill | Discrepancy) -> Item:
    if isinstance(row, Attempt):
        return conflict(row)
    return price(row) if isinstance(row, Bill) else oddity(row)


def oddity(row: Discrepancy) -> Item:
    done = DONE[DiscrepancyKind(row.kind)]
    zone = row.station.site.time_zone if row.station.site else ""
    first = list(_first_stop(row.session, zone)) if row.kind == DiscrepancyKind.CONFLICTING_STOP else []
    return Item("discrepancy", row, row.session, [*first, *_evidence(row.detail, zone)], str(done), [])


def _first_stop(session: ChargingSession | None, zone: str) -> Iterable[tuple[str, str]]:
    """What the stop that stands said, to be compared with the second one's."""
    if session is None or session.ended_at is None:
        return
    yield _("The first stop, at"), figures.at_zone(session.ended_at, zone)
    if session.meter_stop_mwh is not None:
        yield _("Meter at the first stop"), figures.kwh(session.meter_stop_mwh, 3)
    if session.stop_reason:
        yield _("Stop reason of the first"), session.stop_reason


def conflict(row: Attempt) -> Item:
    done = _("Until you decide, the first rule of the table holds: %(party)s.") % {"party": row.get_party_display()}
    return Item(ATTEMPT, row, None, [], done, clues(row))


def price(row: Bill) -> Item:
    return Item(BILL, row, row.session, [(_("Why"), row.reason)], _("Nobody is charged until you decide."), [])


def _evidence(detail: dict[str, Any], zone: str) -> Iterable[tuple[str, str]]:
    """Any: JSON as it was kept."""
    for name, value in detail.items():
        if value in (None, "", []):
            continue
        if name.endswith("_mwh") and isinstance(value, int):
            said = figures.kwh(value, 3)
        elif name == "offset_ms":
            said = figures.duration(abs(value) // 1000)
        elif isinstance(value, list):
            said = _("%(n)d readings") % {"n": len(value)}
        elif name == "at":
            said = _moment(str(value), zone)
        else:
            said = str(value)
        yield str(capfirst(str(WORDS.get(name, name.replace("_", " "))))), said


def _moment(text: str, zone: str) -> str:
    """In the site's time; verbatim what is no moment."""
    try:
        at = parse_datetime(text)
    except ValueError:
        at = None
    return figures.at_zone(at, zone) if at is not None and at.tzinfo is not None else text
