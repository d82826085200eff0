"""Plants the demo: once, whole; a later start finds it and only looks after its files."""

import gc
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from alerts.services import judge_stations
from billing.services import ask_customers_nightly, count_ledger, count_revenue, prove_nightly
from evcms.core import clock
from evcms.core.models import Organization
from evcms.demo import (
    claims,
    duty,
    funding,
    listeners,
    oddities,
    past,
    people,
    queues,
    refunds,
    street,
    terminals,
    till,
    transfers,
    tries,
    wallet,
)
from evcms.demo.street import Street
from evcms.simulator import fleet
from evcms.simulator.city import City, build_city, fleet_station
from evcms.simulator.citymap import city_map_json
from evcms.simulator.history import build_history
from sessions import services
from sessions.models import ChargingSession
from stations import services as stations

SEED: Final = 1
DAYS: Final = 91  # today, which is not over, and ninety whole ones
BEFORE: Final = timedelta(days=30)  # prices hold since then
CARDS_HERE: Final = 12  # that the live simulator holds to a station's reader
ODD: Final[dict[str, dict[str, Any]]] = {  # Any: fields of FleetStation
    "MH-TUI-02": {"broken": "GroundFailure"},
    "MH-STR-02": {"flap_every_s": 240},
    "MH-STR-01": {"security_every_s": 1800, "clock_skew_s": 240},
    "MH-MER-06": {"kept_free": True},  # the greeting sends people there; 2.0.1
    "MH-MER-04": {"kept_free": True},  # 2.1
    "MH-MER-02": {"kept_free": True},  # 1.6
}
Say = Callable[[str], None]


class NotADemo(RuntimeError):
    """The data folder holds somebody's real network; the text is a sentence."""


def plant(say: Say) -> bool:
    """False when it stood already.

    Raises:
        NotADemo: when another network's data is here.
    """
    files = people.folder()
    if Organization.objects.filter(slug=people.SLUG).exists():
        _look_after(files, say)
        return False
    if Organization.objects.exists():
        raise NotADemo(
            f"{settings.DATA_DIR} holds the data of a real network: give the demo a folder of its own "
            "(EVCMS_DATA_DIR), or a database of its own (DATABASE_URL)."
        )
    begin = time.monotonic()
    gc.disable()  # half a million rows in hand and no circles among them: looking for some costs a quarter of the time
    city = build_city(SEED)
    _draw_map(city)
    try:
        with till.opened(settings.DATA_DIR / "provider.sqlite3") as cash:
            _found(city, cash, files, say)
    finally:
        gc.enable()
    say(f"The demo network stands ({time.monotonic() - begin:.0f} s).")
    return True


def _found(city: City, cash: till.Till, files: Path, say: Say) -> None:
    now = clock.now().replace(microsecond=0)
    today = now.astimezone(ZoneInfo(city.zone)).date()
    say(f"Inventing ninety days of {city.name} …")
    whole = build_history(seed=SEED, last_day=today, days=DAYS, city=city)
    history = past.until(whole, now)
    since = history.first - BEFORE
    with transaction.atomic():
        say("Founding the network: people, sites, stations, prices, cards …")
        access = people.found(city, since)
        built = street.build(access, city, since)
        kept_free = [identity for identity, odd in ODD.items() if odd.get("kept_free")]
        kept = kept_free[0]
        reader = terminals.plant(built, cash, kept)
        people.show_sites(access.organization, built.sites)
        cards = people.cards(access, city, since, now)
        street.plan_maintenance(access, built, now)
        own, on_file = wallet.enrol(access, cash, since)
        history = wallet.his(history, past.ears_of(history, history.outages))
        say("Loading its past …")
        loaded = past.load(built, cards | own, history, cash, say, past.unlucky(history), on_file)
        tries.load(built, past.places_of(built, history), history)
        stations.derive_availability()
        refunds.load(built, cash, history)
        duty.handle(access)
        funding.send_statements(access)
        wallet.fill(access, cash, now)
        claims.plant(access, cash, now)
        transfers.load(access.organization, cash, history.first, now)
        listeners.plant(built, people.DRIVER.email, kept, now)
        services.count_days(budget_s=900)
        count_revenue(budget_s=900)
        count_ledger(budget_s=900)
        prove_nightly()  # what its last night would have asked for: the worker answers soon after the start
        ask_customers_nightly()
        queues.plant(access.organization, since)
        oddities.plant(access.organization)
        services.fit_freeby()
        judge_stations()
        say(f"  {loaded.statuses:,} status changes, {loaded.incidents} incidents, all over.")
        _write_fleet(built, files)
        token = people.issue_api_token(access.organization)
        people.keep_logins(files, token, built.connectors[(kept, 1)].code, reader, kept_free)
        truth = whole.truth.as_json() | {"until": now.isoformat()}
        people.write_private(files / "truth.json", json.dumps(truth, indent=1))


