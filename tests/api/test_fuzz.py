"""The API under invented requests of its own description: it may refuse anything, but it never breaks (no 5xx)."""

import pytest
from django.core.wsgi import get_wsgi_application
from drf_spectacular.generators import EndpointEnumerator
from hypothesis import HealthCheck, given, settings

from tests.api.conftest import make_station

OPERATIONS = sorted(
    (method.lower(), path.replace("{pk}", "{id}"))
    for path, _, method, _ in EndpointEnumerator().get_api_endpoints()
    if path.startswith("/api/v1/") and path != "/api/v1/"
)
CAREFUL = settings(
    max_examples=5, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def described():
    """The description, with an application that answers it: it is the same for all, and half a second's work."""
    import schemathesis  # a third of a second, in each process that only collects

    return schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())


@pytest.fixture
def aim(site):
    """A real station to aim at."""
    make_station("FUZZ-1", site)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_invented_request_breaks_the_api(method, path, described, aim, api):
    operation = described[path][method]
    broken = []

    @CAREFUL
    @given(case=operation.as_strategy())
    def invent(case):
        if isinstance(case.body, dict) and "wait_seconds" in case.body:
            case.body["wait_seconds"] = 0
        answer = case.call(headers={"Authorization": api._credentials["HTTP_AUTHORIZATION"]})
        if answer.status_code >= 500:
            broken.append((answer.status_code, case.path_parameters, case.query, case.body))
        assert answer.status_code < 500, broken[-1]

    invent()
    assert broken == []


def test_every_operation_is_tried(described):
    named = {(method, path) for path, methods in described.raw_schema["paths"].items() for method in methods}
    assert set(OPERATIONS) == named
    assert len(OPERATIONS) >= 25
