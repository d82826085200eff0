"""Sessions: what happened, what it cost, why a person should look."""

import csv
import html
import io
import re
from datetime import timedelta

import pytest

from billing.models import Bill, Payment, PaymentEvent
from billing.vocabulary import PaymentState
from evcms.core import clock, delivery
from evcms.core.access import Role
from evcms.core.models import AuditEntry, Organization
from sessions.models import Attempt, ChargingSession, Discrepancy, IdToken, MeterSample
from stations.models import Command, StatusChange
from tests.dashboard.conftest import browser, streamed, words
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(network):
    return browser(network.owner)


@pytest.fixture
def ended(network):
    return ChargingSession.objects.exclude(ended_at=None).select_related("connector__station").first()


@pytest.fixture
def running(network):
    return ChargingSession.objects.filter(ended_at=None, station__identity="RIV-0001").get()


NARROWED = [
    ("", 30),
    ("state=running", 6),
    ("state=ended", 24),
    ("state=charging", 6),
    ("q=RIV-0001", 3),
    ("flag=unauthorized", 0),
    ("period=month", 30),
    ("since=2001-01-01&until=2001-01-02", 0),
    ("site=x&state=nonsense&since=yesterday", 30),
]


def test_the_list_narrows_to_what_is_asked(owner):
    for filters, found in NARROWED:
        page = owner.get(f"/sessions/?{filters}")
        assert page.context["page"].paginator.count == found, filters
        words(page)


def test_the_list_sorts_and_exports(network, owner):
    rows = owner.get("/sessions/?sort=-energy").context["page"]
    assert rows[0].energy_mwh == max(row.energy_mwh for row in ChargingSession.objects.all())
    text = streamed(owner.get("/sessions/?state=running&export=csv"))
    assert len(text.splitlines()) == 7
    assert "energy_kwh" in text


def test_an_export_says_what_the_rows_say_and_keeps_the_period(owner, ended):
    text = streamed(owner.get("/sessions/?export=csv"))
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(text))}
    assert len(rows) == 30
    row = rows[str(ended.public_id)]
    assert row["connector"] == str(ended.connector)
    assert row["site"] == str(ended.site)
    assert row["energy_kwh"] == f"{ended.energy_mwh / 1_000_000:.6f}"
    assert len(streamed(owner.get("/sessions/?since=2001-01-01&until=2001-01-02&export=csv")).splitlines()) == 1


def test_a_filter_that_means_nothing_is_said_to_be_left_out(owner):
    assert "There is no “bogus” here; it is left out." in words(owner.get("/sessions/?state=bogus"))
    assert "It is before the first day" in words(owner.get("/sessions/?since=2026-02-02&until=2026-02-01"))
    assert "There is no page 999; this is page 1." in words(owner.get("/sessions/?page=999"))
    assert "There is no page" not in words(owner.get("/sessions/?page=1"))


def test_many_attempts_are_counted_readably(network, owner):
    Attempt.objects.bulk_create(
        Attempt(organization=network.organization, station=network.stations[0], kind="scan", state="failed")
        for _number in range(1200)
    )
    page = words(owner.get("/attempts/?state=failed"))
    assert "1,200 attempts came to nothing" in page
    assert "1,200 rows" in page
    assert ">Requested</option>" in page


def test_an_export_costs_the_same_however_long_it_is(owner, django_assert_max_num_queries):
    owner.get("/sessions/")
    for address in ("/sessions/?export=csv", "/attempts/?export=csv"):
        with django_assert_max_num_queries(8):
            streamed(owner.get(address))


def test_lists_keep_their_budget_however_long_they_are(network, owner, ended, django_assert_max_num_queries):
    now = clock.now()
    ChargingSession.objects.bulk_create(
        ChargingSession(
            organization=network.organization, site=ended.site, station=ended.station, evse=ended.evse,
            connector=ended.connector, transaction_id=f"bulk-{n}", protocol="ocpp1.6", state="ended",
            started_at=now - timedelta(minutes=n), ended_at=now,
        )
        for n in range(3000)
    )  # fmt: skip
    for address in ("/sessions/", "/sessions/?q=Anna&sort=cost", "/attempts/"):
        owner.get(address)
        with django_assert_max_num_queries(14):
            words(owner.get(address))


