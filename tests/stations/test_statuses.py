"""StatusNotification in every version, in any order, twice, late and hostile."""

from datetime import UTC, datetime, timedelta

import pytest

from evcms.core import clock
from evcms.core.models import Event
from stations import services
from stations.models import Connector, Station, StatusChange
from stations.vocabulary import ConnectorStatus, StatusReport

from .conftest import make_station

pytestmark = pytest.mark.postgres

S = ConnectorStatus
MINUTE = timedelta(minutes=1)


def said(status, at, evse=1, connector=1, *, received_at=None, **more):
    return StatusReport(
        evse=evse, connector=connector, status=status, at=at, received_at=received_at or at or clock.now(), **more
    )


def report(station, *args, **more):
    services.status_reported(station_id=station.pk, report=said(*args, **more))


def first(station):
    return Connector.objects.get(station=station, evse__number=1, number=1)


def test_a_status_changes_the_row_the_interval_store_and_tells(station, now, facts):
    report(station, S.AVAILABLE, now)
    report(station, S.CHARGING, now + MINUTE)
    connector = first(station)
    assert (connector.status, connector.status_at) == (S.CHARGING, now + MINUTE)
    assert list(StatusChange.objects.order_by("at").values_list("status", "at")) == [
        (S.AVAILABLE, now),
        (S.CHARGING, now + MINUTE),
    ]
    assert [(fact["previous"], fact["status"], fact["live"]) for fact in facts("ConnectorStatusChanged")] == [
        (S.UNKNOWN, S.AVAILABLE, True),
        (S.AVAILABLE, S.CHARGING, True),
    ]


def test_repeats_write_nothing(station, now, facts, django_assert_max_num_queries):
    report(station, S.AVAILABLE, now)
    with django_assert_max_num_queries(8):  # of each: begin, two reads, end
        report(station, S.AVAILABLE, now)
        report(station, S.AVAILABLE, now + MINUTE)
    assert StatusChange.objects.count() == 1
    assert len(facts("ConnectorStatusChanged")) == 1


def test_an_older_report_is_recorded_once_and_changes_nothing(station, now, facts):
    report(station, S.CHARGING, now)
    late = now - timedelta(hours=3)
    for _ in range(2):
        report(station, S.FAULTED, late, received_at=now + MINUTE, error_code="GroundFailure")
    assert first(station).status == S.CHARGING
    assert StatusChange.objects.filter(status=S.FAULTED, happened_at=late).count() == 1
    assert len(facts("ConnectorStatusChanged")) == 1


def test_an_offline_batch_has_its_own_times_and_is_not_live(station, now, facts):
    report(station, S.AVAILABLE, now - timedelta(days=2), received_at=now - timedelta(days=2))
    batch = [(S.PREPARING, 26), (S.CHARGING, 25), (S.FINISHING, 24), (S.AVAILABLE, 23)]
    for status, hours in batch:
        report(station, status, now - timedelta(hours=hours), received_at=now)
    assert [fact["live"] for fact in facts("ConnectorStatusChanged")[1:]] == [False] * 4
    assert first(station).status_at == now - timedelta(hours=23)


def test_a_connector_that_we_do_not_know_gets_its_rows(station, now):
    report(station, S.AVAILABLE, now, evse=3, connector=2)
    connector = Connector.objects.get(station=station, evse__number=3, number=2)
    assert connector.status == S.AVAILABLE
    assert len(connector.code) == 7


@pytest.mark.parametrize(("evse", "connector"), [(40_000, 1), (1, 2_000_000_000), (-1, 1)])
def test_connectors_that_cannot_be_are_left_to_the_message_log(station, now, evse, connector):
    report(station, S.AVAILABLE, now, evse=evse, connector=connector)
    assert Connector.objects.filter(station=station).count() == 2


def test_a_station_cannot_make_connectors_without_end(station, now):
    for number in range(1, 120):
        report(station, S.AVAILABLE, now, evse=number)
    assert Connector.objects.filter(station=station).count() <= 65


def test_the_whole_station_has_a_status_of_its_own(station, now, facts):
    report(station, S.FAULTED, now, evse=0, connector=0, error_code="InternalError")
    station.refresh_from_db()
    assert (station.status, station.status_error) == (S.FAULTED, "InternalError")
    assert first(station).status == S.UNKNOWN
    assert facts("ConnectorStatusChanged")[0]["connector_id"] is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (S.AVAILABLE, S.PREPARING),
        (S.RESERVED, S.PREPARING),
        (S.CHARGING, S.CHARGING),
        (S.SUSPENDED_EV, S.SUSPENDED_EV),
        (S.FINISHING, S.FINISHING),
        (S.FAULTED, S.PREPARING),
    ],
)
def test_occupied_is_what_the_session_says_else_a_car_that_came(station, now, before, after):
    report(station, before, now)
    report(station, None, now + MINUTE)
    assert first(station).status == after


def test_the_same_facts_in_16_and_2x_are_equal_rows(site, now):
    old, new = make_station("OLD", site), make_station("NEW", site)
    for station, occupied in ((old, S.PREPARING), (new, None)):
        report(station, S.AVAILABLE, now, error_code="NoError" if station is old else "")
        report(station, occupied, now + MINUTE)
        if station is old:
            report(station, S.CHARGING, now + 2 * MINUTE)
        else:
            services.session_status(station_id=station.pk, evse=1, status=S.CHARGING, at=now + 2 * MINUTE)
    rows = [
        list(StatusChange.objects.filter(station=one).order_by("at").values_list("status", "error_code", "happened_at"))
        for one in (old, new)
    ]
    assert [row[:2] for row in rows[0]] == [row[:2] for row in rows[1]]
    assert len(rows[0]) == 3


