"""The preview of an exception counts what the rows of the last 30 days would have made of it."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts import hindsight, services
from alerts.models import Incident, Notification, ProblemReport
from alerts.services.rules import Draft
from alerts.vocabulary import IncidentKind
from billing import lookup
from billing.models import Payment, Tariff, TariffAssignment
from evcms.core import clock
from sessions.models import Attempt, ChargingSession, Discrepancy
from stations.models import FirmwareUpdate, SecurityEvent
from tests.tariffs import flat

pytestmark = pytest.mark.django_db
K = IncidentKind
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def ago(**span):
    return clock.now() - timedelta(**span)


def seen(owner, kind, **draft):
    found = services.preview(access=owner, rule=None, draft=Draft(kind, **draft))
    return found.with_rule, found.without


@pytest.mark.parametrize(
    ("failed", "threshold", "count"),
    [
        ([True, True, True], 3, 1),
        ([True, True, True, True, True], 3, 1),  # a longer row is one
        ([True, True, False, True], 3, 0),
        ([True, True, False, True, True], 2, 2),
        ([], 1, 0),
    ],
)
def test_failures_in_a_row_are_counted_once_a_row(failed, threshold, count):
    tries = [(NOON + timedelta(minutes=number), bad) for number, bad in enumerate(failed)]
    found = hindsight.rows(tries, threshold=threshold, within=timedelta(hours=1), wanted=lambda _at: True)
    assert found == count


def test_failures_far_apart_are_no_row():
    tries = [(NOON + timedelta(hours=number), True) for number in range(5)]
    assert not hindsight.rows(tries, threshold=3, within=timedelta(hours=1), wanted=lambda _at: True)


def test_readings_security_events_and_failed_updates(owner, station):
    for hours in (100, 99, 10):
        Discrepancy.objects.create(station=station, kind="register_jump", at=ago(hours=hours))
        SecurityEvent.objects.create(
            station=station, type="TamperDetectionActivated", critical=True, at=ago(hours=hours),
            happened_at=ago(hours=hours),
            received_at=ago(hours=hours),
        )  # fmt: skip
        FirmwareUpdate.objects.create(
            station=station, version="2", state="failed", requested_at=ago(hours=hours), ended_at=ago(hours=hours)
        )
    assert seen(owner, K.METER, threshold=2) == (1, 2)
    assert seen(owner, K.SECURITY_EVENT, enabled=False) == (0, 2)
    assert seen(owner, K.SECURITY_EVENT, station_id=station.pk, duration_s=60) == (3, 2)
    assert seen(owner, K.FIRMWARE_FAILED) == (2, 2)


def test_starts_and_long_sessions(owner, organization, station):
    connector = station.connectors.first()
    for minutes, cause in ((60, "timeout"), (50, "not_plugged"), (40, "timeout"), (30, "timeout")):
        Attempt.objects.create(
            organization=organization, station=station, connector=connector, kind="scan", state="failed", cause=cause,
            at=ago(minutes=minutes),
        )  # fmt: skip
    assert seen(owner, K.START_FAILURES, threshold=4) == (0, 1)
    for number, hours in enumerate((5, 30)):
        ChargingSession.objects.create(
            organization=organization, station=station, site=station.site, transaction_id=str(number),
            start_key=str(number), protocol="ocpp1.6", started_at=ago(hours=hours), ended_at=ago(hours=1),
        )  # fmt: skip
    assert seen(owner, K.STUCK_SESSION, threshold=3) == (2, 1)


def test_payments_and_holds(owner, organization, station, site):
    tariff = Tariff.objects.create(organization=organization, name="Day", currency="EUR", **flat(per_kwh="0.49"))
    TariffAssignment.objects.create(tariff=tariff, organization=organization, valid_from=ago(days=40))
    fields = {
        "organization": organization, "connector": station.connectors.first(), "currency": "EUR", "hold_minor": 3000,
        "kind": "scan", "snapshot": lookup.snapshot_of(tariff),
    }  # fmt: skip
    for minutes in range(6):
        Payment.objects.create(**fields, state="failed", error_code="x", created_at=ago(minutes=minutes + 10))
    assert seen(owner, K.PAYMENT_FAILURES, site_id=site.pk, threshold=7) == (0, 1)
    Payment.objects.create(
        **fields, state="captured", created_at=ago(days=8), authorized_at=ago(days=8), capture_before=ago(days=1),
        settled_at=ago(days=1, hours=10),
    )  # fmt: skip
    assert seen(owner, K.HOLD_LAPSING, threshold=12) == (1, 0)


def test_reports_and_messages_to_nobody(owner, organization, station):
    connector = station.connectors.first()
    for minutes in (30, 20):
        ProblemReport.objects.create(
            organization=organization, connector=connector, problem="screen", created_at=ago(minutes=minutes)
        )
    assert seen(owner, K.DRIVER_REPORT, threshold=2) == (1, 1)
    assert seen(owner, K.DRIVER_REPORT, threshold=3) == (0, 1)
    for number in range(4):
        Notification.objects.create(
            organization=organization, key=str(number), template="x", to="", state="failed", created_at=ago(hours=1)
        )
    assert seen(owner, K.DEAD_DELIVERY, threshold=5) == (0, 1)


def test_of_what_only_the_present_is_kept_the_incidents_tell_and_the_page_says_why(
    owner, organization, station, client
):
    for hours, lasted in ((50, 1), (40, 20)):
        Incident.objects.create(
            organization=organization, kind=K.CLOCK_SKEW, key=f"clock:{hours}", title="Clock", station=station,
            site=station.site, opened_at=ago(hours=hours), resolved_at=ago(hours=hours - lasted), state="resolved",
        )  # fmt: skip
    assert seen(owner, K.CLOCK_SKEW, station_id=station.pk) == (2, 2)
    assert seen(owner, K.CLOCK_SKEW, duration_s=7200) == (1, 2)
    assert seen(owner, K.CLOCK_SKEW, enabled=False) == (0, 2)
    client.force_login(owner.user)
    form = {"enabled": "on", "tries": "2", "preview": "1"}
    page = client.post("/settings/trouble/new/?kind=clock_skew", form).content.decode()
    assert "That counts the incidents there were" in page
    assert "Only the present error of a clock is kept." in page
