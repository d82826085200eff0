"""Loaded by pytest before Django's settings (`-p tests.environment`): what makes this process a test.

Every run has a folder of its own, every parallel worker a part of it: runs never meet.
"""

import atexit
import os
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


def free_port() -> int:
    """A port that nobody listens on now. The kernel deals them out in turn, so two callers rarely meet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