def _draw_map(city: City) -> None:
    settings.MAP_BASE_FILE.parent.mkdir(parents=True, exist_ok=True)
    settings.MAP_BASE_FILE.write_text(city_map_json(city, SEED), encoding="utf-8")


# The fleet that the simulator plays ---------------------------------------------------------------------------------


def _write_fleet(built: Street, files: Path) -> None:
    codes = {
        identity: {number: built.connectors[(identity, number)].code for number in _numbers(built, identity)}
        for identity in built.stations
    }
    registers = _registers()
    stations = []
    for index, site in enumerate(built.city.sites):
        here = [driver.token for driver in built.city.drivers[index :: len(built.city.sites)]]
        for place, station in enumerate(site.stations):
            made = fleet_station(
                station,
                password=built.passwords[station.identity],
                tokens=_cards(here, place),
                codes={} if site.kind == "depot" else codes[station.identity],
                pattern=site.kind,
            )
            stations.append(_with_registers(replace(made, **ODD.get(station.identity, {})), registers))
    _dump(stations, files / "fleet.json")


def _numbers(built: Street, identity: str) -> list[int]:
    return [number for name, number in built.connectors if name == identity]


def _cards(here: list[str], place: int) -> list[str]:
    """Some of the site's regulars; at every third station one comes with a card that is refused."""
    chosen = [here[(place * 7 + step) % len(here)] for step in range(CARDS_HERE)]
    refused = list(people.REFUSED_CARDS)
    return [*chosen, refused[place // 3 % len(refused)]] if place % 3 == 1 else chosen


def _registers() -> dict[tuple[str, int, int], int]:
    """Where each connector's lifetime meter stands, by identity, EVSE and connector."""
    rows = ChargingSession.objects.values_list("station__identity", "evse__number", "connector__number")
    last = rows.annotate(last=Max("meter_last_mwh")).order_by()
    return {
        (identity, evse, number): register for identity, evse, number, register in last if evse and number and register
    }


def _with_registers(station: fleet.FleetStation, registers: dict[tuple[str, int, int], int]) -> fleet.FleetStation:
    old = station.protocol == "ocpp1.6"
    plugs = tuple(
        replace(plug, register_mwh=registers.get((station.identity, *_port(plug, old)), plug.register_mwh))
        for plug in station.connectors
    )
    return replace(station, connectors=plugs)


def _port(plug: fleet.FleetConnector, old: bool) -> tuple[int, int]:
    return (plug.number, 1) if old else (plug.evse_id, plug.connector)


def _dump(stations: list[fleet.FleetStation], path: Path) -> None:
    """It holds the stations' passwords."""
    draft = path.with_name(".fleet.draft")
    people.write_private(draft, "")
    fleet.dump(stations, draft)
    draft.replace(path)


def _look_after(files: Path, say: Say) -> None:
    """A later start: meters go on from where they stand, a lost map is drawn again.

    Raises:
        NotADemo: when the files with the stations' passwords are gone.
    """
    try:
        stations = fleet.read(files / "fleet.json")
    except fleet.FleetError as error:
        raise NotADemo(f"{error} Remove {settings.DATA_DIR} to plant the demo anew.") from None
    registers = _registers()
    _dump([_with_registers(station, registers) for station in stations], files / "fleet.json")
    if not settings.MAP_BASE_FILE.exists():
        _draw_map(build_city(SEED))
    say("The demo network stands; its data are kept.")
