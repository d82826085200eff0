"""The days of attempts say what the attempts say, after whatever happened; where they cannot yet, nobody reads them."""

from datetime import timedelta
from random import Random

import pytest

from evcms.core.access import Role
from sessions import services, success
from sessions.models import Attempt, AttemptDay, ChargingSession, IdToken, Watermark
from sessions.services import attempt_days, attempts, judging
from sessions.vocabulary import Party
from stations import services as stations
from stations.models import Connection, Site
from stations.scope_forms import ScopeForm
from stations.vocabulary import ConnectorStatus
from tests.stations.conftest import make_access, make_station

from .helpers import KWH, ago
from .test_judging import CARD, M, charge, judged, plug, says, tap

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
TABLES = (success.look, success.by_site, success.by_model, success.by_hour)


@pytest.fixture
def owner(organization):
    return make_access(organization, Role.OWNER)


@pytest.fixture
def street(linked, organization, site):
    """Three stations of two sites and two models, one of them far from everybody's midnight."""
    organization.time_zone = "Asia/Kolkata"
    organization.save()
    IdToken.objects.create(organization=organization, value=CARD, folded=CARD)
    far = Site.objects.create(
        organization=organization, name="Far", time_zone="Pacific/Auckland", latitude="52", longitude="4"
    )
    found = [linked, make_station("B", site, model="Beta"), make_station("C", far, model="Beta", firmware_version="2")]
    for station in found:
        stations.ensure_connector(station_id=station.pk, evse=1)
        Connection.objects.filter(station=station).update(opened_at=ago(days=5))
        says(station, ago(days=4), ConnectorStatus.AVAILABLE)
    return found


def told(scope):
    return [table(scope) for table in TABLES]


def asked_of_attempts(scope, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(success, "days", lambda scope, grouping: None)
        return told(scope)


def scope_of(owner, **asked):
    return ScopeForm(asked or None, access=owner).scope()


def same(owner, monkeypatch):
    for scope in (scope_of(owner), scope_of(owner, since=str(ago(days=1).date()), until=str(ago(days=1).date()))):
        assert success.days(scope, "hour") is not None
        assert told(scope) == asked_of_attempts(scope, monkeypatch)


def happen(rng, street):
    station, at = rng.choice(street), ago(minutes=rng.randrange(30, 3 * 24 * 60))
    kind = rng.choice(("tap", "refused", "plug", "charge", "empty", "broken", "joined"))
    if kind in ("tap", "refused"):
        tap(station, at, CARD if kind == "tap" else "UNKNOWN")
    elif kind == "plug":
        plug(station, at)
    elif kind == "joined":
        tap(station, at, "UNKNOWN")
        charge(station, at + M, minutes=5, transaction_id=f"j{rng.random()}")
    else:
        reason = "EmergencyStop" if kind == "broken" else "Local"
        charge(
            station,
            at,
            mwh=0 if kind == "empty" else 5 * KWH,
            minutes=9,
            reason=reason,
            transaction_id=str(rng.random()),
        )


@pytest.mark.parametrize("seed", range(4))
def test_days_say_what_the_attempts_say_whatever_comes_and_in_whatever_order(street, owner, monkeypatch, seed):
    rng = Random(seed)
    for _round in range(4):
        for _number in range(rng.randrange(1, 6)):
            happen(rng, street)
        for session in ChargingSession.objects.order_by("?")[:1]:  # a correction
            judging.judge_again(session_id=session.pk)
        judged()
        same(owner, monkeypatch)
    before = sorted(
        AttemptDay.objects.values_list("day", "grouping", "hour", "stage", "rule", "site", "model", "attempts"), key=str
    )
    attempt_days.count_from_the_beginning(again=True)
    again = sorted(
        AttemptDay.objects.values_list("day", "grouping", "hour", "stage", "rule", "site", "model", "attempts"), key=str
    )
    assert before == again
    assert len(before) >= 5


def test_looking_again_writes_the_same_rows(street, owner):
    charge(street[0], ago(hours=3))
    judged()
    keys = ("day", "grouping", "hour", "stage", "rule", "site", "attempts", "counts", "well")
    before = sorted(AttemptDay.objects.values_list(*keys), key=str)
    Attempt.objects.update(judge_at=ago(minutes=1))
    judged()
    assert sorted(AttemptDay.objects.values_list(*keys), key=str) == before


def test_a_persons_word_on_the_cause_counts_at_once_and_in_the_days_after_the_next_sweep(street, owner, monkeypatch):
    charge(street[0], ago(hours=3), reason="EmergencyStop")
    judged()
    attempt = Attempt.objects.get(state="failed")
    Attempt.objects.filter(pk=attempt.pk).update(conflicting=True)
    assert services.decide_cause(access=owner, attempt=attempt, party=Party.DRIVER, reason="he pulled it")
    assert success.days(scope_of(owner), "hour") is None
    assert success.look(scope_of(owner)).causes().keys() == {"driver"}
    judged()
    same(owner, monkeypatch)
    assert success.look(scope_of(owner)).causes().keys() == {"driver"}


def test_an_attempt_that_another_swallows_leaves_the_days(street, owner, monkeypatch):
    charge(street[0], ago(hours=3))
    judged()
    session = ChargingSession.objects.select_related("attempt").get()
    lead = Attempt.objects.create(
        organization=session.organization, station=session.station, connector=session.connector, kind="tap",
        state="failed", cause="timeout", command_id="0" * 32, token_value=CARD, at=ago(minutes=40),
    )  # fmt: skip
    monkeypatch.setattr(attempts, "join", lambda session, *who: ChargingSession.objects.update(attempt=lead) or True)
    attempts.rejoin(session, lead.pk, CARD)
    assert success.days(scope_of(owner), "hour") is None
    judged()
    same(owner, monkeypatch)


def test_another_zone_has_other_days(street, owner, organization, monkeypatch):
    charge(street[0], ago(hours=3))
    judged()
    organization.time_zone = "America/St_Johns"
    organization.save()
    owner.organization.refresh_from_db()
    assert success.days(scope_of(owner), "hour") is None
    judged()
    same(owner, monkeypatch)
    assert set(AttemptDay.objects.values_list("zone", flat=True)) == {"America/St_Johns"}


def test_counting_goes_on_where_it_stopped(street, owner, monkeypatch):
    for days in range(3):
        charge(street[0], ago(days=days, hours=3), transaction_id=str(days))
    judged()
    Watermark.objects.filter(name__startswith="attempts.days").delete()
    attempt_days.count_from_the_beginning(budget_s=0)
    assert success.days(scope_of(owner), "hour") is None
    for _run in range(4):
        attempt_days.count_from_the_beginning(budget_s=0)
    same(owner, monkeypatch)


def test_some_sites_and_one_site_are_asked_of_the_attempts(street, owner, organization, site):
    judged()
    assert success.days(scope_of(owner, site=str(site.pk)), "hour") is None
    few = make_access(organization, Role.VIEWER, all_sites=False)
    assert success.days(scope_of(few), "hour") is None
    half = scope_of(owner)
    assert success.days(type(half)(owner, half.since + timedelta(hours=1), half.until), "hour") is None
