"""Where OCPP 2.1 says it otherwise than 2.0.1."""

from evcms.ocpp.charger import Payload


def id_token(value: str, token_type: str) -> Payload:
    """IdTokenType: the type is a free string of 20 characters in 2.1, DirectPayment among them."""
    return {"idToken": value, "type": token_type}
