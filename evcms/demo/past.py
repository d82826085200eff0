"""The past of the network, from the invented history into rows: one transaction, everything or nothing."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.core.management.color import no_style
from django.db import connection
from django.db.models import Model

from billing.models import Bill, JournalEntry, Payment, PaymentMethod, ReceiptCounter
from billing.periods import Link
from evcms.demo import bulk, statuses, tries, trouble
from evcms.demo.charging import STOPPED_BEFORE, Charging, Place
from evcms.demo.moments import Ears
from evcms.demo.money import Money
from evcms.demo.people import REFUSED_CARDS
from evcms.demo.street import Street
from evcms.demo.till import Till
from evcms.simulator.past import History, PastAttempt, PastOutage, PastSession
from sessions import store
from sessions.models import Attempt, ChargingSession, IdToken
from sessions.services import tokens
from sessions.vocabulary import AttemptKind, AttemptState, FailureCause, TokenType

READINGS_AT_ONCE: Final = 5_000
LATEST: Final = timedelta(minutes=40)  # what began later before `until` may not be over yet: unpaid pages, replays
LONG_ENOUGH: Final = timedelta(minutes=20)  # to owe something
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
    outages = tuple(one for one in history.outages if one.end < edge)
    ears = ears_of(history, outages)
    return replace(
        history,
        last=moment,
        sessions=tuple(_possible(one, ears[one.station]) for one in history.sessions if one.end < edge),
        outages=outages,
        attempts=tuple(one for one in history.attempts if one.at < edge),
    )


def ears_of(history: History, outages: Sequence[PastOutage]) -> dict[str, Ears]:
    by_station: dict[str, list[PastOutage]] = defaultdict(list)
    for outage in outages:
        by_station[outage.station].append(outage)
    return {station.identity: Ears.of(by_station[station.identity]) for station in history.city.stations}


def _possible(past: PastSession, ears: Ears) -> PastSession:
    """Nobody stops a station by phone that has no link: the cable was pulled."""
    asked = past.end - STOPPED_BEFORE
    if past.stop_reason != "Remote" or ears.heard(asked) == asked:
        return past
    return replace(past, stop_reason="EVDisconnected")


def places_of(street: Street, history: History) -> dict[tuple[str, int], Place]:
    ears = ears_of(history, history.outages)
    protocols = {station.identity: station.protocol for station in history.city.stations}
    return {key: Place(key, connector, protocols[key[0]], ears[key[0]]) for key, connector in street.connectors.items()}


def unlucky(history: History) -> PastSession | None:
    """The last charge with a card of the city's: it shall be one whose bank said no."""
    theirs = {driver.token for driver in history.city.drivers}
    long = (one for one in reversed(history.sessions) if one.token in theirs and one.end - one.start > LONG_ENOUGH)
    return next(long, None)


def load(
    street: Street, cards: dict[str, IdToken], history: History, till: Till, say: Say,
    refused: PastSession | None = None, on_file: dict[str, PaymentMethod] | None = None,
) -> Loaded:  # fmt: skip
    """Call inside a transaction. `history` is cut to what is over (`until`); `refused`: whose card on file failed;
    `on_file`: the cards that pay for tokens, by the token's value.
    """
    places = places_of(street, history)
    charging = Charging(street, cards, on_file or {})
    money = Money(charging, till)
    say(f"  {len(history.sessions):,} sessions: readings, prices, payments …")
    _charge(history, places, charging, money, refused)
    charging.attempts += [_refused(past, charging) for past in history.attempts if past.cause == "token_refused"]
    counters = money.number()
    say(f"  writing {len(charging.samples):,} readings, {len(money.receipts):,} receipts …")
    _write_charging(charging)
    _write_money(money, counters)
    said = statuses.Statuses(places, history.last)
    said.add(history, history.sessions)
    bulk.write(said.changes)
    said.leave()
    statuses.link(street.stations, places, history.first, history.last)
    incidents = trouble.load(street, places, list(history.outages))
    _restart_counting()
    return Loaded(
        len(charging.sessions), len(charging.samples), len(money.payments), len(money.receipts),
        len(said.changes), incidents,
    )  # fmt: skip


def _charge(
    history: History, places: dict[tuple[str, int], Place], charging: Charging, money: Money,
    refused: PastSession | None,
) -> None:  # fmt: skip
    links = {
        key: [Link(since, closed) for since, closed in place.ears.links(history.first, history.last)]
        for key, place in places.items()
    }
    broke = {(one.station, one.connector, one.start) for one in history.outages if one.kind == "fault"}
    for past in history.sessions:
        key = (past.station, past.connector)
        session = charging.add(past, places[key])
        tries.of_session(session, past.plugged_at, _energy_at(past), fault=(*key, past.end) in broke)
        money.add(past, session, places[key], links[key], refused=past is refused)
    for attempt in history.attempts:
        if was_in_vain(attempt):
            money.failed(attempt, places[(str(attempt.station), attempt.connector or 1)])


def _energy_at(past: PastSession) -> datetime:
    """The first reading that shows energy."""
    flows = (each.at for each in past.samples[1:] if each.power_w or each.energy_mwh != past.meter_start_mwh)
    return next(flows, past.start)


def was_in_vain(past: PastAttempt) -> bool:
    """Somebody took out a card and nothing came of it. Who found the cable in time charged with that very payment."""
    found_it = past.cause == "cable_not_connected" and past.retried
    return past.channel == "guest" and past.cause in PAID_IN_VAIN and past.station is not None and not found_it


def _refused(past: PastAttempt, charging: Charging) -> Attempt:
    """Somebody held the wrong card to the reader: a blocked, an expired, an unknown one in turn."""
    values = [*REFUSED_CARDS, f"04C0FFEE{past.at.timestamp():.0f}"[:14]]
    value = values[int(past.at.timestamp()) % len(values)]
    street = charging.street
    organization = street.access.organization
    decision = tokens.decide(organization_id=organization.pk, value=value, token_type=TokenType.ISO14443, at=past.at)[1]
    attempt = Attempt(
        pk=next(charging.attempt_keys),
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
    tries.settle(attempt, retried=past.retried)
    return attempt


def _write_charging(charging: Charging) -> None:
    bulk.write(charging.guests)
    bulk.write(charging.commands)
    bulk.write(charging.attempts)
    bulk.write(charging.sessions)
    for start in range(0, len(charging.samples), READINGS_AT_ONCE):
        store.insert_samples(charging.samples[start : start + READINGS_AT_ONCE])
    bulk.write(charging.usage_rows())


def _write_money(money: Money, counters: Sequence[ReceiptCounter]) -> None:
    bulk.write(money.payments)
    money.events.sort(key=lambda event: event.at)
    bulk.write(money.events)
    bulk.write(money.bills)
    bulk.write(money.receipts)
    money.books.write()
    ReceiptCounter.objects.bulk_create(counters)


def _restart_counting() -> None:
    """PostgreSQL counts on from where we stopped; SQLite does so by itself."""
    models: list[type[Model]] = [ChargingSession, Attempt, IdToken, Payment, Bill, JournalEntry]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