def test_a_session_reads_as_a_sentence_and_a_bill(owner, ended, django_assert_max_num_queries):
    while delivery.deliver_due():
        pass
    bill = Bill.objects.get(session=ended)
    page = owner.get(f"/sessions/{ended.public_id}/")
    said = page.context["sentence"]
    assert f" min at {ended.connector}, " in said
    assert f"{bill.total_minor / 100:.2f} €" in said
    text = words(page)
    assert "0.49 €/kWh" in text
    assert "EVDisconnected" in text
    assert page.context["chart"]["periods"][0]["label"] == "0.49 €/kWh"
    with django_assert_max_num_queries(20):
        owner.get(f"/sessions/{ended.public_id}/")


def test_the_curve_is_the_readings_and_stays_small(owner, ended):
    chart = owner.get(f"/sessions/{ended.public_id}/").context["chart"]
    assert len(chart["t"]) <= 400
    assert chart["energy_wh"][-1] == ended.energy_mwh // 1000
    assert max(watts for watts in chart["power_w"] if watts) == ended.max_power_w
    assert chart["zone"] == "Europe/Amsterdam"


def test_a_running_session_tells_its_price_by_now_and_can_be_stopped(network, owner, running):
    page = words(owner.get(f"/sessions/{running.public_id}/"))
    assert "by now." in page
    assert "Stop this session?" in page
    answer = owner.post(f"/sessions/{running.public_id}/stop/")
    assert (answer.status_code, answer.url) == (302, f"/sessions/{running.public_id}/")
    row = Command.objects.order_by("-created_at").first()
    assert (row.kind, row.fields["transaction_id"]) == ("StopCharging", running.transaction_id)
    assert AuditEntry.objects.filter(action="session.stop_requested").exists()
    assert "asked to stop" in words(owner.get(f"/sessions/{running.public_id}/"))


def test_an_ended_session_is_not_stopped_again(owner, ended):
    before = Command.objects.count()
    owner.post(f"/sessions/{ended.public_id}/stop/")
    assert Command.objects.count() == before


def test_stop_never_leads_to_a_foreign_address(owner, ended):
    answer = owner.post(f"/sessions/{ended.public_id}/stop/", headers={"Referer": "https://evil.example/"})
    assert answer.url == f"/sessions/{ended.public_id}/"


def test_the_messages_of_a_session_are_those_that_name_its_transaction(network, owner):
    first = ChargingSession.objects.filter(station=network.stations[0]).first()
    told = owner.get(f"/sessions/{first.public_id}/").context["messages_told"]
    assert told
    assert all(first.transaction_id in row.request for row, _request, _answer in told)


def test_doubts_stand_with_the_evidence(owner, ended):
    ChargingSession.objects.filter(pk=ended.pk).update(estimated=True, authorized=False, incomplete=True)
    Discrepancy.objects.create(station=ended.station, session=ended, kind="register_jump", detail={"why": "× 1000"})
    page = words(owner.get(f"/sessions/{ended.public_id}/"))
    for said in (
        "without an accepted token",
        "end is estimated",
        "Events of this session",
        "Implausible jump",
        "× 1000",
    ):
        assert said in page
    assert owner.get("/sessions/?flag=disputed").context["page"].paginator.count == 1


def test_payment_details_are_for_those_who_may_see_money(network, owner, ended):
    bill = Bill.objects.select_related("snapshot").get(session=ended)
    payment = Payment.objects.create(
        organization=network.organization, connector=ended.connector, session=ended, snapshot=bill.snapshot,
        state=PaymentState.CAPTURED, currency="EUR", hold_minor=5000, captured_minor=1172, settled_at=clock.now(),
    )  # fmt: skip
    PaymentEvent.objects.create(payment=payment, kind="captured", amount_minor=1172)
    page = words(owner.get(f"/sessions/{ended.public_id}/"))
    assert "Paid · 11.72 €" in page
    assert f'href="/s/{payment.public_id}"' in page  # the driver's page is the payment's, not the session's
    assert owner.get(f"/s/{payment.public_id}").status_code == 200
    viewer = words(browser(network.member(Role.VIEWER, "v@example.org")).get(f"/sessions/{ended.public_id}/"))
    assert "Paid · 11.72 €" not in viewer
    assert "0.49 €/kWh" in viewer
    assert "Captured today" in words(owner.get("/"))


def test_strangers_find_no_session_and_viewers_stop_none(network, running):
    stranger = browser(make_access(Organization.objects.create(name="Rival", slug="rival")))
    assert stranger.get(f"/sessions/{running.public_id}/").status_code == 404
    assert stranger.post(f"/sessions/{running.public_id}/stop/").status_code == 404
    assert stranger.get("/sessions/").context["page"].paginator.count == 0
    viewer = browser(network.member(Role.VIEWER, "v@example.org"))
    assert viewer.post(f"/sessions/{running.public_id}/stop/").status_code == 403
    assert "Stop this session?" not in words(viewer.get(f"/sessions/{running.public_id}/"))


