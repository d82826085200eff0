"""Planned work is told ahead to those who asked and to drivers who often charge there: once, and when it moves."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone

from alerts import ahead, services
from alerts.models import Announcement, Notification, Recipient
from alerts.services import duty, people, works
from alerts.services.subscriptions import at_connector
from evcms.core import clock
from evcms.core.access import Role
from evcms.core.models import User
from sessions.models import ChargingSession, Driver
from stations import services as stations
from stations.models import MaintenanceWindow
from tests.alerts.conftest import later, make_access

pytestmark = pytest.mark.django_db(transaction=True)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
HOUR = timedelta(hours=1)


def ask(connector, email="driver@example.org", reach="connector"):
    wanted = at_connector(connector_id=connector.pk, topics=["maintenance"], reach=reach)
    services.confirm(token=services.subscribe(wanted=wanted, email=email, language="en").token)


@pytest.fixture
def plan(owner, station, run):
    """Plans work at the station so many days from now, at ten o'clock; the worker does what follows."""

    def make(days=1, *, at=10, **more):
        day = clock.now().astimezone(AMSTERDAM).date() + timedelta(days=days)
        start = datetime.combine(day, time(at), tzinfo=AMSTERDAM)
        span = {"starts_at": start, "ends_at": start + 2 * HOUR, "station": station} | more
        window = stations.plan_maintenance(access=owner, title="New cable", **span)
        run()
        return window

    return make


@pytest.fixture
def run(deliver):
    def work():
        deliver()
        services.announce()
        deliver()
        Notification.objects.filter(state="queued", due_at__lte=clock.now()).update(state="sent")  # by its provider

    return work


def told(template="maintenance"):
    return [mail.to for mail in Notification.objects.filter(template=template).order_by("pk")]


def driver(organization, station, days, email="often@example.org", *, ago=1, account=True, energy=5_000_000):
    """A driver who charged here on so many days, the last one `ago` days from now."""
    user = User.objects.create(email=email) if account else None
    row = Driver.objects.create(organization=organization, user=user, email=email, language="en")
    for day in range(ago, ago + days):
        at = clock.now() - timedelta(days=day)
        ChargingSession.objects.create(
            organization=organization, station=station, site=station.site, driver=row, started_at=at,
            ended_at=at + HOUR, energy_mwh=energy, transaction_id=f"{email}{day}", start_key=f"{email}{day}",
            protocol="ocpp1.6", start_received_at=at,
        )  # fmt: skip
    return row


# When ----------------------------------------------------------------------------------------------------------


def test_what_begins_soon_is_told_at_once_and_once(connector, plan, run):
    ask(connector)
    plan(days=1)
    run()
    assert told() == ["driver@example.org"]
    assert "New cable" in Notification.objects.get(template="maintenance").text


def test_what_begins_later_is_told_three_days_before(connector, plan, run):
    ask(connector)
    window = plan(days=10)
    later(days=6)
    run()
    assert told() == []
    later(seconds=(window.starts_at - timedelta(days=3) - clock.now()).total_seconds())
    run()
    assert told() == ["driver@example.org"]


def test_a_rhythm_tells_each_of_its_windows_when_its_time_comes(connector, owner, station, run):
    ask(connector)
    first = (clock.now() + timedelta(days=1)).date()
    stations.plan_recurring(
        access=owner, title="Weekly look", rhythm="weekly", every=1, starts_on=first, at=time(12), minutes=60,
        time_zone="Europe/Amsterdam", station=station,
    )  # fmt: skip
    run()
    assert MaintenanceWindow.objects.count() >= 6
    assert len(told()) == 1
    later(days=7)
    run()
    run()
    assert len(told()) == 2


@pytest.mark.parametrize(
    ("begin", "due"),
    [
        (datetime(2026, 3, 30, 12, tzinfo=AMSTERDAM), datetime(2026, 3, 27, 12, tzinfo=AMSTERDAM)),  # spring between
        (datetime(2026, 10, 26, 12, tzinfo=AMSTERDAM), datetime(2026, 10, 23, 12, tzinfo=AMSTERDAM)),  # autumn
        (datetime(2026, 6, 10, 3, tzinfo=AMSTERDAM), datetime(2026, 6, 6, 19, tzinfo=AMSTERDAM)),  # not in the night
        (datetime(2026, 6, 10, 23, tzinfo=AMSTERDAM), datetime(2026, 6, 7, 19, tzinfo=AMSTERDAM)),
        (datetime(2026, 6, 10, 7, tzinfo=UTC), datetime(2026, 6, 7, 9, tzinfo=AMSTERDAM)),
    ],
)
def test_days_ahead_are_days_of_the_wall_clock_and_messages_come_by_day(begin, due):
    assert ahead.due(begin, 3, AMSTERDAM) == due