def test_a_session_neither_ends_a_fault_nor_finishes_what_is_free(station, now):
    report(station, S.FAULTED, now)
    services.session_status(station_id=station.pk, evse=1, status=S.CHARGING, at=now + MINUTE)
    assert first(station).status == S.FAULTED
    report(station, S.AVAILABLE, now + 2 * MINUTE)
    services.session_status(station_id=station.pk, evse=1, status=S.FINISHING, at=now + 3 * MINUTE)
    assert first(station).status == S.AVAILABLE


def test_a_session_speaks_of_the_occupied_connector_of_its_evse(station, now):
    report(station, S.AVAILABLE, now, evse=1, connector=1)
    report(station, None, now, evse=1, connector=2)
    services.session_status(station_id=station.pk, evse=1, status=S.CHARGING, at=now)
    assert first(station).status == S.AVAILABLE
    assert Connector.objects.get(station=station, evse__number=1, number=2).status == S.CHARGING


def test_a_fault_without_an_error_and_unknown_codes_are_kept(station, now):
    report(station, S.FAULTED, now, error_code="NoError")
    connector = first(station)
    assert (connector.status, connector.error_code) == (S.FAULTED, "")
    report(station, S.AVAILABLE, now + MINUTE, error_code="OtherError", vendor_error_code="E-77\0", info="i" * 999)
    connector = first(station)
    assert (connector.status, connector.error_code, connector.vendor_error_code) == (
        S.AVAILABLE,
        "OtherError",
        "E-77\ufffd",
    )
    assert len(connector.error_info) == 255


@pytest.mark.parametrize("offset", [timedelta(hours=2), timedelta(hours=-5)])
def test_a_clock_hours_off_does_not_hide_what_happens_now(station, now, offset):
    steps = [S.AVAILABLE, S.PREPARING, S.CHARGING, S.FINISHING, S.AVAILABLE]
    for number, status in enumerate(steps):
        received = now + number * 2 * MINUTE
        report(station, status, received + offset, received_at=received)
        assert first(station).status == status
    station.refresh_from_db()
    assert abs(station.clock_skew_ms - offset.total_seconds() * 1000) < 1000
    assert first(station).status_at == received
    assert StatusChange.objects.latest("received_at").at == received + offset


def test_a_clock_that_was_never_set_does_not_hide_what_happens_now(station, now):
    long_ago = datetime(1970, 1, 1, tzinfo=UTC)
    report(station, S.AVAILABLE, long_ago, received_at=now)
    report(station, S.CHARGING, long_ago + MINUTE, received_at=now + MINUTE)
    connector = first(station)
    assert (connector.status, connector.status_at) == (S.CHARGING, now + MINUTE)


def test_a_clock_that_jumps_back_to_the_right_time_does_not_freeze_the_state(station, now):
    report(station, S.AVAILABLE, now + timedelta(hours=2), received_at=now)
    report(station, S.CHARGING, now + MINUTE, received_at=now + MINUTE)
    assert first(station).status == S.CHARGING


def test_one_report_stays_within_its_budget(station, now, django_assert_max_num_queries):
    report(station, S.AVAILABLE, now)
    with django_assert_max_num_queries(8):  # two reads, three writes, the event, begin and end
        report(station, S.CHARGING, now + MINUTE)


def test_many_reports_cost_little_more_than_one(site, now, django_assert_max_num_queries):
    stations = [make_station(f"S-{number}", site) for number in range(20)]
    reports = [(station.pk, said(S.AVAILABLE, now, evse)) for evse in (1, 2) for station in stations]
    with django_assert_max_num_queries(9):
        services.statuses_reported(reports=reports)
    assert set(Connector.objects.values_list("status", flat=True)) == {S.AVAILABLE}
    assert StatusChange.objects.count() == Event.objects.count() == 40


def test_many_reports_give_the_rows_of_one_by_one(site, now):
    one, many = make_station("ONE", site), make_station("MANY", site)
    steps = [(S.AVAILABLE, 0), (S.PREPARING, 1), (S.PREPARING, 1), (S.CHARGING, 2), (S.AVAILABLE, -300), (None, 4)]
    reports = [said(status, now + minutes * MINUTE, received_at=now + 5 * MINUTE) for status, minutes in steps]
    for each in reports:
        services.status_reported(station_id=one.pk, report=each)
    services.statuses_reported(reports=[(many.pk, each) for each in reports])
    columns = ("status", "error_code", "at", "happened_at", "received_at")
    rows = [list(StatusChange.objects.filter(station=s).order_by("pk").values_list(*columns)) for s in (one, many)]
    assert rows[0] == rows[1]
    assert first(one).status == first(many).status == S.CHARGING


def test_a_station_that_is_gone_does_no_harm(db, now):
    services.status_reported(station_id=123456, report=said(S.AVAILABLE, now))
    services.session_status(station_id=123456, evse=1, status=S.CHARGING, at=now)
    assert not Station.objects.exists()
