"""What a station's display shows of the cost: while it runs at most once a minute, and what it was in the end.

Nothing of this is on the path of a reading: a sweep looks at running sessions of stations that are there.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final, NamedTuple

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import translation

from billing import lookup, wording
from billing.models import Bill, CostShown, PriceSnapshot
from billing.pricing import Activity, Period, Terms, price
from billing.reckoning import priced
from billing.terms import Kind
from billing.vocabulary import BillState, FundingSource
from evcms.core import clock
from evcms.core.figures import amount
from evcms.core.money import to_major
from evcms.core.prepared import PreparedMany
from sessions.models import ChargingSession, MeterSample
from sessions.vocabulary import SessionState
from stations import queries
from stations import services as stations
from stations.commands import ShowCost, ShowPrice
from stations.models import Station, Variable

from . import stationprices

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(seconds=60)
FINAL_WITHIN: Final = timedelta(days=1)  # later nobody stands there any more
MOST: Final = 200  # of one look; the longest waiting first
ORIGIN: Final = "cost display"
OLD: Final = "ocpp1.6"
WANTS: Final = ("", "CustomDisplayCostAndPrice")  # 1.6: "OCPP & California Pricing Requirements"
DISPLAY: Final = "TariffCostCtrlr"
MWH_PER_WH: Final = 1000
# Prepared: a station asks with every card that it reads and with every session that ends
_BILLS_OF: Final = PreparedMany(
    lambda session_ids: (
        Bill.objects.filter(session_id__in=session_ids, snapshot__isnull=False)
        .order_by()
        .select_related("session", "snapshot")
    ),
    int,
)
_SHOWS_PRICES: Final = PreparedMany(
    lambda station_ids: (
        Variable.objects.filter(
            Q(component=DISPLAY, variable="Enabled", variable_instance="Tariff")
            | Q(component=WANTS[0], variable=WANTS[1]),
            station_id__in=station_ids,
            value__iexact="true",
        )
        .order_by("station_id")
        .select_related("station")
    ),
    int,
)


def show_costs() -> int:
    """The sweep: running costs that are a minute old, and final ones that were not told. Returns how many were sent."""
    now = clock.now()
    old = Q(cost_shown=None) | Q(cost_shown__at__lte=now - EVERY)
    running = _priced(ChargingSession.objects.filter(old, ended_at=None, bill__state=BillState.OPEN))
    untold = Q(cost_shown__final=False) | Q(cost_shown=None, bill__source=FundingSource.STATION)
    ended = ChargingSession.objects.filter(untold, ended_at__gte=now - FINAL_WITHIN, bill__final_at__isnull=False)
    sent = 0
    for session in [*_willing(_priced(ended)), *_willing(running)]:
        try:
            with transaction.atomic():
                sent += _show(session)
        except Exception:  # one broken row must not hide the others
            log.exception("cost not shown", session=session.public_id)
    return sent


def _priced(sessions: QuerySet[ChargingSession]) -> QuerySet[ChargingSession]:
    rows = sessions.filter(bill__snapshot__isnull=False).select_related("station", "bill__snapshot", "cost_shown")
    return rows.order_by("cost_shown__at", "pk")


def _willing(sessions: QuerySet[ChargingSession]) -> Iterable[ChargingSession]:
    """Of stations that are there and can show a cost: 1.6 must say so (or take the money), 2.x may say it cannot."""
    ids = list(sessions.values_list("station_id", flat=True).distinct())
    there = queries.online_ids(ids)
    said = Variable.objects.filter(station_id__in=there)
    old = said.filter(component=WANTS[0], variable=WANTS[1], value__iexact="true")
    new = said.filter(component=DISPLAY, variable__in=("Enabled", "Available"), variable_instance="Cost")
    silent = set(new.filter(value__iexact="false").values_list("station_id", flat=True))
    with_display = set(old.values_list("station_id", flat=True))
    rows = sessions.filter(station_id__in=there - silent)
    can = ~Q(protocol=OLD) | Q(station_id__in=with_display) | Q(bill__source=FundingSource.STATION)
    return rows.filter(can)[:MOST]


def _show(session: ChargingSession) -> int:
    """Tells the station, unless it knows already. 1 when something was sent."""
    bill, final = session.bill, session.ended_at is not None
    total = bill.total_minor if final else priced(session, _snapshot(bill)).total
    before: CostShown | None = getattr(session, "cost_shown", None)
    fresh = {"total_minor": total, "at": clock.now(), "final": final}
    CostShown.objects.update_or_create(session=session, defaults=fresh)
    if before is not None and before.total_minor == total and not final:
        return 0
    stations.send(station=session.station, command=_command(session, bill, total), origin=ORIGIN, expires_in=30)
    return 1


def _snapshot(bill: Bill) -> PriceSnapshot:
    assert bill.snapshot is not None  # `_priced` asked for those alone
    return bill.snapshot


def _command(session: ChargingSession, bill: Bill, total: int) -> ShowCost:
    terms = lookup.frozen_terms(_snapshot(bill))
    final = session.ended_at is not None
    with translation.override(session.driver.language if session.driver and session.driver.language else None):
        text = amount(total, bill.currency)
    return ShowCost(
        transaction_id=session.transaction_id,
        cost=to_major(total, bill.currency),
        currency=bill.currency,
        final=final,
        text=text,
        at=session.last_sample_at or session.started_at,
        meter_wh=_register(session) // MWH_PER_WH,
        idle=session.state == SessionState.SUSPENDED_EV,
        per_kwh=_unit(terms, Kind.ENERGY),
        per_hour=_unit(terms, Kind.TIME),
        per_start=_unit(terms, Kind.FLAT),
        idle_per_hour=_unit(terms, Kind.PARKING_TIME),
    )


def _register(session: ChargingSession) -> int:
    rows = MeterSample.objects.filter(session=session, energy_mwh__isnull=False, quarantined=False)
    return rows.order_by("-at").values_list("energy_mwh", flat=True).first() or session.meter_start_mwh or 0


def _unit(terms: Terms, kind: Kind) -> Decimal | None:
    """The one price of a kind; a display of 1.6 knows no more than one."""
    prices = {component.price for _element, component in terms.of_kind(kind)}
    return prices.pop() if len(prices) == 1 else None


def final_cost(*, session_id: int) -> Decimal | None:
    """For the answer to a session's end (2.x, totalCost): what the bill will say, in major units. None without a price.

    One query when the price needs no times; the bill itself is made by a worker, from the same rows.
    """
    return final_costs(session_ids=[session_id]).get(session_id)


def final_costs(*, session_ids: Sequence[int]) -> dict[int, Decimal]:
    """As `final_cost`, by session. Without those that nobody knows a price of."""
    return {bill.session_id: _final_cost(bill) for bill in _BILLS_OF.rows([(pk,) for pk in sorted(session_ids)])}


def _final_cost(bill: Bill) -> Decimal:
    if bill.final_at is not None:
        return to_major(bill.total_minor, bill.currency)
    session, snapshot = bill.session, _snapshot(bill)
    terms = lookup.frozen_terms(snapshot)
    if terms.needs_time or session.ended_at is None:
        return to_major(priced(session, snapshot).total, bill.currency)
    end = max(session.started_at, session.ended_at)
    whole = Period(session.started_at, end, Activity.CHARGING, max(0, session.energy_mwh))
    return to_major(price(terms, [whole]).total, bill.currency)


class Shown(NamedTuple):
    """Who reads it: the token that was accepted, empty for anybody, and its driver's language."""

    token_value: str
    language: str


