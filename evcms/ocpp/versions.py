"""The OCPP versions that we speak, best first. Chosen once, at the handshake; nothing asks again."""

from typing import Final

from evcms.ocpp import v16, v21, v201
from evcms.ocpp.charger import Version

VERSIONS: Final[dict[str, Version]] = {"ocpp2.1": v21, "ocpp2.0.1": v201, "ocpp1.6": v16}


def best_common(offered: list[str]) -> str | None:
    """The best version that both sides speak (OCPP-J 1.6 §3.1.2: the server picks from the client's list)."""
    wanted = {name.lower() for name in offered}
    return next((name for name in VERSIONS if name in wanted), None)


_CLASSIC: Final = frozenset({2, 3, 4})
MESSAGE_TYPES: Final[dict[str, frozenset[int]]] = {
    "ocpp2.1": _CLASSIC | {5, 6},  # 2.1 part 4 §4.2: CALLRESULTERROR and SEND
    "ocpp2.0.1": _CLASSIC,
    "ocpp1.6": _CLASSIC,
}
