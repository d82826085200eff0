"""What every test may ask for: see tests/fixtures/."""

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

from tests.environment import SCRATCH
from tests.fixtures.postgres_files import check_marks

# A slow machine is no finding. `make test` tries the same examples each time, `make test-long` new ones.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("searching", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("EVCMS_HYPOTHESIS", "steady"))

pytest_plugins = [
    "tests.fixtures.database",
    "tests.fixtures.stack",
    "tests.fixtures.browser",
    "tests.fixtures.postgres",
]


def pytest_configure() -> None:
    """A password costs the product a quarter of a second; thousands of tests make people."""
    from django.conf import settings as django

    django.PASSWORD_HASHERS = ["tests.hashers.OneRound", *django.PASSWORD_HASHERS]
    django.CACHES["default"]["KEY_FUNCTION"] = key_of_this_test
    django.WHITENOISE_AUTOREFRESH = True  # else each test client looks at every static file: 40 ms of each test


def pytest_collection() -> None:
    gc.disable()  # seven thousand tests are made now and none goes


# What takes longest begins first: a worker that begins a minute's test last leaves the others idle for that minute.
LONGEST = (
    "tests/tooling/test_up.py",
    "tests/tooling/test_large.py",
    "tests/tooling/test_celery.py",
    "tests/billing/test_stateful.py",
    "tests/dashboard/test_query_baselines.py",
    "tests/stories/",
)


def pytest_collection_modifyitems(items) -> None:
    check_marks(items)
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """What stands here stands to the end: the garbage collector need not look at it again, 7 % of each test."""
    gc.collect()
    gc.freeze()
    gc.enable()


def key_of_this_test(key: str, prefix: str, version: int) -> str:
    """What one test counted or cached in the signal server, which outlives it, the next does not find."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
    return f"{prefix}:{version}:{test}:{key}"


@pytest.fixture(autouse=True)
def clock_at_rest():
    """Whoever moved the clock, the next test finds it right."""
    yield
    (SCRATCH / "clock").unlink(missing_ok=True)
