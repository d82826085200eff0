"""`manage.py simulate`: chargers and drivers against a running gateway, over real sockets."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from argparse import BooleanOptionalAction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evcms.simulator import fleet
from evcms.simulator.display import NotAllowed
from evcms.simulator.fleetrun import FleetRun

log = logging.getLogger("evcms.simulator")


class Command(BaseCommand):
    help = (
        "Plays chargers of OCPP 1.6, 2.0.1 and 2.1 with cars and drivers against a gateway. Stations come from a "
        "fleet file, or are made up (identities SIM-0001 …, password derived from seed and identity)."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="ws://127.0.0.1:9000/ocpp/", help="the gateway, before the identity")
        parser.add_argument("--fleet", type=Path, help="JSON file of stations (see evcms/simulator/fleet.py)")
        parser.add_argument("--stations", type=int, default=10, help="how many to make up without --fleet")
        parser.add_argument("--protocol", choices=["mixed", *fleet.PROTOCOLS], default="mixed")
        parser.add_argument("--identity-prefix", default="SIM-")
        parser.add_argument(
            "--passwords",
            default="derived",
            help='"derived", "none", or a file with one "identity password" per line; not used with --fleet',
        )
        parser.add_argument("--write-passwords", type=Path, help="write that file for the made-up stations and end")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--speed", type=int, default=1, help="energy flows this many times faster than the clock")
        parser.add_argument("--tempo", type=float, default=4.0, help="drivers come and go this many times faster")
        parser.add_argument(
            "--sample-seconds", type=int, help="between meter readings, instead of what each charger is configured to"
        )
        parser.add_argument("--drivers", action=BooleanOptionalAction, default=True, help="--no-drivers: only stand")
        parser.add_argument("--mishaps", type=float, default=2.0, help="faults and lost links an hour, in all")
        parser.add_argument(
            "--web", default=_web_of_demo(), help="web address for drivers who scan and pay; empty: none"
        )
        parser.add_argument(
            "--display-port", type=int, help="serve each charger's display on this loopback port (demo and tests)"
        )
        parser.add_argument("--duration", type=float, help="seconds; without it until Ctrl-C")

    def handle(self, *args: Any, **options: Any) -> None:
        _check(options)
        stations = _stations(options)
        if options["write_passwords"]:
            _write_passwords(stations, options["write_passwords"])
            self.stdout.write(f"{len(stations)} passwords in {options['write_passwords']}.")
            return
        self.stdout.write(f"{len(stations)} chargers to {options['url']}; Ctrl-C ends.")
        run = FleetRun(
            stations,
            options["url"],
            self._report,
            seed=options["seed"],
            speed=options["speed"],
            tempo=options["tempo"],
            sample_s=options["sample_seconds"],
            web=options["web"],
            mishaps_per_hour=options["mishaps"],
            with_drivers=options["drivers"],
            display_port=options["display_port"],
            report_every_s=2.0 if self.stdout.isatty() else 30.0,
        )
        try:
            asyncio.run(_until_told(run, options["duration"]))
        except NotAllowed as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write("")

    def _report(self, line: str) -> None:
        """On a terminal one line that is written over, else one in the log each time."""
        if self.stdout.isatty():
            self.stdout.write(f"\r\x1b[K{time.strftime('%H:%M:%S')} {line}", ending="")
            self.stdout.flush()
        else:
            log.info(line)


async def _until_told(run: FleetRun, duration_s: float | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await run.run(stop, duration_s)


def _web_of_demo() -> str:
    """In the demo the web pages are next door."""
    return f"http://127.0.0.1:{os.environ.get('EVCMS_PORT', '8000')}/" if os.environ.get("EVCMS_DEMO") == "1" else ""


def _check(options: dict[str, Any]) -> None:
    address = urlsplit(options["url"])
    if address.scheme not in ("ws", "wss") or not address.hostname:
        raise CommandError(
            f"--url must be a WebSocket address such as ws://127.0.0.1:9000/ocpp/, not {options['url']}."
        )
    for name, low, high in (
        ("stations", 1, 5000),
        ("speed", 1, 100_000),
        ("tempo", 0.01, 1000),
        ("mishaps", 0, 100_000),
    ):
        if not low <= options[name] <= high:
            raise CommandError(f"--{name} must be between {low} and {high}, not {options[name]}.")
    if options["sample_seconds"] is not None and not 1 <= options["sample_seconds"] <= 86_400:
        raise CommandError("--sample-seconds must be between 1 and 86400.")
    if options["duration"] is not None and options["duration"] <= 0:
        raise CommandError("--duration must be positive.")


def _stations(options: dict[str, Any]) -> list[fleet.FleetStation]:
    try:
        if options["fleet"]:
            return fleet.read(options["fleet"])
        made = fleet.made_up(
            options["stations"],
            protocol=options["protocol"],
            prefix=options["identity_prefix"],
            seed=options["seed"],
        )
        return fleet.with_passwords(made, options["passwords"])
    except fleet.FleetError as error:
        raise CommandError(str(error)) from error


def _write_passwords(stations: list[fleet.FleetStation], path: Path) -> None:
    lines = (f"{station.identity} {station.password}\n" for station in stations)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(lines)
