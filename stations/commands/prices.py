"""Prices and costs: what a station shows, and tariffs that it reckons with itself."""

import dataclasses
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclasses.dataclass(frozen=True)
class ShowCost:
    """What a session has cost so far, or (`final`) in the end, with tax, in major units of `currency`.

    2.x: CostUpdated. 1.6: RunningCost and FinalCost of "OCPP & California Pricing Requirements" (Open Charge Alliance,
    application note v3): `meter_wh` is the register, prices are per kWh, per hour and per session.
    """

    transaction_id: str
    cost: Decimal
    currency: str
    final: bool = False
    text: str = ""
    at: datetime | None = None
    meter_wh: int | None = None
    idle: bool = False
    per_kwh: Decimal | None = None
    per_hour: Decimal | None = None
    per_start: Decimal | None = None
    idle_per_hour: Decimal | None = None
    url: str = ""  # of the receipt


@dataclasses.dataclass(frozen=True)
class ShowPrice:
    """1.6 only: the price for the driver who has just identified (SetUserPrice); 2.x says it in its answers."""

    id_token: str
    text: str


@dataclasses.dataclass(frozen=True)
class WebPaymentStarted:
    """2.1 only: a driver pays on his phone, so the EVSE waits `timeout` seconds for him; 0 takes it back."""

    evse: int
    timeout: int = 180


@dataclasses.dataclass(frozen=True)
class SetDefaultTariff:
    """2.1 only: the price that the station shows and reckons with. `terms`: `billing.pricing.Terms` as JSON."""

    tariff_id: str
    terms: dict[str, Any]  # Any: JSON
    evse: int = 0
    text: str = ""


@dataclasses.dataclass(frozen=True)
class ChangeTransactionTariff:
    """2.1 only: another price for a running session."""

    transaction_id: str
    tariff_id: str
    terms: dict[str, Any]  # Any: JSON
    text: str = ""


@dataclasses.dataclass(frozen=True)
class GetTariffs:
    """2.1 only: which tariffs the station holds; EVSE 0: of all."""

    evse: int = 0


@dataclasses.dataclass(frozen=True)
class ClearTariffs:
    """2.1 only. Without ids all of them."""

    tariff_ids: tuple[str, ...] = ()
    evse: int | None = None
