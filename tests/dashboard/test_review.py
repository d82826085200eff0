"""The review queue: what is odd, what was done, what a person decides; once, with a reason, and money follows."""

import re
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
    answer = browser(owner).post(f"/review/{lost.pk}/correct/", asked)
    page = refused(answer)
    assert "between the end of the session before and the end of this one" in page
    assert "a guess" in page
    lost.refresh_from_db()
    assert lost.resolved_at is None


def refused(answer):
    """The page that came back."""
    assert answer.status_code == 422
    return answer.content.decode()


def test_what_was_typed_comes_back_with_the_error_at_its_field(lost, owner):
    asked = {"energy": "abc", "started_at": "2026-11-29T04:05:06", "reason": "read at the <meter>"}
    page = refused(browser(owner).post(f"/review/{lost.pk}/correct/", asked))
    assert '<details class="ev-section" open>' in page
    for typed in ('value="abc"', 'value="2026-11-29T04:05:06"', "read at the &lt;meter&gt;"):
        assert typed in page
    assert f'id="correct-{lost.pk}-energy_error"' in page
    assert "A number such as 5.89." in page
    client = browser(owner)
    assert client.get(f"/review/{lost.pk}/correct/?kind=stop_lost", follow=True).status_code == 200  # loaded anew


@pytest.mark.parametrize(("typed", "mwh"), [("2,5", 2_500_000), ("2.5", 2_500_000), ("0,125", 125_000)])
def test_energy_takes_the_comma_and_the_point(lost, owner, typed, mwh):
    browser(owner).post(f"/review/{lost.pk}/correct/", {"energy": typed, "reason": "read at the meter"})
    assert ChargingSession.objects.get().energy_mwh == mwh


def test_a_comma_that_may_part_thousands_is_asked_about(lost, owner):
    page = refused(browser(owner).post(f"/review/{lost.pk}/correct/", {"energy": "1,234", "reason": "x"}))
    assert "may be 1234 or 1.234" in page


def test_the_form_shows_what_is_so_and_what_is_left_alone_is_no_correction(lost, owner):
    client, session = browser(owner), lost.session
    page = client.get("/review/").content.decode()
    begin = session.started_at.astimezone(ZoneInfo(session.site.time_zone))
    assert 'name="energy" value="3"' in page
    assert f'name="started_at" value="{begin:%Y-%m-%dT%H:%M:%S}"' in page
    sent = dict(re.findall(r'name="((?:initial-)?(?:energy|started_at|ended_at))" value="([^"]*)"', page))
    assert len(sent) == 6
    session.energy_mwh = 4 * KWH  # a colleague was at it meanwhile
    session.save()
    page = refused(client.post(f"/review/{lost.pk}/correct/", sent | {"reason": "nothing is changed"}))
    assert "Say what is right" in page
    client.post(f"/review/{lost.pk}/correct/", sent | {"energy": "2,5", "reason": "only this"})
    actions = set(AuditEntry.objects.filter(action__startswith="session.").values_list("action", flat=True))
    assert actions == {"session.energy_corrected"}


def test_the_session_says_that_a_person_set_it_and_when(lost, owner):
    session = lost.session
    right = session.started_at + 20 * M
    zone = ZoneInfo(session.site.time_zone)
    asked = {"ended_at": f"{right.astimezone(zone):%Y-%m-%dT%H:%M:%S}", "reason": "the barrier's camera"}
    client = browser(owner)
    client.post(f"/review/{lost.pk}/correct/", asked)
    page = words(client.get(f"/sessions/{session.public_id}/"))
    assert "as the station reported it" not in page
    assert f"as a person corrected them: {owner.actor}," in page
    assert "closed by system" in page  # who had ended it
    assert f"End corrected: {owner.actor}," in page
    assert f"{right.astimezone(zone):%H:%M:%S}" in page
    assert f"{right:%Y-%m-%dT%H:%M:%S}Z" not in page
    services.correct_energy(session=session, energy_mwh=KWH, reason="x", access=owner)
    assert f"set by hand: {owner.actor}," in words(client.get(f"/sessions/{session.public_id}/"))


def test_a_second_stop_stands_beside_the_meter_of_the_first(station, owner):
    begin(station, ago(hours=3))
    finish(station, ago(hours=2), 5 * KWH)
    finish(station, ago(hours=1), 7 * KWH)
    page = words(browser(owner).get("/review/"))
    assert "Meter at the first stop</dt><dd>5.000 kWh" in page
    assert "Meter at the stop</dt><dd>7.000 kWh" in page


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
