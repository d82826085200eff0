"""The fleet file and the command line: what goes in comes out, and what is wrong is said in a sentence."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from evcms.simulator import fleet
from evcms.simulator.fleet import FleetConnector, FleetError, FleetStation
from evcms.simulator.fleetrun import FleetRun
from tests.simulator.csms import Csms

ROOT = Path(__file__).parents[2]


def test_a_fleet_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    plugs = (
        FleetConnector(1, "ccs2", "dc", 50_000, evse=1),
        FleetConnector(2, "chademo", "dc", 50_000, evse=1, connector=2),
    )
    stations = [*fleet.made_up(5), FleetStation("X-1", "ocpp2.1", "pass", plugs, tokens=("A", "B"), pattern="mall")]
    fleet.dump(stations, tmp_path / "demo" / "fleet.json")
    assert fleet.read(tmp_path / "demo" / "fleet.json") == stations


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "not {"),
        ("[]", "not {"),
        ('{"stations": [{"identity": "A", "colour": "red"}]}', "Station 1 of the fleet file"),
        ('{"stations": [{"identity": "A", "protocol": "ocpp1.5"}]}', "speaks 'ocpp1.5'"),
        ('{"stations": [{"identity": "A"}, {"identity": "A"}]}', "twice"),
        ('{"stations": ["A"]}', "Station 1 of the fleet file"),
    ],
)
def test_a_wrong_fleet_file_is_refused_with_a_sentence(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "fleet.json"
    path.write_text(content)
    with pytest.raises(FleetError, match=complaint):
        fleet.read(path)


def test_made_up_stations_mix_versions_or_keep_to_one() -> None:
    assert {station.protocol for station in fleet.made_up(12)} == set(fleet.PROTOCOLS)
    assert {station.protocol for station in fleet.made_up(12, protocol="ocpp2.1")} == {"ocpp2.1"}
    assert fleet.made_up(3, prefix="LOAD-")[2].identity == "LOAD-0003"


def test_passwords_are_derived_absent_or_from_a_file(tmp_path: Path) -> None:
    stations = fleet.made_up(2)
    assert fleet.with_passwords(stations, "derived")[0].password == fleet.derived_password("SIM-0001", 1)
    assert [station.password for station in fleet.with_passwords(stations, "none")] == ["", ""]
    path = tmp_path / "passwords"
    path.write_text("SIM-0001 first secret\nSIM-0002 second\n")
    assert [s.password for s in fleet.with_passwords(stations, str(path))] == ["first secret", "second"]
    path.write_text("SIM-0001 first\n")
    with pytest.raises(FleetError, match="SIM-0002"):
        fleet.with_passwords(stations, str(path))


async def test_a_fleet_comes_online_charges_and_leaves_nothing_open() -> None:
    lines: list[str] = []
    async with Csms() as csms:
        run = FleetRun(fleet.made_up(12), csms.url, lines.append, speed=100, tempo=20_000, report_every_s=0.5)
        stop = asyncio.Event()
        task = asyncio.create_task(run.run(stop))
        async with asyncio.timeout(60):
            while not (csms.of("StartTransaction") and csms.events("Started")):
                await asyncio.sleep(0.1)
        stop.set()
        await asyncio.wait_for(task, 20)
        assert csms.invalid == []
        assert len({identity for identity, action, _ in csms.calls if action == "BootNotification"}) == 12
        assert len(csms.of("StopTransaction")) == len(csms.of("StartTransaction"))
        assert len(csms.events("Ended")) == len(csms.events("Started"))
    assert any("chargers online" in line for line in lines)
    assert lines[-1].startswith("0/12 chargers online, 0 charging")


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "simulate", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--url", "http://127.0.0.1/"), "--url must be a WebSocket address"),
        (("--stations", "0"), "--stations must be between 1 and 5000"),
        (("--duration", "-1"), "--duration must be positive"),
    ],
)
def test_a_wrong_command_line_is_refused(arguments: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        call_command("simulate", *arguments)


def test_a_wrong_command_line_ends_with_a_sentence() -> None:
    done = run_command("--fleet", "nowhere.json")
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_passwords_of_made_up_stations_can_be_written_for_the_other_end(tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    call_command("simulate", "--stations", "2", "--write-passwords", path, stdout=StringIO())
    assert path.read_text().splitlines()[0] == f"SIM-0001 {fleet.derived_password('SIM-0001', 1)}"
    assert path.stat().st_mode & 0o077 == 0


async def test_control_c_closes_cleanly() -> None:
    async with Csms() as csms:
        arguments = ["manage.py", "simulate", "--stations", "3", "--url", csms.url, "--no-drivers"]
        environment: dict[str, Any] = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            while len(csms.of("BootNotification")) < 3:
                await asyncio.sleep(0.1)
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        assert b"Traceback" not in err
        assert b"chargers online" in out + err
        assert all(socket.close_code == 1000 for socket in csms.sockets.values())