def price_text(*, station_id: int, token_value: str = "", language: str = "") -> str:
    """What a display says of the price to a driver who has just identified ("0.49 €/kWh"): his group's, when it has one
    of its own; empty where it asks nobody.

    Told where the station has said that it shows prices (TariffCostCtrlr Enabled[Tariff], 1.6 its own key).
    """
    return price_texts(drivers={station_id: Shown(token_value, language)}).get(station_id, "")


def price_texts(*, drivers: Mapping[int, Shown]) -> dict[int, str]:
    """As `price_text`, by station, for the drivers who have identified there. Without stations that say none."""
    rows = _SHOWS_PRICES.rows([(station_id,) for station_id in sorted(drivers)])
    asking = {row.station_id: row.station for row in rows}
    texts = {pk: _price_text(station, drivers[pk]) for pk, station in asking.items()}
    return {pk: text for pk, text in texts.items() if text}


def _price_text(station: Station, driver: Shown) -> str:
    if station.organization_id is None:
        return ""
    group = stationprices.group_of(station.organization_id, driver.token_value) if driver.token_value else None
    tariff = lookup.tariff_in_force(
        organization_id=station.organization_id, site_id=station.site_id, station_id=station.pk, connector_id=None,
        at=clock.now(), group_id=group,
    )  # fmt: skip
    if tariff is None:
        return ""
    with translation.override(driver.language or None):
        return "; ".join(line.sentence for line in wording.price_lines(lookup.terms_of(tariff)))


def show_prices(*, drivers: Mapping[int, Shown]) -> None:
    """1.6: the price comes as a message of its own (SetUserPrice), where the station shows prices at all."""
    for pk, text in price_texts(drivers=drivers).items():
        command = ShowPrice(drivers[pk].token_value, text)
        stations.send(station=Station.objects.get(pk=pk), command=command, origin=ORIGIN, expires_in=30)
