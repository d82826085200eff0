"""OCPP 2.x, C: Authorize, ClearCache."""

from typing import Final

from billing import services
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from stations import commands

from . import words

LONGEST_MESSAGE: Final = 512  # MessageContentType of 2.0.1; 2.1 takes twice as much


def authorize(charger: Charger, payload: Payload) -> Payload:
    value, token_type = words.token(payload)
    decision = services.admit(
        station_id=charger.station_id, token_value=value, token_type=token_type, at=charger.received_at
    )
    info = words.id_token_info(decision, token_type)
    text = ""
    if decision.accepted:
        text = services.price_text(station_id=charger.station_id, token_value=value, language=decision.language)
    if text:
        info["personalMessage"] = {"format": "UTF8", "content": text[:LONGEST_MESSAGE]}
    return {"idTokenInfo": info}


def _clear(command: commands.ClearCache) -> Call:
    return Call("ClearCache", {})


HANDLERS = {"Authorize": authorize}
COMMANDS = {commands.ClearCache: CommandCodec(_clear, words.answer)}
