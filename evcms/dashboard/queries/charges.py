"""Sessions for people: lists, and one session with its curve, its price, its payment and its evidence."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet, prefetch_related_objects
from django.db.models.functions import ExtractHour
from django.utils.translation import gettext as _

from billing import wording
from billing.models import Bill, Payment
from billing.pricing import PARTS, Activity, Kind
from billing.queries import Cost, cost_by_now, cost_of, payment_of_session, running_costs
from billing.queries import timeline as payment_timeline
from evcms.core import clock
from evcms.core.access import Access, Permission
from evcms.core.models import User
from evcms.dashboard.forms import period
from evcms.dashboard.queries.changes import Corrected
from evcms.templatetags import figures
from sessions import queries as sessions
from sessions import success
from sessions.energy import ROUNDING_MWH
from sessions.models import Attempt, ChargingSession, Driver, MeterSample
from sessions.vocabulary import ReadingKind
from stations.models import OcppMessage
from stations.queries import messages

AROUND: Final = timedelta(minutes=5)  # messages of a session may come a little before and after it
MOST_MESSAGES: Final = 400


# Lists ------------------------------------------------------------------------------------------------------


def session_list(access: Access, wish: dict[str, Any]) -> QuerySet[ChargingSession]:
    """Any: cleaned values of SessionFilter. Days are the organization's."""
    zone = access.organization.time_zone
    since, until = period(wish["period"], zone)
    if wish["since"]:
        since = datetime.combine(wish["since"], datetime.min.time(), ZoneInfo(zone))
    if wish["until"]:
        until = datetime.combine(wish["until"] + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
    rows = sessions.filtered(
        sessions.sessions(access), state=wish["state"], site=int(wish["site"]) if wish["site"] else None,
        since=since, until=until, search=wish["q"].strip(), flag=wish["flag"],
    )  # fmt: skip
    return rows.select_related("bill", "attempt", "site", "station", "connector__evse", "connector__station",
                               "id_token", "driver")  # fmt: skip


def priced(rows: Iterable[ChargingSession]) -> None:
    """Gives each row that runs its `so_far`, the price up to now. One query; more, but as many for 50 rows as for
    one, where prices go by time; none when nothing runs.
    """
    running = {row.pk: row for row in rows if row.ended_at is None}
    for pk, cost in running_costs(list(running.values())).items() if running else ():
        running[pk].so_far = figures.amount(cost.total, cost.currency)  # type: ignore[attr-defined]


def attempt_list(access: Access, wish: dict[str, Any]) -> QuerySet[Attempt]:
    """Any: cleaned values of AttemptFilter."""
    zone = access.organization.time_zone
    since, until = period(wish["period"], zone)
    since, until = _first_moment(wish["since"], zone) or since, _first_moment(wish["until"], zone, 1) or until
    wanted = {"at__gte": since, "at__lt": until, "station__identity": wish["station"]}
    wanted |= {name: wish[name] for name in ("state", "cause", "kind", "party", "stage", "rule", "model", "firmware")}
    wanted |= {"stage__gte": wish["reached"]}
    rows = sessions.attempts(access).filter(part_of=None).select_related("station__site")
    rows = rows.filter(**{column: value for column, value in wanted.items() if value not in ("", None)})
    if wish["site"]:
        fresh = Q(judged_at=None, station__site=int(wish["site"]))
        rows = rows.filter(Q(site=int(wish["site"])) | fresh)
    if wish["counted"]:
        rows = rows.filter(counted=wish["counted"] == "yes")
    if wish["over"]:
        finished = Q(state__in=success.OVER)
        rows = rows.filter(finished if wish["over"] == "yes" else ~finished)
    if wish["hour"] != "":
        rows = rows.annotate(hour=ExtractHour("at", tzinfo=ZoneInfo(zone))).filter(hour=int(wish["hour"]))
    if wish["q"]:
        rows = rows.filter(sessions.mentioned(wish["q"].strip()))
    return rows


def _first_moment(day: date | None, zone: str, after: int = 0) -> datetime | None:
    return datetime.combine(day + timedelta(days=after), time(), ZoneInfo(zone)) if day else None


def is_driver(user: User) -> bool:
    return Driver.objects.filter(user=user).exists()


# One session --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Money:
    """Cost is for everybody who sees the session; `payment` for those with MONEY."""

    bill: Bill | None
    cost: Cost | None
    payment: Payment | None


NO_MONEY: Final = Money(None, None, None)


def money_of(access: Access, session: ChargingSession) -> Money:
    bill = Bill.objects.select_related("snapshot", "account", "statement").filter(session=session).first()
    final = bill is not None and bill.final_at is not None and bill.trace
    cost = cost_of(bill) if bill and final else cost_by_now(session=session, bill=bill) if bill else None
    payment = payment_of_session(session) if access.can(Permission.MONEY) else None
    if payment:
        prefetch_related_objects([payment], "receipts")  # the page asks for them several times
    return Money(bill, cost, payment)


def sentence(session: ChargingSession, money: Money, paid_by: str) -> str:
    """ "23.41 kWh in 48 min at Kade 12, 11.72 € paid by card"."""
    end = session.ended_at or clock.now()
    words = {
        "energy": figures.kwh(session.energy_mwh),
        "time": figures.duration(end - session.started_at),
        "place": session.connector or session.station,
    }
    said = _("%(energy)s in %(time)s at %(place)s") % words
    if session.ended_at is None:
        said = _("%(energy)s so far, in %(time)s at %(place)s") % words
    if money.cost and (money.cost.total_minor or money.cost.final):
        said += ", " + (paid_by or _("%(amount)s by now")) % {"amount": money.cost.total}
    return f"{said}."


class Reading(NamedTuple):
    at: datetime
    energy_mwh: int | None  # the register; drawn: since the start
    power_w: int | None
    offered_w: int | None
    soc_percent: int | None
    voltage_mv: int | None
    current_ma: int | None
    kind: int = ReadingKind.PERIODIC
    quarantined: bool = False
    extra: dict[str, Any] | None = None  # Any: what the station sent


def readings_of(sessions: Iterable[ChargingSession]) -> dict[int, list[Reading]]:
    """All of each session, oldest first. One query."""
    found: dict[int, list[Reading]] = {session.pk: [] for session in sessions}
    rows = MeterSample.objects.filter(session__in=list(found)).order_by("session_id", "at", "kind")
    for pk, *row in rows.values_list("session_id", *Reading._fields):
        found[pk].append(Reading(*row))
    return found


def curve(session: ChargingSession, readings: Sequence[Reading], most: int = sessions.MOST_POINTS) -> list[Reading]:
    """Those that count, thinned to about `most` points: of a stretch the highest power, the last of the rest."""
    counted = [each for each in readings if not each.quarantined]
    known = (each.energy_mwh for each in counted if each.energy_mwh is not None)
    start = session.meter_start_mwh if session.meter_start_mwh is not None else next(known, 0)
    step = max(1, -(-len(counted) // most))
    return [_thinned(counted[index : index + step], start) for index in range(0, len(counted), step)]


def _thinned(points: Sequence[Reading], start: int) -> Reading:
    def last(name: str) -> int | None:
        return next((known for point in reversed(points) if (known := getattr(point, name)) is not None), None)

    register = last("energy_mwh")
    powers = [point.power_w for point in points if point.power_w is not None]
    return Reading(
        points[-1].at, None if register is None else max(register - start, 0), max(powers, default=None),
        last("offered_w"), last("soc_percent"), last("voltage_mv"), last("current_ma"),
    )  # fmt: skip


def chart(
    session: ChargingSession, readings: Sequence[Reading], money: Money, zone: str, *, events: bool = True
) -> dict[str, Any] | None:
    """For static/evcms/chart.js, kind "session". Any: JSON. None without readings. Without `events` no query."""
    points = curve(session, readings)
    if len(points) < 2:
        return None
    return {
        "zone": zone,
        "t": [int(point.at.timestamp()) for point in points],
        "power_w": [point.power_w for point in points],
        "offered_w": [point.offered_w for point in points],
        "soc": [point.soc_percent for point in points],
        "energy_wh": [None if point.energy_mwh is None else point.energy_mwh // 1000 for point in points],
        "voltage_mv": [point.voltage_mv for point in points],
        "current_ma": [point.current_ma for point in points],
        "labels": {
            "power_w": _("Power"),
            "offered_w": _("Offered"),
            "soc": _("Battery"),
            "energy_wh": _("Energy"),
            "voltage_mv": _("Voltage"),
            "current_ma": _("Current"),
        },
        "periods": _periods(money),
        "events": [
            {"t": int(moment.at.timestamp()), "label": moment.text}
            for moment in (sessions.timeline(session) if events else ())
            if moment.kind not in ("start", "end", "request")
        ],
    }


def _periods(money: Money) -> list[dict[str, Any]]:
    """The trace's stretches with what they cost. Any: JSON."""
    trace = (money.bill.trace if money.bill else None) or {}
    terms: dict[str, Any] = money.bill.snapshot.terms if money.bill and money.bill.snapshot else {}
    currency = money.bill.currency if money.bill else ""
    drawn = []
    for begin, end, activity, _energy in trace.get("periods", []):
        drawn.append({"from": _seconds(begin), "to": _seconds(end), "label": _label(activity, terms, currency)})
    return drawn


def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())


def _label(activity: str, terms: dict[str, Any], currency: str) -> str:
    """The prices of that activity, without their hours. Any: billing.terms.Terms as JSON."""

    def per(kind: Kind) -> str:
        found = [
            component
            for element in terms.get("elements", [])
            for component in element["components"]
            if component["kind"] == kind
        ]
        texts = dict.fromkeys(
            wording.per(PARTS[kind], each["price"], currency) for each in found if each["price"] != "0"
        )
        return " / ".join(texts)

    if activity == Activity.CHARGING:
        return " + ".join(filter(None, [per(Kind.ENERGY), per(Kind.TIME)])) or _("charging")
    if activity == Activity.IDLE:
        return per(Kind.PARKING_TIME) or _("idle")
    return _("paused")


# Evidence -----------------------------------------------------------------------------------------------------


def evidence(session: ChargingSession, readings: Sequence[Reading], by_hand: Corrected) -> list[tuple[str, str]]:
    """Where the energy figure comes from, as (label, value) pairs."""
    kinds = {each.kind for each in readings}
    signed = any((each.extra or {}).get("signed") for each in readings)
    pairs = [
        (_("Energy"), figures.kwh(session.energy_mwh, 3)),
        (_("Meter at the start"), figures.kwh(session.meter_start_mwh, 3)),
        (_("Meter at the end"), figures.kwh(_stop_of(session), 3)),
        (_("Source"), _source(session, by_hand)),
        (_("Readings"), _("%(n)d, %(bad)d of them not counted") % {
            "n": len(readings), "bad": sum(each.quarantined for each in readings)}),
        (_("Begin and end readings"), _said(ReadingKind.BEGIN in kinds) + ", " + _said(ReadingKind.END in kinds)),
        (_("Signed by the meter"), _said(signed)),
    ]  # fmt: skip
    if session.clock_offset_ms:
        pairs.append((_("Station clock"), _("%(s)s wrong, taken off all times") % {
            "s": figures.duration(abs(session.clock_offset_ms) // 1000)}))  # fmt: skip
    return pairs


def _said(yes: bool) -> str:
    return _("yes") if yes else _("no")


def _stop_of(session: ChargingSession) -> int | None:
    return session.meter_stop_mwh if session.meter_stop_mwh is not None else session.meter_last_mwh


def _source(session: ChargingSession, by_hand: Corrected) -> str:
    if session.ended_at is None:
        return _("the register as last read; the session runs")
    if by_hand.energy:
        return _("set by hand: %(who)s") % {"who": by_hand.energy}
    if by_hand.begin or by_hand.end:
        who = by_hand.end or by_hand.begin
        return _("the readings between begin and end as a person corrected them: %(who)s") % {"who": who}
    if session.estimated:
        return _("estimated: the end was never reported, the last known reading counts")
    if session.meter_stop_mwh is None:
        return _("the last reading; the end carried no register")
    if abs(session.meter_stop_mwh - (session.meter_start_mwh or 0) - session.energy_mwh) > ROUNDING_MWH:
        return _("what the register gained from reading to reading; it ran back or jumped, so its end says otherwise")
    return _("the register at start and end, as the station reported it")


@dataclass(frozen=True)
class Doubt:
    """Why a person should look; `status` gives shape and colour."""

    status: str
    text: str


def doubts(session: ChargingSession) -> list[Doubt]:
    told = []
    if not session.authorized and session.energy_mwh:
        told.append(Doubt("warning", _("Energy flowed without an accepted token.")))
    if session.estimated:
        told.append(Doubt("warning", _("The end is estimated: the station never reported it.")))
    if session.incomplete:
        told.append(Doubt("incomplete", _("Events of this session are missing.")))
    if session.replayed:
        told.append(Doubt("info", _("It was reported after the fact, from the station's offline memory.")))
    for row in session.discrepancies.all():
        status = "resolved" if row.resolved_at else "review"
        why = str(row.detail.get("why", ""))
        text = str(row.get_kind_display())
        told.append(Doubt(status, f"{text[:1].upper()}{text[1:]}" + (f": {why}" if why else "")))
    return told


def messages_of(session: ChargingSession) -> list[OcppMessage]:
    """The exchanges that name this session's transaction, oldest first; cut at MOST_MESSAGES."""
    end = (session.ended_at or clock.now()) + AROUND
    rows = messages(session.station).filter(at__gte=min(session.started_at, session.start_received_at) - AROUND)
    rows = rows.filter(at__lte=max(end, (session.end_received_at or end) + AROUND))
    named = rows.filter(Q(request__contains=session.transaction_id) | Q(answer__contains=session.transaction_id))
    exact = re.compile(rf'"transactionId"\s*:\s*"?{re.escape(session.transaction_id)}"?\s*[,}}]')
    found = [row for row in named[:MOST_MESSAGES] if exact.search(row.request) or exact.search(row.answer)]
    return found[::-1]


@dataclass(frozen=True)
class Step:
    """A line for `components/timeline.html`."""

    status: str
    title: str
    at: datetime
    text: str = ""
    url: str = ""


MARKS: Final = {"start": "started", "request": "requested", "warning": "review", "watch": "info", "end": "ended"}


def steps(session: ChargingSession) -> list[Step]:
    return [
        Step(MARKS.get(moment.kind, "unknown"), moment.text, moment.at, moment.detail)
        for moment in sessions.timeline(session)
    ]


def payment_steps(payment: Payment) -> list[Step]:
    """Hold, capture, release, refund: with amounts."""
    told = []
    for row in payment_timeline(payment):
        amount = figures.amount(row.amount_minor, payment.currency) if row.amount_minor is not None else ""
        title = WORDS.get(row.kind, row.kind.replace("_", " ")).capitalize()
        told.append(Step(row.kind, " · ".join(filter(None, [title, amount])), row.at, row.text))
    return told


WORDS: Final = {"authorized": "held", "captured": "paid", "checkout": "at the payment page"}
