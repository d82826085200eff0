"""The same facts, told in 1.6, 2.0.1 and 2.1, give equal rows."""

from datetime import timedelta

import pytest

from sessions.models import Attempt, ChargingSession, MeterSample, UsageHour
from stations.models import Connector, Station

from .talk import PROTOCOLS, Teller, ago

pytestmark = pytest.mark.postgres
SAME = {
    "state", "token_value", "authorized", "started_at", "ended_at", "meter_start_mwh", "meter_last_mwh", "energy_mwh",
    "power_w", "max_power_w", "soc_percent", "last_sample_at", "charging_seconds", "stop_reason", "closed_by",
    "estimated", "incomplete", "replayed", "meter_stop_mwh", "meter_last_at", "power_limit_w", "clock_offset_ms",
}  # fmt: skip

SAMPLE = (
    "evse_number", "kind", "at", "energy_mwh", "power_w", "current_ma", "voltage_mv", "soc_percent", "extra",
    "quarantined",
)  # fmt: skip
HOUR = ("hour", "energy_mwh", "sessions_started", "charging_seconds", "occupied_seconds", "max_power_w")
CARD = ("vendor", "model", "serial_number", "firmware_version")


def told(station, protocol, *, many):
    """A driver taps, charges 1.5 kWh in ten minutes over an hour's border, and leaves."""
    teller, t = Teller(station, protocol, many=many), ago(hours=2).replace(minute=55, second=0)
    assert teller.boot()["status"] == "Accepted"
    teller.status("Available", t - timedelta(minutes=1))
    assert teller.authorize("GOOD")["status"] == "Accepted"
    assert teller.start("GOOD", t, wh=1_000_000)["status"] == "Accepted"
    minute = timedelta(minutes=1)
    values = {"Power_Active_Import": 9000, "Current_Import": 13, "Voltage": 230, "SoC": 40}
    for i in range(1, 10):
        teller.reading(t + i * minute, 1_000_000 + 150 * i, **values)
    teller.stop(t + 10 * minute, 1_001_500)
    teller.status("Available", t + 11 * minute)
    session = ChargingSession.objects.get(station=station)
    return {
        "session": {name: getattr(session, name) for name in SAME},
        "places": (session.evse.number, session.connector.number, session.id_token.value),
        "samples": list(
            MeterSample.objects.filter(station=station)
            .order_by("at", "kind")
            .values_list(*SAMPLE)
        ),
        "hours": list(
            UsageHour.objects.filter(evse__station=station)
            .order_by("hour")
            .values_list(*HOUR)
        ),
        "attempts": list(Attempt.objects.filter(station=station).values_list("kind", "state", "cause", "token_value")),
        "status": Connector.objects.get(station=station, evse__number=1).status,
        "station": Station.objects.values_list(*CARD).get(pk=station.pk),
    }  # fmt: skip


@pytest.mark.parametrize("many", [False, True], ids=["one by one", "in bulk"])
def test_a_whole_visit_leaves_the_same_rows_whatever_the_version(make_station, tokens, many):
    rows = {
        protocol: told(make_station(f"CP-{index}"), protocol, many=many) for index, protocol in enumerate(PROTOCOLS)
    }
    first = rows["ocpp1.6"]
    assert first["session"]["energy_mwh"] == 1_500_000
    assert first["session"]["state"] == "ended"
    assert first["status"] == "available"
    assert first["attempts"] == [("tap", "ended", "", "GOOD")]
    assert [hour[1] for hour in first["hours"]] == [750_000, 750_000]
    assert [hour[4] for hour in first["hours"]] == [300, 300]
    for protocol in PROTOCOLS[1:]:
        assert rows[protocol] == first
