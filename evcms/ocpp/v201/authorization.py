"""OCPP 2.x, C: Authorize, ClearCache."""

from billing import services
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from stations import commands

from . import words


def authorize(charger: Charger, payload: Payload) -> Payload:
    value, token_type = words.token(payload)
    decision = services.admit(
        station_id=charger.station_id, token_value=value, token_type=token_type, at=charger.received_at
    )
    return {"idTokenInfo": words.id_token_info(decision, token_type)}


def _clear(command: commands.ClearCache) -> Call:
    return Call("ClearCache", {})


HANDLERS = {"Authorize": authorize}
COMMANDS = {commands.ClearCache: CommandCodec(_clear, words.answer)}
