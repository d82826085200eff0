"""What every test may ask for: see tests/fixtures/."""

from datetime import timedelta

import pytest

from evcms.core import clock

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
    clock.set_offset(timedelta(0))
