"""OCPP 1.6: 4.1 Authorize, 5.4 ClearCache."""

from billing import services
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from sessions.vocabulary import TokenType
from stations import commands

from . import words


def authorize(charger: Charger, payload: Payload) -> Payload:
    decision = services.admit(
        station_id=charger.station_id,
        token_value=payload["idTag"],
        token_type=TokenType.ISO14443,
        at=charger.received_at,
    )
    if decision.accepted:
        services.show_price(station_id=charger.station_id, token_value=payload["idTag"], language=decision.language)
    return {"idTagInfo": words.id_tag_info(decision)}


def _clear(command: commands.ClearCache) -> Call:
    return Call("ClearCache", {})


HANDLERS = {"Authorize": authorize}
COMMANDS = {commands.ClearCache: CommandCodec(_clear, words.answer)}