def test_the_organization_chooses_how_many_days(connector, owner, plan, run):
    ask(connector)
    plan(days=10)
    fields = {"automatic_recovery": True, "status_page": False, "status_intro": ""}
    duty.save_settings(access=owner, announce_days=14, **fields)
    run()
    assert told() == ["driver@example.org"]


def test_a_worker_that_was_away_tells_what_is_still_of_use(connector, plan, run):
    ask(connector)
    plan(days=10)
    plan(days=13)
    later(days=11)
    stations.run_maintenance()
    run()
    assert len(told()) == 1
    assert not Announcement.objects.filter(done_at=None).exists()


def test_killed_between_two_people_it_goes_on_after_the_first(connector, plan, run, monkeypatch):
    monkeypatch.setattr(works, "PORTION", 1)
    for number in range(3):
        ask(connector, email=f"d{number}@example.org")
    real, calls = works.voice.tell, []

    def dies_at_the_second(*args, **more):
        calls.append(1)
        if len(calls) == 2:
            raise SystemExit
        return real(*args, **more)

    monkeypatch.setattr(works.voice, "tell", dies_at_the_second)
    with pytest.raises(SystemExit):
        plan(days=1)
    assert told() == ["d0@example.org"]
    run()
    assert sorted(told()) == ["d0@example.org", "d1@example.org", "d2@example.org"]


# Moved and cancelled -------------------------------------------------------------------------------------------


def move(owner, window, run, **by):
    window.refresh_from_db()
    times = {"starts_at": window.starts_at + timedelta(**by), "ends_at": window.ends_at + timedelta(**by)}
    stations.change_maintenance(access=owner, window=window, title=window.title, note="", **times)
    run()


def test_a_moved_window_is_told_anew_to_who_knew_and_in_time_to_who_did_not(connector, owner, plan, run):
    ask(connector)
    window = plan(days=1)
    ask(connector, email="late@example.org")
    move(owner, window, run, days=5)
    assert told("maintenance_moved") == ["driver@example.org"]
    assert "now from" in Notification.objects.get(template="maintenance_moved").text
    assert told() == ["driver@example.org"]
    later(days=4)
    run()
    assert told() == ["driver@example.org", "late@example.org"]
    move(owner, window, run, hours=1)
    assert sorted(told("maintenance_moved")) == ["driver@example.org", "driver@example.org", "late@example.org"]


def test_a_window_of_a_rhythm_that_was_moved_is_not_made_again(owner, station, run):
    first = (clock.now() + timedelta(days=1)).date()
    plan = stations.plan_recurring(
        access=owner, title="Look", rhythm="weekly", every=1, starts_on=first, at=time(3), minutes=60,
        time_zone="Europe/Amsterdam", station=station,
    )  # fmt: skip
    count = plan.windows.count()
    move(owner, plan.windows.order_by("starts_at").first(), run, hours=5)
    stations.extend_plans()
    assert plan.windows.count() == count


def test_a_cancelled_window_is_told_to_those_who_were_told(connector, owner, plan, run):
    ask(connector)
    window = plan(days=1)
    ask(connector, email="late@example.org")
    for _ in range(2):
        stations.cancel_maintenance(access=owner, window=window)
        run()
    assert told("maintenance_off") == ["driver@example.org"]
    assert told() == ["driver@example.org"]


def test_moved_and_then_cancelled_before_anybody_heard_of_the_move_is_told_as_cancelled(
    connector, owner, plan, run, deliver
):
    ask(connector)
    window = plan(days=1)
    times = {"starts_at": window.starts_at + HOUR, "ends_at": window.ends_at + HOUR}
    stations.change_maintenance(access=owner, window=window, title="x", note="", **times)
    stations.cancel_maintenance(access=owner, window=window)
    run()
    run()
    assert told("maintenance_moved") == []
    assert told("maintenance_off") == ["driver@example.org"]
    assert not Announcement.objects.exclude(again_at=None).exists()


