"""Firmware, logs and security events of a simulated charger, in any version: real files over real HTTP.

The protocol's files know how each version spells the request; here is what the charger does then. What goes wrong is
`Faults.firmware_fails` ("download", "signature", "install", "silent") and `Faults.log_fails` ("refused", "upload").
"""

from __future__ import annotations

import asyncio
import logging
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evcms.simulator.chargers.wired import Wired

log = logging.getLogger("evcms.simulator")
FETCH_TIMEOUT_S = 30.0
LARGEST_FIRMWARE = 64 * 2**20
NAMED_VERSION = re.compile(rb"version=([0-9A-Za-z.\-_]{1,50})")
VERSION = re.compile(r"\d+(?:\.\d+)+")
SECURITY = (  # what a charger reports now and then
    ("SettingSystemTime", "NTP, 3 s"),
    ("ReconfigurationOfSecurityParameters", "TLS trust store"),
    ("InvalidMessages", "unexpected frame"),
    ("MaintenanceLoginAccepted", "{'user': 'service', 'origin': 'touch screen'}"),
)


@dataclass(frozen=True)
class Update:
    """A firmware to fetch. `say(status)` reports in the version's words; `restarts`: it may say InstallRebooting."""

    url: str
    say: Callable[[str], None]
    begins_at: datetime
    installs_at: datetime | None = None
    signed: bool = False
    restarts: bool = True


async def install(charger: Wired, update: Update) -> None:
    """Fetch it, check it, install it, restart with the new version, say so."""
    await _wait_until(charger, update.begins_at)
    if charger.faults.firmware_fails == "silent":
        return
    update.say("Downloading")
    content = await _fetched(update.url) if charger.faults.firmware_fails != "download" else None
    if content is None:
        update.say("DownloadFailed")
        return
    update.say("Downloaded")
    if update.signed:
        forged = charger.faults.firmware_fails == "signature"
        update.say("InvalidSignature" if forged else "SignatureVerified")
        if forged:
            charger.security_event("InvalidFirmwareSignature", update.url[-200:])
            return
    if update.installs_at is not None:
        update.say("InstallScheduled")
        await _wait_until(charger, update.installs_at)
    update.say("Installing")
    if charger.faults.firmware_fails == "install":
        update.say("InstallationFailed")
        return
    if update.restarts:
        update.say("InstallRebooting")
    charger.firmware = _version(content, update.url, charger.firmware)
    await charger.settled(30)
    charger.restart()
    await charger.wait_for(lambda: not charger.is_accepted, 30)
    await charger.wait_for(lambda: charger.is_accepted, 120)
    update.say("Installed")
    charger.security_event("FirmwareUpdated", charger.firmware)


async def _wait_until(charger: Wired, moment: datetime) -> None:
    await asyncio.sleep(max(0.0, (moment - charger.now()).total_seconds()))


async def _fetched(url: str) -> bytes | None:
    def fetch() -> bytes:
        with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_S) as answer:
            return bytes(answer.read(LARGEST_FIRMWARE))

    try:
        return await asyncio.to_thread(fetch)
    except (OSError, ValueError) as error:
        log.info("no firmware from %s: %s", url, error)
        return None


def _version(content: bytes, url: str, before: str) -> str:
    """What the file says of itself ("version=2.5.0"), else its name, else the next one."""
    named = NAMED_VERSION.search(content[:4096])
    if named:
        return named[1].decode()
    found = VERSION.findall(url.rsplit("/", 1)[-1])
    if found:
        return str(found[-1])
    *head, last = before.split(".")
    return ".".join([*head, str(int(last) + 1)]) if last.isdigit() else f"{before}.1"


@dataclass(frozen=True)
class Log:
    url: str
    name: str
    kind: str  # diagnostics | security
    say: Callable[[str], None]
    failed: str = "UploadFailure"  # 1.6 diagnostics: UploadFailed


async def bring(charger: Wired, wanted: Log) -> None:
    """Write the log and PUT it where the CSMS wants it."""
    await asyncio.sleep(0)  # the answer goes first
    wanted.say("Uploading")
    taken = charger.faults.log_fails != "upload" and await _put(wanted.url, text_of(charger, wanted.kind))
    wanted.say("Uploaded" if taken else wanted.failed)


async def _put(url: str, content: bytes) -> bool:
    def put() -> bool:
        request = urllib.request.Request(url, content, {"Content-Type": "application/octet-stream"}, method="PUT")
        with urllib.request.urlopen(request, timeout=FETCH_TIMEOUT_S) as answer:
            return bool(200 <= answer.status < 300)

    try:
        return await asyncio.to_thread(put)
    except (OSError, ValueError) as error:
        log.info("the log was not taken at %s: %s", url, error)
        return False


def text_of(charger: Wired, kind: str) -> bytes:
    """What stands in the file."""
    lines = [f"# {kind} of {charger.identity}, firmware {charger.firmware}, {charger.timestamp()}"]
    if kind == "security":
        lines += [f"{at} {name} {info}" for at, name, info in charger.security_log]
    else:
        lines += [f"calls sent {charger.link.sent_calls}, received {charger.link.received_calls}"]
        lines += [f"told {count} times: {action}" for action, count in sorted(charger.commands_seen.items())]
        lines += [f"waiting in the queue: {len(charger.outbox)}", f"given up: {len(charger.lost_messages)}"]
    return ("\n".join(lines) + "\n").encode()


def now_and_then(charger: Wired, now: float) -> None:
    """A security event about every `Faults.security_every_s`."""
    every = charger.faults.security_every_s
    if not every:
        charger.next_security = 0.0
    elif not charger.next_security:
        charger.next_security = now + charger.rng.expovariate(1 / every)
    elif now >= charger.next_security:
        charger.next_security = now + charger.rng.expovariate(1 / every)
        charger.security_event(*charger.rng.choice(SECURITY))


def moment(payload: dict[str, Any], name: str) -> datetime | None:
    """Any: JSON. A time of a request, in UTC when it names no zone."""
    text = payload.get(name)
    if text is None:
        return None
    value = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return value if value.tzinfo else value.replace(tzinfo=UTC)
