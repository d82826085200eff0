"""What every test may ask for: see tests/fixtures/."""

import pytest

from tests.environment import SCRATCH

pytest_plugins = [
    "tests.fixtures.database",
    "tests.fixtures.stack",
    "tests.fixtures.browser",
    "tests.fixtures.postgres",
]


@pytest.fixture(autouse=True)
def clock_at_rest():
    """Whoever moved the clock, the next test finds it right."""
    yield
    (SCRATCH / "clock").unlink(missing_ok=True)
