import pytest

from tests.alerts.conftest import *
from tests.alerts.scenarios.world import World


@pytest.fixture
def world(organization):
    """A scenario says whom it told, by which channel and what, and not only what was found."""
    made = World(organization)
    yield made
    assert made.heard, "Ask world.told(): what did people hear of this?"
