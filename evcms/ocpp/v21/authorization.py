"""OCPP 2.1, C: Authorize also tells a price that holds for this driver only (AuthorizeResponse.tariff)."""

from collections.abc import Sequence

from billing import services
from evcms.ocpp import errors
from evcms.ocpp.charger import Charger, Payload
from evcms.ocpp.v201 import authorization, words

from . import tariffs


def authorize(charger: Charger, payload: Payload) -> Payload:
    return authorize_many([(charger, payload)])[0]


def authorize_many(messages: Sequence[tuple[Charger, Payload]]) -> list[Payload]:
    answers = authorization.authorize_many(messages)
    return [_with_tariff(*message, answer) for message, answer in zip(messages, answers, strict=True)]


def _with_tariff(charger: Charger, payload: Payload, answer: Payload) -> Payload:
    """Where the station shows prices, as the price text. A tariff that 2.1 has no words for is left out: the text says
    it still.
    """
    if "personalMessage" not in answer["idTokenInfo"]:
        return answer
    value, _type = words.token(payload)
    own = services.own_price(station_id=charger.station_id, token_value=value)
    if own is None:
        return answer
    try:
        return answer | {"tariff": tariffs.tariff(own.tariff_id, own.terms, own.text)}
    except errors.NotSupported:
        return answer


HANDLERS = {"Authorize": authorize}
MANY = {"Authorize": authorize_many}
