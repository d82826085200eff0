"""OCPP 2.x, C: Authorize, ClearCache."""

from collections.abc import Sequence
from typing import Final

from billing import services
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from sessions.services import Tap
from sessions.vocabulary import TokenDecision
from stations import commands

from . import words

LONGEST_MESSAGE: Final = 512  # MessageContentType of 2.0.1; 2.1 takes twice as much


def authorize(charger: Charger, payload: Payload) -> Payload:
    return authorize_many([(charger, payload)])[0]


def authorize_many(messages: Sequence[tuple[Charger, Payload]]) -> list[Payload]:
    decisions = services.admit_many(taps=[_tap(charger, payload) for charger, payload in messages])
    answered = [
        (charger.station_id, words.token(payload), decision)
        for (charger, payload), decision in zip(messages, decisions, strict=True)
    ]
    texts = services.price_texts(
        drivers={pk: services.Shown(value, said.language) for pk, (value, _), said in answered if said.accepted}
    )
    return [{"idTokenInfo": _info(said, token_type, texts.get(pk, ""))} for pk, (_, token_type), said in answered]


def _tap(charger: Charger, payload: Payload) -> Tap:
    return Tap(charger.station_id, *words.token(payload), charger.received_at)


def _info(decision: TokenDecision, token_type: str, text: str) -> Payload:
    info = words.id_token_info(decision, token_type)
    if text:
        info["personalMessage"] = {"format": "UTF8", "content": text[:LONGEST_MESSAGE]}
    return info


def _clear(command: commands.ClearCache) -> Call:
    return Call("ClearCache", {})


HANDLERS = {"Authorize": authorize}
MANY = {"Authorize": authorize_many}
COMMANDS = {commands.ClearCache: CommandCodec(_clear, words.answer)}
