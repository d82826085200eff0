import pytest

from tests.alerts.conftest import *
from tests.alerts.scenarios.world import World


@pytest.fixture
def world(organization):
    return World(organization)
