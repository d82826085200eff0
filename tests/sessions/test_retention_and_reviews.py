"""What is forgotten and what stays; what people have looked at."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied

from evcms.core import clock
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from sessions import services
from sessions.models import Attempt, ChargingSession, Discrepancy, Driver, IdToken, MeterSample, UsageHour
from tests.stations.conftest import make_access

from .helpers import KWH, ago, begin, finish, read

pytestmark = pytest.mark.django_db


def test_old_readings_go_and_the_session_with_its_hours_stays(station, settings):
    settings.RETENTION_SAMPLES_DAYS = 30
    begin(station, ago(minutes=50))
    read(station, ago(minutes=40), KWH)
    finish(station, ago(minutes=30), 2 * KWH)
    begin(station, ago(minutes=20), transaction_id="running")
    assert services.prune_samples() == 0
    clock.advance(timedelta(days=31))
    assert services.prune_samples() == 3
    assert MeterSample.objects.get().session.transaction_id == "running"
    assert ChargingSession.objects.get(transaction_id="tx-1").energy_mwh == 2 * KWH
    assert sum(UsageHour.objects.values_list("energy_mwh", flat=True)) == 2 * KWH


def test_nothing_is_forgotten_without_a_retention(station, settings):
    settings.RETENTION_SAMPLES_DAYS = settings.RETENTION_PERSONAL_DAYS = 0
    begin(station, ago(minutes=50), token="CARD")
    finish(station, ago(minutes=30), KWH)
    clock.advance(timedelta(days=9999))
    assert (services.prune_samples(), services.forget_people()) == (0, 0)
    assert ChargingSession.objects.get().token_value == "CARD"


def test_people_are_forgotten_and_their_sessions_are_not(station, organization, settings):
    settings.RETENTION_PERSONAL_DAYS = 30
    old = Driver.objects.create(organization=organization, name="Anna", email="anna@example.org")
    new = Driver.objects.create(organization=organization, name="Ben", email="ben@example.org")
    for driver, value in ((old, "OLD"), (new, "NEW")):
        IdToken.objects.create(organization=organization, value=value, folded=value, driver=driver, guest=driver == old)
    begin(station, ago(minutes=50), token="OLD")
    finish(station, ago(minutes=30), KWH)
    clock.advance(timedelta(days=31))
    begin(station, ago(minutes=10), token="NEW", transaction_id="new")
    assert services.forget_people() == 1
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.name, old.email, new.name) == ("", "", "Ben")
    assert old.erased_at is not None
    session = ChargingSession.objects.get(transaction_id="tx-1")
    assert (session.token_value, session.energy_mwh) == ("", KWH)
    assert ChargingSession.objects.get(transaction_id="new").token_value == "NEW"
    assert list(Attempt.objects.order_by("at").values_list("token_value", flat=True)) == ["", "NEW"]
    assert [token.value for token in IdToken.objects.all()] == ["NEW"]


def test_a_discrepancy_is_looked_at_once_by_somebody_who_may(station, organization, rival, owner):
    begin(station, ago(minutes=50), mwh=9 * KWH)
    finish(station, ago(minutes=30), KWH)
    row = Discrepancy.objects.get()
    with pytest.raises(PermissionDenied):
        services.resolve_discrepancy(access=make_access(organization, Role.VIEWER), discrepancy=row)
    with pytest.raises(Discrepancy.DoesNotExist):
        services.resolve_discrepancy(access=make_access(rival), discrepancy=row)
    assert services.resolve_discrepancy(access=owner, discrepancy=row, note="meter was replaced")
    assert not services.resolve_discrepancy(access=owner, discrepancy=row)
    said = {"kind": "negative", "note": "meter was replaced", "outcome": "accepted"}
    assert AuditEntry.objects.get().detail == said | {"session": row.session_id}
