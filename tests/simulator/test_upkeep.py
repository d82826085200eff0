"""Firmware, logs, monitors and security events of the simulated chargers: each in all three versions, files by HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from evcms.simulator.chargers import Faults
from evcms.simulator.chargers.v2x import Charger201
from tests.simulator.conftest import Make
from tests.simulator.csms import Csms

HEAT = {"component": {"name": "ChargingStation"}, "variable": {"name": "Temperature"}}


class Files:
    """A file server: what it was brought, and the firmware that it gives."""

    def __init__(self) -> None:
        self.brought: dict[str, bytes] = {}
        files = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                files.brought[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(201)
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(200 if "missing" not in self.path else 404)
                self.end_headers()
                self.wfile.write(b"\x7fFIRMWARE version=9.9.1\n")

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def files() -> Iterator[Files]:
    made = Files()
    yield made
    made.server.shutdown()
    made.server.server_close()


def update(protocol: str, url: str, *, signed: bool = False) -> tuple[str, dict[str, Any]]:
    at = datetime.now(UTC).isoformat()
    seal = {"signingCertificate": "PEM", "signature": "c2ln"} if signed else {}
    firmware = {"location": url, "retrieveDateTime": at} | seal
    if protocol == "ocpp1.6" and not signed:
        return "UpdateFirmware", {"location": url, "retrieveDate": at}
    name = "SignedUpdateFirmware" if protocol == "ocpp1.6" else "UpdateFirmware"
    return name, {"requestId": 5, "firmware": firmware}


def get_log(protocol: str, url: str) -> tuple[str, dict[str, Any]]:
    if protocol == "ocpp1.6":
        return "GetDiagnostics", {"location": url}
    return "GetLog", {"log": {"remoteLocation": url}, "logType": "DiagnosticsLog", "requestId": 6}


def said(csms: Csms) -> list[str]:
    names = ("FirmwareStatusNotification", "SignedFirmwareStatusNotification")
    return [payload["status"] for _, action, payload in csms.calls if action in names]


def log_words(csms: Csms) -> list[str]:
    names = ("LogStatusNotification", "DiagnosticsStatusNotification")
    return [payload["status"] for _, action, payload in csms.calls if action in names]


async def until(condition: Any, seconds: float = 8) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("signed", [False, True], ids=["plain", "signed"])
async def test_an_update_is_fetched_installed_and_booted(
    csms: Csms, make: Make, protocol: str, files: Files, signed: bool
) -> None:
    charger = make(protocol)
    await charger.connect()
    await csms.command(charger.identity, *update(protocol, f"{files.url}/f.bin", signed=signed))
    await until(lambda: "Installed" in said(csms))
    checked = ["SignatureVerified"] if signed else []
    restarts = [] if protocol == "ocpp1.6" and not signed else ["InstallRebooting"]
    assert said(csms) == ["Downloading", "Downloaded", *checked, "Installing", *restarts, "Installed"]
    booted = csms.of("BootNotification")[-1]
    assert booted.get("firmwareVersion", booted.get("chargingStation", {}).get("firmwareVersion")) == "9.9.1"
    await until(lambda: csms.of("SecurityEventNotification"))
    assert csms.of("SecurityEventNotification")[-1]["type"] == "FirmwareUpdated"


@pytest.mark.parametrize(
    ("fails", "last"),
    [("download", "DownloadFailed"), ("signature", "InvalidSignature"), ("install", "InstallationFailed")],
)
async def test_an_update_goes_wrong_as_asked(
    csms: Csms, make: Make, protocol: str, files: Files, fails: str, last: str
) -> None:
    charger = make(protocol, faults=Faults(firmware_fails=fails))
    await charger.connect()
    await csms.command(charger.identity, *update(protocol, f"{files.url}/f.bin", signed=True))
    await until(lambda: last in said(csms))
    assert charger.firmware == charger.station.firmware


async def test_a_file_that_is_not_there_is_not_installed(csms: Csms, make: Make, protocol: str, files: Files) -> None:
    charger = make(protocol)
    await charger.connect()
    await csms.command(charger.identity, *update(protocol, f"{files.url}/missing.bin"))
    await until(lambda: "DownloadFailed" in said(csms))


async def test_a_log_is_brought_by_http(csms: Csms, make: Make, protocol: str, files: Files) -> None:
    charger = make(protocol)
    await charger.connect()
    answer = await csms.command(charger.identity, *get_log(protocol, f"{files.url}/in/token"))
    assert answer.get("fileName", answer.get("filename")) == "SIM-1-diagnostics.log"
    await until(lambda: "Uploaded" in log_words(csms))
    assert log_words(csms) == ["Uploading", "Uploaded"]
    assert b"diagnostics of SIM-1" in files.brought["/in/token"]


async def test_a_log_goes_wrong_as_asked(csms: Csms, make: Make, protocol: str, files: Files) -> None:
    charger = make(protocol, faults=Faults(log_fails="upload"))
    await charger.connect()
    await csms.command(charger.identity, *get_log(protocol, f"{files.url}/in/token"))
    failed = "UploadFailed" if protocol == "ocpp1.6" else "UploadFailure"
    await until(lambda: failed in log_words(csms))
    charger.faults.log_fails = "refused"
    answer = await csms.command(charger.identity, *get_log(protocol, f"{files.url}/in/token"))
    assert answer in ({}, {"status": "Rejected"})
    assert files.brought == {}


async def test_security_events_come_now_and_then_and_are_in_the_log(
    csms: Csms, make: Make, protocol: str, files: Files
) -> None:
    charger = make(protocol, faults=Faults(security_every_s=0.05))
    await charger.connect()
    await until(lambda: len(csms.of("SecurityEventNotification")) >= 3)
    charger.faults.security_every_s = 0.0
    wanted = {"log": {"remoteLocation": f"{files.url}/in/security"}, "logType": "SecurityLog", "requestId": 7}
    await csms.command(charger.identity, "GetLog", wanted)
    await until(lambda: "/in/security" in files.brought)
    assert charger.security_log[0][1].encode() in files.brought["/in/security"]


async def test_a_monitor_fires_and_is_over(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    if not isinstance(charger, Charger201):
        answer = await csms.command(charger.identity, "ExtendedTriggerMessage", {"requestedMessage": "Heartbeat"})
        assert answer == {"status": "Accepted"}
        return
    row = {"type": "UpperThreshold", "value": 80, "severity": 3} | HEAT
    odd = {"type": "Delta", "value": 1, "severity": 9, "component": {"name": "Nothing"}, "variable": {"name": "X"}}
    answer = await csms.command(charger.identity, "SetVariableMonitoring", {"setMonitoringData": [row, odd]})
    first, second = answer["setMonitoringResult"]
    assert (first["status"], second["status"]) == ("Accepted", "UnknownComponent")
    charger.faults.heat_c = 91.5
    await until(lambda: csms.of("NotifyEvent"))
    charger.faults.heat_c = 0.0
    await until(lambda: len(csms.of("NotifyEvent")) == 2)
    alarm, over = (event["eventData"][0] for event in csms.of("NotifyEvent"))
    assert (alarm["actualValue"], alarm.get("cleared"), over["cleared"]) == ("91.5", None, True)
    assert alarm["variableMonitoringId"] == first["id"]
    await csms.command(charger.identity, "GetMonitoringReport", {"requestId": 8})
    await until(lambda: csms.of("NotifyMonitoringReport"))
    cleared = await csms.command(charger.identity, "ClearVariableMonitoring", {"id": [first["id"], 99]})
    assert [one["status"] for one in cleared["clearMonitoringResult"]] == ["Accepted", "NotFound"]
    assert await csms.command(charger.identity, "GetMonitoringReport", {"requestId": 9}) == {"status": "EmptyResultSet"}


async def test_what_is_not_bad_enough_is_not_told(csms: Csms, make: Make) -> None:
    charger = make("ocpp2.0.1")
    await charger.connect()
    row = {"type": "UpperThreshold", "value": 80, "severity": 6} | HEAT
    await csms.command(charger.identity, "SetVariableMonitoring", {"setMonitoringData": [row]})
    await csms.command(charger.identity, "SetMonitoringLevel", {"severity": 5})
    charger.faults.heat_c = 91.5
    await asyncio.sleep(0.1)
    assert csms.of("NotifyEvent") == []