def test_killed_while_it_tells_of_a_cancelling_it_goes_on(connector, owner, plan, run, monkeypatch, deliver):
    monkeypatch.setattr(works, "PORTION", 1)
    for number in range(3):
        ask(connector, email=f"d{number}@example.org")
    window = plan(days=1)
    stations.cancel_maintenance(access=owner, window=window)
    deliver()
    real, calls = works.voice.tell, []

    def dies_at_the_second(*args, **more):
        calls.append(1)
        if len(calls) == 2:
            raise SystemExit
        return real(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(works.voice, "tell", dies_at_the_second)
        with pytest.raises(SystemExit):
            services.announce()
    assert len(told("maintenance_off")) == 1
    run()
    assert sorted(told("maintenance_off")) == ["d0@example.org", "d1@example.org", "d2@example.org"]


def test_what_waited_for_the_morning_is_not_sent_when_it_was_cancelled_at_night(connector, owner, plan, run):
    ask(connector)
    Recipient.objects.update(quiet_from=time(0), quiet_until=time(23, 59), time_zone="UTC")
    window = plan(days=1)
    stations.cancel_maintenance(access=owner, window=window)
    run()
    assert [mail.state for mail in Notification.objects.filter(template="maintenance")] == ["expired"]
    assert told("maintenance_off") == []


def test_a_window_cancelled_before_its_time_is_never_told(connector, owner, plan, run):
    ask(connector)
    window = plan(days=10)
    stations.cancel_maintenance(access=owner, window=window)
    run()
    later(days=8)
    run()
    assert told() == []
    assert told("maintenance_off") == []


def test_other_words_alone_are_no_news(connector, owner, plan, run):
    ask(connector)
    window = plan(days=1)
    stations.change_maintenance(
        access=owner, window=window, title="Newer cable", note="Sorry", starts_at=window.starts_at,
        ends_at=window.ends_at,
    )  # fmt: skip
    run()
    assert Notification.objects.exclude(template="confirm").count() == 1
    window.refresh_from_db()
    assert (window.title, window.revision) == ("Newer cable", 0)


@pytest.mark.parametrize(("by", "field"), [({"days": -30}, "starts_at"), ({"days": -1, "hours": -12}, "starts_at")])
def test_nothing_is_moved_into_the_past(owner, plan, run, by, field):
    window = plan(days=1)
    with pytest.raises(ValidationError) as error:
        move(owner, window, run, **by)
    assert set(error.value.message_dict) & {field, "ends_at"}


def test_the_window_leads_to_who_was_told_of_it(connector, owner, plan, client):
    ask(connector)
    window, other = plan(days=1), plan(days=2)
    client.force_login(owner.user)
    link = f"/notifications/?window={window.pk}"
    assert link in client.get(f"/maintenance/{window.pk}/").content.decode()
    page = client.get(link).content.decode()
    assert page.count("driver@example.org") == 1
    assert "1 message to people and systems" in page
    assert client.get(f"/notifications/?window={other.pk}0").content.decode().count("driver@example.org") == 0


def test_one_that_runs_may_last_longer_but_keeps_its_beginning(connector, owner, plan, run):
    ask(connector)
    window = plan(days=1)
    later(seconds=(window.starts_at - clock.now()).total_seconds() + 60)
    stations.run_maintenance()
    window.refresh_from_db()
    with pytest.raises(ValidationError):
        move(owner, window, run, hours=1)
    stations.change_maintenance(
        access=owner, window=window, title="x", note="", starts_at=window.starts_at, ends_at=window.ends_at + HOUR
    )
    run()
    assert told("maintenance_moved") == ["driver@example.org"]


def test_only_who_may_moves_it(organization, plan):
    window = plan(days=1)
    with pytest.raises(PermissionDenied):
        stations.change_maintenance(
            access=make_access(organization, Role.VIEWER), window=window, title="x", note="",
            starts_at=window.starts_at, ends_at=window.ends_at,
        )  # fmt: skip


def test_the_page_moves_it_and_says_so(owner, plan, client):
    window = plan(days=4)
    client.force_login(owner.user)
    local = timezone.localtime(window.starts_at)
    form = {"title": "Later", "starts_at": f"{local:%Y-%m-%dT%H:%M}", "note": ""}
    form["ends_at"] = f"{local + 3 * HOUR:%Y-%m-%dT%H:%M}"
    page = client.post(f"/maintenance/{window.pk}/edit/", form, follow=True)
    assert "Moved." in page.content.decode()
    window.refresh_from_db()
    assert (window.title, window.ends_at - window.starts_at, window.revision) == ("Later", 3 * HOUR, 1)


# Who often charges there -----------------------------------------------------------------------------------


def test_who_charged_there_on_three_days_lately_hears_of_it_without_asking(organization, station, plan):
    driver(organization, station, 3)
    driver(organization, station, 2, "seldom@example.org")
    driver(organization, station, 5, "guest@example.org", account=False)
    driver(organization, station, 5, "long-ago@example.org", ago=61)
    driver(organization, station, 5, "nothing@example.org", energy=0)
    plan(days=1)
    assert told() == ["often@example.org"]
    mail = Notification.objects.get(template="maintenance")
    assert "because you often charge there" in mail.text


def test_three_times_on_one_day_is_one_day(organization, station, plan):
    row = driver(organization, station, 1)
    ChargingSession.objects.filter(driver=row).update(started_at=clock.now() - timedelta(days=2))
    for number in range(3):
        ChargingSession.objects.create(
            organization=organization, station=station, driver=row, started_at=clock.now() - timedelta(days=2),
            start_received_at=clock.now(), energy_mwh=9, transaction_id=f"x{number}", start_key=f"x{number}",
            protocol="ocpp1.6",
        )  # fmt: skip
    plan(days=1)
    assert told() == []


def test_who_asked_and_often_charges_there_hears_once(connector, organization, station, plan):
    row = driver(organization, station, 4)
    ask(connector, email=row.email)
    ask(connector, email=row.email, reach="site")
    people.signed_in(driver_id=row.pk, organization_id=organization.pk, email=row.email, name="", language="en")
    plan(days=1)
    assert told() == ["often@example.org"]
    assert "because you often" not in Notification.objects.get(template="maintenance").text


def test_one_click_ends_it_and_the_settings_page_takes_it_up_again(organization, station, plan):
    driver(organization, station, 3)
    plan(days=1)
    mail = Notification.objects.get(template="maintenance")
    link = mail.headers["List-Unsubscribe"].strip("<>")
    path = link[link.index("/u/") :]
    client = Client(enforce_csrf_checks=True)
    assert "often charge" in client.get(path).content.decode()
    assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    plan(days=2)
    assert len(told()) == 1
    mine = f"/u/mine/{Recipient.objects.get().token}/"
    assert "often-box" in client.get(mine).content.decode()
    Client().post(mine, {"do": "often", "often": "on"})
    plan(days=1, at=15)
    assert len(told()) == 2


def test_who_ended_a_wish_there_is_not_told_because_he_often_comes(connector, organization, station, plan):
    row = driver(organization, station, 3)
    ask(connector, email=row.email)
    mine = people.signed_in(driver_id=row.pk, organization_id=organization.pk, email=row.email, name="", language="en")
    services.unsubscribe(token=mine.subscriptions.get().token)
    plan(days=1)
    assert told() == []


def test_who_erased_his_messages_is_not_found_again_by_his_account(organization, station, plan):
    row = driver(organization, station, 3)
    mine = people.signed_in(driver_id=row.pk, organization_id=organization.pk, email=row.email, name="", language="en")
    people.erase(recipient=mine)
    plan(days=1)
    assert told() == []
    assert not Recipient.objects.get().destinations.exists()


def test_work_on_the_whole_network_reaches_its_regulars_wherever_they_charge(organization, station, other_site, plan):
    from tests.alerts.conftest import make_station

    other = make_station("OTHER-1", other_site)
    driver(organization, station, 2)
    ChargingSession.objects.filter(started_at=ChargingSession.objects.latest("started_at").started_at).update(
        station=other
    )
    driver(organization, other, 1, "seldom@example.org", ago=5)
    extra = Driver.objects.get(email="often@example.org")
    ChargingSession.objects.create(
        organization=organization, station=other, driver=extra, started_at=clock.now() - timedelta(days=9),
        start_received_at=clock.now(), energy_mwh=9, transaction_id="z", start_key="z", protocol="ocpp1.6",
    )  # fmt: skip
    plan(days=1, station=None)
    assert told() == ["often@example.org"]


def test_a_station_is_not_its_site(organization, station, site, plan):
    from tests.alerts.conftest import make_station

    other = make_station("KADE-02", site)
    driver(organization, other, 5)
    plan(days=1)
    assert told() == []
    plan(days=1, at=15, station=None, site=site)
    assert told() == ["often@example.org"]
