"""What a charger's Authorize, start and stop cost us: rows only, a handful of queries, inside the writer's transaction.

The price of an ended session, the capture and the receipt are work for a task (`settlement`): a station's stop is
answered without waiting for them, and a worker that dies leaves the SessionEnded delivery to the next one.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from sessions import services as sessions
from sessions.models import ChargingSession
from sessions.vocabulary import Ended, SessionEnd, SessionStart, Started, TokenDecision, TokenType

from . import bills, funding, sources


def admit(*, station_id: int, token_value: str, token_type: str = TokenType.ISO14443, at: datetime) -> TokenDecision:
    """May this token charge here: known and valid (sessions' word), and with a way to pay (ours)."""
    return admit_many(taps=[sessions.Tap(station_id, token_value, token_type, at)])[0]


def admit_many(*, taps: Sequence[sessions.Tap]) -> list[TokenDecision]:
    """As `admit`, for messages of different stations."""
    return sessions.authorize_many(taps=taps, judge=funding.judge)


def begin(*, start: SessionStart) -> Started:
    """Starts the session and opens its bill with the price frozen: the payment's when it was paid for, else the tariff
    in force at the connector. A repeat changes nothing.
    """
    return begin_many(starts=[start])[0]


def begin_many(*, starts: Sequence[SessionStart]) -> list[Started]:
    """As `begin`, for messages of different stations; one that raises leaves none of them."""
    with transaction.atomic():
        found = sessions.start_many(starts=[replace(start, judge=funding.judge) for start in starts])
        created = [started for started in found if started.created]
        choices = bills.open_bills(session_ids=[started.session_id for started in created])
        for started in created:
            if started.decision is not None and started.decision.accepted:
                sources.begin(started.session_id, choices[started.session_id])
    return found


def fund_session(*, session_id: int) -> None:
    """Plugged in first, the token came later (2.x E03): the way to pay begins now."""
    with transaction.atomic():
        session = ChargingSession.objects.get(pk=session_id)
        choice = bills.fund(session_id=session_id)
        if choice and session.authorized and session.ended_at is None:
            sources.begin(session_id, choice)


def finish(*, end: SessionEnd) -> Ended:
    """Ends the session; SessionEnded then brings the final price (`billing.settle_session`)."""
    return finish_many(ends=[end])[0]


def finish_many(*, ends: Sequence[SessionEnd]) -> list[Ended]:
    """As `finish`, for messages of different stations."""
    return sessions.end_many(ends=ends)
