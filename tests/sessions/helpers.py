"""A session in our words, for tests that need no protocol."""

from datetime import timedelta

from evcms.core import clock
from sessions import services
from sessions.vocabulary import ReadingKind, Sample, SessionEnd, SessionStart, SessionUpdate

KWH = 1_000_000


def begin(station, at, *, transaction_id="tx-1", evse=1, token="", mwh=0, received_at=None, **more):
    return services.start(
        start=SessionStart(
            station_id=station.pk,
            protocol="ocpp2.0.1",
            at=at,
            received_at=received_at or at,
            transaction_id=transaction_id,
            evse=evse,
            connector=1,
            token_value=token,
            meter_start_mwh=mwh,
            **more,
        )
    )


def read(station, at, mwh, *, transaction_id="tx-1", evse=1, received_at=None, power_w=None, kind=ReadingKind.PERIODIC):
    services.record(
        station_id=station.pk,
        transaction_id=transaction_id,
        evse=evse,
        samples=[Sample(at, kind, energy_mwh=mwh, power_w=power_w)],
        received_at=received_at or at,
    )


def move(station, at, state, *, transaction_id="tx-1", **more):
    update = SessionUpdate(
        station_id=station.pk, transaction_id=transaction_id, at=at, received_at=at, state=state, **more
    )
    return services.update(update=update)


def finish(station, at, mwh=None, *, transaction_id="tx-1", received_at=None, **more):
    return services.end(
        end=SessionEnd(
            station_id=station.pk,
            transaction_id=transaction_id,
            at=at,
            received_at=received_at or at,
            meter_stop_mwh=mwh,
            **more,
        )
    )


def ago(**span):
    return (clock.now() - timedelta(**span)).replace(microsecond=0)
