"""What a charger's display shows beside the state: price, cost, the QR code; and the token of a dynamic code."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from urllib.parse import quote

LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass
class Screen:
    """One connector's part of the display. `cost` is as the CSMS said it last, in `currency` when it named one."""

    price: str = ""
    cost: Decimal | None = None
    currency: str = ""
    message: str = ""
    receipt: str = ""
    waits_until: float = 0.0  # event loop time: a driver pays on his phone

    @property
    def cost_text(self) -> str:
        return "" if self.cost is None else f"{self.cost:.2f} {self.currency}".strip()


def qr_token(secret: str, slot_s: int, length: int, now: datetime) -> str:
    """OCPP 2.1 part 2, C25: version 1 of the time-based token, as a charger's firmware would compute it."""
    counter = int(now.timestamp() / slot_s)
    mac = hmac.digest(bytes(secret, "utf-8"), counter.to_bytes(8), hashlib.sha256)
    offset = mac[-1] % 16
    picked = [mac[(offset + place) % 32] % 62 for place in range(length)]
    return "".join(LETTERS[index] for index in picked)


def filled(template: str, values: Mapping[str, str]) -> str:
    """The URL template with its {variables}, whose case does not matter."""
    url, known = "", {name.lower(): value for name, value in values.items()}
    for part in template.split("{"):
        name, brace, rest = part.partition("}")
        url += quote(known.get(name.lower(), ""), safe="") + rest if brace else part
    return url
