"""The past of the network, from the invented history into rows: one transaction, everything or nothing."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.core.management.color import no_style
from django.db import connection
from django.db.models import Model

from billing.models import Bill, Payment, PaymentEvent, Receipt, ReceiptCounter
from billing.periods import Link
from evcms.demo import statuses, trouble
from evcms.demo.charging import Charging, Place
from evcms.demo.moments import Ears
from evcms.demo.money import Money
from evcms.demo.people import REFUSED_CARDS
from evcms.demo.street import Street
from evcms.demo.till import Till
from evcms.simulator.past import History, PastAttempt, PastOutage
from sessions import store
from sessions.models import Attempt, ChargingSession, IdToken, UsageHour
from sessions.services import tokens
from sessions.vocabulary import AttemptKind, AttemptState, FailureCause, TokenType
from stations.models import Command, StatusChange

BATCH: Final = 2_000
LATEST: Final = timedelta(minutes=40)  # what began later before `until` may not be over yet: unpaid pages, replays
PAID_IN_VAIN: Final = frozenset({"payment_declined", "remote_start_rejected", "cable_not_connected"})
Say = Callable[[str], None]


@dataclass(frozen=True)
class Loaded:
    """How many rows of each kind there are now."""

    sessions: int
    samples: int
    payments: int
    receipts: int
    statuses: int
    incidents: int


def until(history: History, moment: datetime) -> History:
    """The history without what was not over at that moment."""
    edge = moment - LATEST
    return replace(
        history,
        last=moment,
        sessions=tuple(one for one in history.sessions if one.end < edge),
        outages=tuple(one for one in history.outages if one.end < edge),
        attempts=tuple(one for one in history.attempts if one.at < edge),
    )


def places_of(street: Street, history: History) -> dict[tuple[str, int], Place]:
    outages: dict[str, list[PastOutage]] = defaultdict(list)
    for outage in history.outages:
        outages[outage.station].append(outage)
    ears = {identity: Ears.of(outages[identity]) for identity in street.stations}
    protocols = {station.identity: station.protocol for station in history.city.stations}
    return {
        key: Place(key, connector, protocols[key[0]], ears[key[0]])
        for key, connector in street.connectors.items()
    }


def load(street: Street, cards: dict[str, IdToken], history: History, till: Till, say: Say) -> Loaded:
    """Call inside a transaction. `history` is cut to what is over (`until`)."""
    places = places_of(street, history)
    charging = Charging(street, cards)
    money = Money(charging, till)
    say(f"  {len(history.sessions):,} sessions: readings, prices, payments …")
    _charge(history, places, charging, money)
    charging.attempts += [_refused(past, street, cards) for past in history.attempts if past.cause == "token_refused"]
    counters = money.number()
    say(f"  writing {len(charging.samples):,} readings, {len(money.receipts):,} receipts …")
    _write_charging(charging)
    _write_money(money, counters)
    said = statuses.Statuses(places, history.last)
    said.add(history, history.sessions)
    StatusChange.objects.bulk_create(said.changes, BATCH)
    said.leave()
    statuses.link(street.stations, places, history.first, history.last)
    incidents = trouble.load(street, places, list(history.outages))
    _restart_counting()
    return Loaded(
        len(charging.sessions), len(charging.samples), len(money.payments), len(money.receipts),
        len(said.changes), incidents,
    )  # fmt: skip


def _charge(
    history: History, places: dict[tuple[str, int], Place], charging: Charging, money: Money
) -> None:
    links = {
        key: [Link(since, closed) for since, closed in place.ears.links(history.first, history.last)]
        for key, place in places.items()
    }
    for past in history.sessions:
        key = (past.station, past.connector)
        money.add(past, charging.add(past, places[key]), places[key], links[key])
    for attempt in history.attempts:
        if attempt.channel == "guest" and attempt.cause in PAID_IN_VAIN and attempt.station:
            money.failed(attempt, places[(attempt.station, attempt.connector or 1)])


def _refused(past: PastAttempt, street: Street, cards: dict[str, IdToken]) -> Attempt:
    """Somebody held the wrong card to the reader: a blocked, an expired, an unknown one in turn."""
    values = [*REFUSED_CARDS, f"04C0FFEE{past.at.timestamp():.0f}"[:14]]
    value = values[int(past.at.timestamp()) % len(values)]
    organization = street.access.organization
    decision = tokens.decide(
        organization_id=organization.pk, value=value, token_type=TokenType.ISO14443, at=past.at
    )[1]
    return Attempt(
        organization=organization,
        station=street.stations[str(past.station)],
        kind=AttemptKind.TAP,
        state=AttemptState.FAILED,
        cause=FailureCause.TOKEN,
        detail=decision.verdict,
        token_value=value,
        at=past.at,
        ended_at=past.at,
    )


def _write_charging(charging: Charging) -> None:
    IdToken.objects.bulk_create(charging.guests, BATCH)
    Command.objects.bulk_create(charging.commands, BATCH)
    known = [attempt for attempt in charging.attempts if attempt.pk]
    Attempt.objects.bulk_create(known, BATCH)
    Attempt.objects.bulk_create([attempt for attempt in charging.attempts if not attempt.pk], BATCH)
    ChargingSession.objects.bulk_create(charging.sessions, BATCH)
    for start in range(0, len(charging.samples), BATCH):
        store.insert_samples(charging.samples[start : start + BATCH])
    UsageHour.objects.bulk_create(charging.usage_rows(), BATCH)


def _write_money(money: Money, counters: Sequence[ReceiptCounter]) -> None:
    Payment.objects.bulk_create(money.payments, BATCH)
    PaymentEvent.objects.bulk_create(sorted(money.events, key=lambda event: event.at), BATCH)
    Bill.objects.bulk_create(money.bills, BATCH)
    Receipt.objects.bulk_create(money.receipts, BATCH)
    ReceiptCounter.objects.bulk_create(counters)


def _restart_counting() -> None:
    """PostgreSQL counts on from where we stopped; SQLite does so by itself."""
    models: list[type[Model]] = [ChargingSession, Attempt, IdToken, Payment, Bill]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
