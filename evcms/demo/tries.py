"""Past attempts with the stages and the cause that `sessions.services.judging` would find, without a look at each."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from evcms.demo import bulk
from evcms.demo.charging import Place, next_keys
from evcms.demo.moments import SECOND
from evcms.demo.street import Street
from evcms.simulator.past import History, PastAttempt
from sessions import verdicts
from sessions.models import Attempt, ChargingSession, IdToken, Watermark
from sessions.services import attempt_days, judging
from sessions.verdicts import Clue
from sessions.vocabulary import AttemptKind, AttemptState, FailureCause
from stations.models import OcppMessage, StatusChange
from stations.vocabulary import ConnectorStatus, Direction, MessageOutcome

CLUES: Final = {
    FailureCause.TOKEN: Clue.TOKEN_REFUSED,
    FailureCause.NOT_PLUGGED: Clue.NOT_PLUGGED,
    FailureCause.REFUSED: Clue.REFUSED,
    FailureCause.PAYMENT: Clue.PAYMENT_DECLINED,
    FailureCause.OFFLINE: Clue.OFFLINE,
    FailureCause.NO_ENERGY: Clue.CAR_PAUSED,
}
PUT_IN: Final = 20 * SECOND  # a cable after a card


def settle(attempt: Attempt, clues: Collection[Clue] | None = None, *, retried: bool = False) -> None:
    """Fills in what follows from the moments that are set. `clues` None: as its cause says. `retried`: another attempt
    may have gone on from here; the worker finds it.
    """
    if clues is None:
        clues = {CLUES[FailureCause(attempt.cause)]} if attempt.cause else set()
    moments = (attempt.first_at, attempt.at, attempt.authorized_at, attempt.plugged_at)
    attempt.first_at = min(moment for moment in moments if moment is not None)
    attempt.stage = verdicts.stage(
        authorized=attempt.authorized_at is not None,
        plugged=attempt.plugged_at is not None,
        started=attempt.started_at is not None,
        energy=attempt.energy_at is not None,
        well=not clues,
    )
    if clues:
        rule = verdicts.judge(clues)
        attempt.party, attempt.rule, attempt.counted = rule.cause.value, rule.clue.value, rule.counted
        attempt.clues = ",".join(each.clue for each in verdicts.RULES if each.clue in clues)
        attempt.conflicting = verdicts.contradictory(clues)
    attempt.site_id = attempt.station.site_id
    attempt.model, attempt.firmware = attempt.station.model, attempt.station.firmware_version
    attempt.judge_at, attempt.judged_at = attempt.ended_at if retried else None, attempt.ended_at


def of_session(session: ChargingSession, plugged_at: datetime, energy_at: datetime, fault: bool) -> None:
    """`fault`: the connector broke, and the session with it."""
    attempt = session.attempt
    assert attempt is not None
    attempt.started_at, attempt.plugged_at = session.started_at, plugged_at
    attempt.authorized_at = attempt.at if attempt.command_id else session.started_at
    attempt.energy_at = None if attempt.cause else energy_at
    if fault and attempt.energy_at:
        attempt.state, attempt.cause = AttemptState.FAILED, FailureCause.INTERRUPTED
        return settle(attempt, {Clue.FAULT})
    return settle(attempt)


def in_vain(attempt: Attempt, opened_at: datetime, *, retried: bool) -> None:
    """A guest whose payment led nowhere."""
    attempt.first_at = opened_at
    attempt.authorized_at = attempt.at if attempt.command_id else None
    settle(attempt, retried=retried)


# What the books do not know: nobody paid, no session followed ---------------------------------------------------------


def load(street: Street, places: dict[tuple[str, int], Place], history: History) -> None:
    """Cards held to broken connectors, cables that never came, cars that would not talk. Call after `past.load`."""
    keys = next_keys(Attempt)
    attempts: list[Attempt] = []
    statuses: list[StatusChange] = []
    messages: list[OcppMessage] = []
    rows = [past for past in history.attempts if past.channel == "rfid" and past.cause in UNPAID]
    cards = {card.value: card for card in IdToken.objects.filter(value__in={past.token for past in rows})}
    for number, past in enumerate(rows):
        if past.station is None or past.connector is None:
            continue
        attempt = _attempt(street, places[past.station, past.connector], past, cards.get(past.token))
        attempt.pk = next(keys)
        _tell(attempt, past, number, statuses, messages)
        attempts.append(attempt)
    bulk.write(attempts)
    bulk.write(statuses)
    bulk.write(messages)
    last = StatusChange.objects.order_by("-pk").values_list("pk", flat=True).first()
    Watermark.objects.update_or_create(name=attempt_days.PLUGS, defaults={"position": last or 0})


UNPAID: Final = ("cable_not_connected", "connector_fault")


def _attempt(street: Street, place: Place, past: PastAttempt, card: IdToken | None) -> Attempt:
    return Attempt(
        organization=street.access.organization,
        station=place.connector.station,
        connector=place.connector,
        kind=AttemptKind.TAP,
        state=AttemptState.FAILED,
        cause=FailureCause.NOTHING,
        token_value=past.token,
        driver_id=card.driver_id if card else None,
        at=past.at,
        authorized_at=past.at,
        ended_at=past.at + judging.PATIENCE,
    )


def _tell(
    attempt: Attempt, past: PastAttempt, number: int, statuses: list[StatusChange], messages: list[OcppMessage]
) -> None:
    """Of the broken ones every third is the car's trouble, every fourth our own, the rest the station's."""
    if past.cause == "cable_not_connected":
        return settle(attempt, {Clue.NOT_PLUGGED}, retried=past.retried)
    if number % 4 == 0:
        messages.append(_our_error(attempt))
        return settle(attempt, {Clue.OUR_ERROR, Clue.NOT_PLUGGED}, retried=past.retried)
    attempt.plugged_at = past.at + PUT_IN
    code = "EVCommunicationError" if number % 3 == 0 else "PowerSwitchFailure"
    statuses += _broken(attempt, code)
    return settle(attempt, {verdicts.of_fault(code)}, retried=past.retried)


def _our_error(attempt: Attempt) -> OcppMessage:
    return OcppMessage(
        station_id=attempt.station_id, direction=Direction.IN, action="StatusNotification",
        outcome=MessageOutcome.ERROR, error_code="InternalError", at=attempt.at + PUT_IN, message_id=str(attempt.pk),
    )  # fmt: skip


def _broken(attempt: Attempt, code: str) -> list[StatusChange]:
    """Plugged in, refused by the electronics, free again a minute later."""
    told = (
        (PUT_IN, ConnectorStatus.PREPARING, ""),
        (PUT_IN + 5 * SECOND, ConnectorStatus.FAULTED, code),
        (timedelta(seconds=80), ConnectorStatus.AVAILABLE, ""),
    )
    return [
        StatusChange(
            station_id=attempt.station_id, connector_id=attempt.connector_id, status=status, error_code=error,
            at=attempt.at + wait, happened_at=attempt.at + wait, received_at=attempt.at + wait,
        )
        for wait, status, error in told
    ]  # fmt: skip