def test_attempts_that_failed_say_why(network, owner):
    Attempt.objects.create(
        organization=network.organization, station=network.stations[0], kind="scan", state="failed",
        cause="not_plugged", token_value="=GUEST",
    )  # fmt: skip
    page = owner.get("/attempts/?state=failed")
    assert page.context["page"].paginator.count == 1
    assert "No cable was plugged in in time" in words(page)
    assert "'=GUEST" in streamed(owner.get("/attempts/?state=failed&export=csv"))
    assert owner.get("/attempts/?cause=offline").context["page"].paginator.count == 0


def test_voltage_and_current_are_part_of_the_curve(owner, ended):
    MeterSample.objects.filter(session=ended).update(voltage_mv=231_000, current_ma=16_000)
    data = owner.get(f"/sessions/{ended.public_id}/").context["chart"]
    assert set(data["voltage_mv"]) == {231_000}
    assert set(data["current_ma"]) == {16_000}
    assert len(data["voltage_mv"]) == len(data["t"])


@pytest.fixture
def refused(network):
    return Attempt.objects.create(
        organization=network.organization, station=network.stations[0], kind="tap", state="failed",
        cause="token_refused", token_value="DEAD&BEEF", connector=network.stations[0].connectors.first(),
    )  # fmt: skip


def test_a_card_that_was_refused_becomes_a_token_without_copying_its_number(network, owner, refused):
    page = words(owner.get(f"/attempts/{refused.pk}/"))
    assert "Make this a token" in page
    assert "Cause: not yet known.<" in page
    link = re.search(r'href="(/tokens/new/[^"]+)"', page)[1]
    form = owner.get(html.unescape(link)).context["form"]
    assert form["value"].value() == "DEAD&BEEF"
    owner.post(link, {"value": "DEAD&BEEF", "label": "Mine", "type": "ISO14443", "status": "accepted"})
    assert IdToken.objects.filter(value="DEAD&BEEF").exists()
    assert "Make this a token" not in words(owner.get(f"/attempts/{refused.pk}/"))


def test_only_a_card_and_only_by_who_may_make_tokens_becomes_one(network, owner, refused):
    viewer = browser(network.member(Role.VIEWER, "v@example.org"))
    assert "Make this a token" not in words(viewer.get(f"/attempts/{refused.pk}/"))
    Attempt.objects.filter(pk=refused.pk).update(kind="scan")
    assert "Make this a token" not in words(owner.get(f"/attempts/{refused.pk}/"))


def test_what_happened_in_one_second_is_told_as_one_leads_to_the_other(network, owner, refused):
    second = refused.at.replace(microsecond=0)
    for status in ("charging", "preparing", "available", "finishing"):
        StatusChange.objects.create(
            station=refused.station, connector=refused.connector, status=status, happened_at=second, at=second
        )
    Attempt.objects.filter(pk=refused.pk).update(state="ended", at=second, started_at=second, ended_at=second)
    steps = [step.status for step in owner.get(f"/attempts/{refused.pk}/").context["steps"]]
    assert steps == ["info", "preparing", "started", "charging", "finishing", "ended", "available"]


def test_the_source_of_an_energy_contradicts_no_figure_beside_it(owner, ended):
    def source():
        return dict(owner.get(f"/sessions/{ended.public_id}/").context["evidence"])["Source"]

    meter = {"meter_start_mwh": 0, "meter_stop_mwh": 1_350_000, "energy_mwh": 1_350_000}
    ChargingSession.objects.filter(pk=ended.pk).update(**meter)
    assert source() == "the register at start and end, as the station reported it"
    ChargingSession.objects.filter(pk=ended.pk).update(meter_stop_mwh=900_000)
    assert source().startswith("what the register gained from reading to reading; it ran back or jumped")


def test_a_session_that_nobody_pays_says_what_to_do_about_it(network, owner, ended):
    Bill.objects.filter(session=ended).update(source="none")
    page = words(owner.get(f"/sessions/{ended.public_id}/"))
    assert "its token says who pays" not in page
    assert f'href="/tokens/{ended.id_token_id}/">Give the token a driver' in page
    assert 'href="/payers/">Let an account pay, or nobody' in page
