"""A network and keys to its API."""

import pytest
from rest_framework.test import APIClient

from evcms.core.access import Permission, Role
from evcms.core.services import create_token
from tests.stations.conftest import *


def client_of(access, *scopes: Permission) -> APIClient:
    _token, secret = create_token(membership=access.membership, name="test", scopes=list(scopes or Permission))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


@pytest.fixture
def api(owner):
    return client_of(owner)


@pytest.fixture
def stranger(rival):
    return client_of(make_access(rival))


@pytest.fixture
def viewer(organization):
    return client_of(make_access(organization, Role.VIEWER))
