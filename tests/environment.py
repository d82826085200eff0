"""Loaded by pytest before Django's settings (`-p tests.environment`): what makes this process a test.

Every run has a folder of its own, every parallel worker a part of it: runs never meet.
"""

import atexit
import os
import random
import shutil
import socket
import tempfile
from pathlib import Path

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")

os.environ["EVCMS_TESTING"] = "1"
os.environ["EVCMS_DEMO"] = "0"
if "EVCMS_TEST_ROOT" not in os.environ:
    os.environ["EVCMS_TEST_ROOT"] = tempfile.mkdtemp(prefix="evcms-test-")
    atexit.register(shutil.rmtree, os.environ["EVCMS_TEST_ROOT"], ignore_errors=True)
ROOT = Path(os.environ["EVCMS_TEST_ROOT"])
SCRATCH = ROOT / WORKER
SCRATCH.mkdir(parents=True, exist_ok=True)


GIVEN: set[int] = set()
SLICE = 1_400  # ports a worker; sixteen workers fit below the kernel's own range


def free_port() -> int:
    """A port that nobody listens on, and that nobody else will be given.

    A part of a test is stopped and started on the same port, so a port must stay ours while it is shut: it lies below
    the range (from 32768) out of which the kernel serves every `port 0`, in a slice of this worker alone.
    """
    worker = int(WORKER.removeprefix("gw")) + 1 if WORKER.startswith("gw") else 0
    first = 10_240 + worker % 16 * SLICE
    while True:
        port = random.SystemRandom().randrange(first, first + SLICE)  # not the seed of a test
        if port not in GIVEN and _free(port):
            GIVEN.add(port)
            return port


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


os.environ["EVCMS_CLOCK_FILE"] = str(SCRATCH / "clock")
os.environ["EVCMS_DATA_DIR"] = str(SCRATCH / "var")
os.environ["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
(SCRATCH / "var" / "static").mkdir(parents=True, exist_ok=True)
for name in ("SECRET_KEY", "STATION_PASSWORD_PEPPER"):
    os.environ.setdefault(name, f"{name.lower()} of the tests, the same in every process")
for name in list(os.environ):
    if name.startswith(("STRIPE_", "EMAIL_", "ANYMAIL_", "MAP_TILE_", "SMS_", "OUTGOING_", "VAPID_")):
        del os.environ[name]
os.environ["MAP_FRESH_SECONDS"] = "0"  # no test sees what another's rows said
os.environ["EMAIL_BACKEND"] = "django.core.mail.backends.locmem.EmailBackend"
