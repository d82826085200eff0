"""The review queue: what is odd, what was done, what a person decides; once, with a reason, and money follows."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from billing.models import Bill
from billing.vocabulary import BillState
from evcms.core import clock, delivery
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from sessions import services
from sessions.models import Attempt, ChargingSession, Discrepancy, MeterSample, UsageHour
from tests.dashboard.conftest import browser, words
from tests.sessions.helpers import KWH, ago, begin, finish, read
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db
M = timedelta(minutes=1)


@pytest.fixture
def lost(station):
    """A session of 3 kWh in 30 minutes whose stop was never reported; it was closed by rule."""
    t = ago(hours=3)
    begin(station, t, token="NOBODY")
    for number in range(1, 4):
        read(station, t + number * 10 * M, number * KWH, power_w=6000)
    services.close(session=ChargingSession.objects.get(), why="its connector is free again")
    return Discrepancy.objects.get(kind="stop_lost")


@pytest.fixture
def torn(station):
    return Attempt.objects.create(
        organization=station.organization, station=station, kind="remote", state="failed", party="network",
        rule="offline", clues="offline,fault", conflicting=True, judge_at=None,
    )  # fmt: skip


def test_an_item_says_what_is_odd_and_what_the_system_did(lost, torn, owner):
    client = browser(owner)
    page = words(client.get("/review/"))
    assert "2 things wait for somebody's decision." in page
    assert "The stop was never reported" in page
    assert "closed at its last sign of life, as an estimate" in page
    assert "its connector is free again" in page
    page = words(client.get("/review/?kind=attempt"))
    assert "The station had no link to us" in page
    assert "the first rule of the table holds: network" in page


def test_a_decision_needs_a_reason_and_is_made_once(lost, owner):
    client, path = browser(owner), f"/review/{lost.pk}/"
    client.post(path, {"outcome": "accepted"})
    lost.refresh_from_db()
    assert lost.resolved_at is None
    client.post(path, {"outcome": "accepted", "reason": "the driver confirms it"})
    answer = client.post(path, {"outcome": "dismissed", "reason": "again"}, follow=True)
    assert "Somebody else was faster" in words(answer)
    lost.refresh_from_db()
    assert (lost.outcome, lost.note, lost.resolved_by) == ("accepted", "the driver confirms it", owner.user)
    assert AuditEntry.objects.filter(action="discrepancy.resolved").count() == 1
    page = words(client.get(f"/sessions/{lost.session.public_id}/"))
    assert "the driver confirms it" in page
    assert "Nothing waits for a decision." in words(client.get("/review/"))


def test_the_end_is_corrected_with_before_after_who_and_why(lost, owner):
    session = lost.session
    right = session.started_at + 20 * M
    local = right.astimezone(ZoneInfo(session.site.time_zone))
    asked = {"ended_at": f"{local:%Y-%m-%dT%H:%M:%S}", "reason": "the barrier's camera"}
    answer = browser(owner).post(f"/review/{lost.pk}/correct/", asked, follow=True)
    assert "Decided." in words(answer)
    session.refresh_from_db()
    assert (session.ended_at, session.estimated, session.closed_by) == (right, False, "operator")
    assert MeterSample.objects.filter(session=session).count() >= 3
    entry = AuditEntry.objects.get(action="session.end_corrected")
    assert entry.detail["reason"] == "the barrier's camera"
    assert entry.detail["before"] != entry.detail["after"] == right.isoformat()
    page = words(browser(owner).get(f"/sessions/{session.public_id}/"))
    assert "End corrected" in page
    assert "the barrier&#x27;s camera" in page


def test_the_begin_is_corrected_and_what_came_before_it_no_longer_counts(lost, owner):
    session = lost.session
    right = session.started_at + 15 * M
    local = right.astimezone(ZoneInfo(session.site.time_zone))
    asked = {"started_at": f"{local:%Y-%m-%dT%H:%M:%S}", "reason": "the barrier's camera"}
    assert "Decided." in words(browser(owner).post(f"/review/{lost.pk}/correct/", asked, follow=True))
    session.refresh_from_db()
    assert (session.started_at, session.energy_mwh) == (right, KWH)  # from the reading at 20 minutes to that at 30
    assert sum(UsageHour.objects.values_list("energy_mwh", flat=True)) == KWH
    entry = AuditEntry.objects.get(action="session.begin_corrected")
    assert (entry.detail["before_mwh"], entry.detail["after_mwh"]) == (3 * KWH, KWH)
    assert "Begin corrected" in words(browser(owner).get(f"/sessions/{session.public_id}/"))


def test_a_begin_within_the_session_before_is_refused(lost, station, owner):
    begin(station, ago(hours=5), transaction_id="before")
    finish(station, ago(hours=4), transaction_id="before")
    local = ago(hours=4, minutes=30).astimezone(ZoneInfo(lost.session.site.time_zone))
    asked = {"started_at": f"{local:%Y-%m-%dT%H:%M:%S}", "reason": "a guess"}
    page = words(browser(owner).post(f"/review/{lost.pk}/correct/", asked, follow=True))
    assert "between the end of the session before and the end of this one" in page
    lost.refresh_from_db()
    assert lost.resolved_at is None


def test_the_energy_is_corrected(lost, owner):
    delivery.deliver_due()
    bill = Bill.objects.get(session=lost.session)
    answer = browser(owner).post(
        f"/review/{lost.pk}/correct/", {"energy": "2.5", "reason": "read at the meter"}, follow=True
    )
    assert answer.status_code == 200
    lost.refresh_from_db()
    session = ChargingSession.objects.get()
    assert (session.energy_mwh, lost.outcome) == (2_500_000, "corrected")
    bill.refresh_from_db()
    assert bill.state == BillState.REVIEW  # nobody has said a tariff here: the price still waits, of the right energy


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"energy": "-1"},
        {"ended_at": "yesterday"},
        {"started_at": "2099-01-01T00:00"},
        {"ended_at": "2099-01-01T00:00"},
    ],
)
def test_a_correction_that_cannot_be_changes_nothing(lost, owner, asked):
    before = ChargingSession.objects.values().get()
    browser(owner).post(f"/review/{lost.pk}/correct/", asked | {"reason": "why"})
    lost.refresh_from_db()
    assert lost.resolved_at is None
    assert ChargingSession.objects.values().get() == before


def test_a_persons_word_on_an_attempt_stands(torn, owner):
    client, path = browser(owner), f"/review/attempts/{torn.pk}/"
    client.post(path, {"party": "station", "reason": ""})
    torn.refresh_from_db()
    assert torn.decided_at is None
    client.post(path, {"party": "station", "reason": "the fuse had blown first"})
    assert "Somebody else was faster" in words(client.post(path, {"party": "car", "reason": "no"}, follow=True))
    Attempt.objects.update(judge_at=clock.now())
    services.judge_attempts()
    torn.refresh_from_db()
    assert (torn.party, torn.decided_by) == ("station", owner.user)
    assert "has decided" in words(client.get(f"/attempts/{torn.pk}/"))


def test_who_may_only_look_decides_nothing(lost, torn, organization):
    client = browser(make_access(organization, Role.VIEWER))
    assert "Your role may look, not decide." in words(client.get("/review/"))
    for path in (f"/review/{lost.pk}/", f"/review/{lost.pk}/correct/", f"/review/attempts/{torn.pk}/"):
        assert client.post(path, {"outcome": "accepted", "party": "car", "reason": "x"}).status_code == 403


def test_the_page_costs_the_same_however_much_waits(lost, station, owner, django_assert_max_num_queries):
    client = browser(owner)
    client.get("/review/")
    for number in range(30):
        at = ago(hours=2) + number * M
        begin(station, at, transaction_id=f"tx-{number + 2}")
        finish(station, at + M / 2, transaction_id=f"tx-{number + 2}")
        Discrepancy.objects.create(
            station=station, session=ChargingSession.objects.get(transaction_id=f"tx-{number + 2}"), kind="stop_lost"
        )
    with django_assert_max_num_queries(20):
        client.get("/review/?kind=stop_lost")
