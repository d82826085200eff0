"""The demo's past is handled as the program handles the present."""

from datetime import timedelta

import pytest

from alerts.models import Incident
from alerts.vocabulary import IncidentKind, IncidentState
from evcms.core import clock
from evcms.demo import duty
from tests.stations.conftest import organization, owner  # noqa: F401

pytestmark = pytest.mark.django_db


def test_nothing_was_tried_against_a_dangerous_fault_and_people_were_told_at_once(owner):  # noqa: F811
    now = clock.now()
    duty.staff(owner, now - timedelta(days=60), "example.org")
    made = {
        code: Incident.objects.create(
            organization=owner.organization, kind=IncidentKind.CONNECTOR_FAULTED, key=code, title=code,
            state=IncidentState.RESOLVED, detail={"error_code": code}, opened_at=now - timedelta(hours=9),
            resolved_at=now - timedelta(hours=8),
        )
        for code in ("InternalError", "GroundFailure")
    }  # fmt: skip
    duty.handle(owner)
    assert [made[code].steps.count() for code in made] == [1, 0]
    danger = Incident.objects.get(key="GroundFailure")
    assert (danger.told_at, danger.recovery) == (danger.opened_at, "none")
