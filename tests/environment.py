"""Loaded by pytest before Django's settings (`-p tests.environment`): what makes this process a test.

The worker's name keeps parallel test processes apart: each has its own clock and its own files.
"""

import os
import tempfile
from pathlib import Path

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")

os.environ["EVCMS_TESTING"] = "1"
if "EVCMS_TEST_ROOT" not in os.environ:
    os.environ["EVCMS_TEST_ROOT"] = tempfile.mkdtemp(prefix="evcms-test-")
ROOT = Path(os.environ["EVCMS_TEST_ROOT"])
SCRATCH = ROOT / WORKER
SCRATCH.mkdir(parents=True, exist_ok=True)
os.environ["EVCMS_CLOCK_FILE"] = str(SCRATCH / "clock")
