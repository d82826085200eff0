"""What a hostile or broken station says is cut, kept where it can be, and never breaks a batch."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from stations import commands, queries, services
from stations.models import Connector, RefusedHandshake, Station, StatusChange, Variable
from stations.vocabulary import Answer, Boot, ConnectorStatus, RefusalReason, StatusReport, VariableReport

pytestmark = pytest.mark.postgres

NASTY = "a\0b\ud800c" + "\U0001f50c" * 3000


def variable(name, value="1", **more):
    return VariableReport(component="Ctrlr", variable=name, value=value, **more)


def test_variables_keep_their_last_value_and_what_an_inventory_said(station):
    full = [variable("A", "1", data_type="integer", mutability="ReadWrite", unit="s"), variable("B", None)]
    assert services.variables_reported(station_id=station.pk, reports=full) == 2
    services.variables_reported(station_id=station.pk, reports=[variable("A", "2"), variable("A", "3")])
    row = Variable.objects.get(variable="A")
    assert (row.value, row.data_type, row.unit, row.mutability) == ("3", "integer", "s", "ReadWrite")
    assert Variable.objects.count() == 2
    services.variables_reported(station_id=station.pk, reports=[variable("A", "9", evse=1)])
    assert Variable.objects.filter(variable="A").count() == 2


def test_ten_thousand_variables_at_once(station):
    reports = [variable(f"V{number}", str(number)) for number in range(10_000)]
    assert services.variables_reported(station_id=station.pk, reports=reports) == 10_000
    assert Variable.objects.count() == 10_000
    assert services.variables_reported(station_id=station.pk, reports=[]) == 0


def test_nasty_texts_are_stored_harmless(linked, now):
    services.booted(station_id=linked.pk, boot=Boot(*[NASTY] * 7), received_at=now)
    services.variables_reported(
        station_id=linked.pk,
        reports=[VariableReport(NASTY, NASTY, NASTY, NASTY, NASTY, NASTY, 2**40, -5, NASTY, NASTY)],
    )
    report = StatusReport(1, 1, ConnectorStatus.FAULTED, now, now, NASTY, NASTY, NASTY, NASTY)
    services.status_reported(station_id=linked.pk, report=report)
    command = services.send(station=linked, command=commands.SendData(NASTY, NASTY, NASTY), origin=NASTY)
    answer = Answer(accepted=True, status=NASTY, payload={NASTY: [NASTY, {NASTY: None}]})
    services.command_answered(command_id=command.pk, answer=answer)
    services.refuse_handshake(
        identity=NASTY, reason=RefusalReason.BAD_IDENTITY, detail=NASTY, offered=NASTY, address="not an address"
    )
    services.disconnected(connection_id=linked.connection_id, reason=NASTY)
    station = Station.objects.get(pk=linked.pk)
    assert station.vendor.startswith("a\ufffdb?c")
    assert len(station.vendor) == 64
    assert Connector.objects.get(evse__number=1).status == ConnectorStatus.FAULTED
    assert RefusedHandshake.objects.get().address is None
    assert list(queries.messages(station, "\0")) == []


@pytest.mark.parametrize(
    "said",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-12))),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
)
def test_stamps_at_the_edge_of_the_calendar(station, now, said):
    report = StatusReport(1, 1, ConnectorStatus.CHARGING, said, now)
    services.status_reported(station_id=station.pk, report=report)
    services.session_status(station_id=station.pk, evse=1, status=ConnectorStatus.SUSPENDED_EV, at=said)
    assert Connector.objects.get(evse__number=1).status == ConnectorStatus.SUSPENDED_EV
    assert StatusChange.objects.filter(happened_at__lte=now).exists()
    later = StatusReport(1, 1, ConnectorStatus.AVAILABLE, now + timedelta(minutes=1), now + timedelta(minutes=1))
    services.status_reported(station_id=station.pk, report=later)
    assert Connector.objects.get(evse__number=1).status == ConnectorStatus.AVAILABLE


@pytest.mark.parametrize("address", ["fe80::1%eth0", "::1", "10.0.0.1", "unix:", "", None, "testclient"])
def test_any_peer_may_connect(station, gateway, address):
    link = services.connected(station_id=station.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address=address)
    link.refresh_from_db()
    assert link.address in ("fe80::1", "::1", "10.0.0.1", None)
