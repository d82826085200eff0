"""OCPP 1.6: 4.1 Authorize, 5.4 ClearCache."""

from collections.abc import Sequence

from billing import services
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from sessions.services import Tap
from sessions.vocabulary import TokenType
from stations import commands

from . import words


def authorize(charger: Charger, payload: Payload) -> Payload:
    return authorize_many([(charger, payload)])[0]


def authorize_many(messages: Sequence[tuple[Charger, Payload]]) -> list[Payload]:
    decisions = services.admit_many(taps=[_tap(charger, payload["idTag"]) for charger, payload in messages])
    answered = list(zip(messages, decisions, strict=True))
    services.show_prices(
        drivers={
            charger.station_id: services.Shown(payload["idTag"], decision.language)
            for (charger, payload), decision in answered
            if decision.accepted
        }
    )
    return [{"idTagInfo": words.id_tag_info(decision)} for decision in decisions]


def _tap(charger: Charger, value: str) -> Tap:
    return Tap(charger.station_id, value, TokenType.ISO14443, charger.received_at)


def _clear(command: commands.ClearCache) -> Call:
    return Call("ClearCache", {})


HANDLERS = {"Authorize": authorize}
MANY = {"Authorize": authorize_many}
COMMANDS = {commands.ClearCache: CommandCodec(_clear, words.answer)}
