"""Past sessions as rows: what `sessions` writes when a station tells of them, by the same arithmetic (`energy`)."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from django.db.models import Max, Model

from billing.models import PaymentMethod
from evcms.demo import keys
from evcms.demo.moments import ANSWER, LIVE_START, Ears, Paying
from evcms.demo.street import Street
from evcms.simulator.past import PastSample, PastSession
from sessions import energy, store
from sessions.models import Attempt, ChargingSession, IdToken, UsageHour
from sessions.services import attempts, tokens
from sessions.vocabulary import (
    AttemptKind,
    AttemptState,
    ClosedBy,
    FailureCause,
    ReadingKind,
    Sample,
    SessionState,
    TokenType,
)
from stations import commands
from stations.models import Command, Connector
from stations.vocabulary import CommandState

START_WITHIN = timedelta(seconds=attempts.CONNECTION_TIME_OUT) + attempts.MARGIN
COMMAND_LIVES = timedelta(seconds=60)  # stations.services.send
STOPPED_BEFORE = timedelta(seconds=3)  # from a driver's "stop" to the last drop


def next_keys(model: type[Model]) -> Iterator[int]:
    """Primary keys that nobody has."""
    return count((model._default_manager.aggregate(last=Max("pk"))["last"] or 0) + 1)


@dataclass(frozen=True)
class Place:
    """The connector of a past session and how its station is heard."""

    key: tuple[str, int]
    connector: Connector
    protocol: str
    ears: Ears

    @property
    def counts_events(self) -> bool:
        """OCPP 2.x numbers the events of a transaction."""
        return self.protocol != "ocpp1.6"


@dataclass
class Charging:
    """The rows of all past sessions; `cards` by the token's value; `usage` is the sum by EVSE and hour."""

    street: Street
    cards: dict[str, IdToken]
    on_file: dict[str, PaymentMethod] = field(default_factory=dict)  # what pays each token that has a card on file
    sessions: list[ChargingSession] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    guests: list[IdToken] = field(default_factory=list)
    samples: list[list[store.Value]] = field(default_factory=list)
    usage: dict[tuple[int, int], energy.Usage] = field(default_factory=dict)
    findings: int = 0

    def __post_init__(self) -> None:
        self._session_keys, self.attempt_keys = next_keys(ChargingSession), next_keys(Attempt)
        self._guest_keys = next_keys(IdToken)
        self._organization = self.street.access.organization.pk

    def add(self, past: PastSession, place: Place) -> ChargingSession:
        meter, told = self._measured(past, place)
        session = self._session(past, place, meter, told)
        self._begun(session, past, place)
        for sample, heard, counted in told:
            self.samples.append(store.sample_row(sample, sample.at, heard, session.station_id, session.pk, 0, counted))
        self._count(session, meter)
        self.sessions.append(session)
        return session

    def _measured(self, past: PastSession, place: Place) -> tuple[energy.Meter, list[tuple[Sample, datetime, bool]]]:
        meter = energy.Meter(started_at=past.start, limit_w=place.connector.max_power_w)
        meter.begin()
        told = []
        for sample in readings(past):
            heard = place.ears.heard(sample.at)
            reading = energy.Reading(sample.at, int(sample.kind), heard, sample.energy_mwh, None, sample.power_w)
            told.append((sample, heard, meter.take(reading)))
        meter.close(past.end)
        self.findings += len(meter.findings)
        return meter, told

    def _session(
        self,
        past: PastSession,
        place: Place,
        meter: energy.Meter,
        told: Sequence[tuple[Sample, datetime, bool]],
    ) -> ChargingSession:
        pk, connector = next(self._session_keys), place.connector
        powers = [sample.power_w for sample, _, counted in told if counted and sample.power_w is not None]
        socs = [sample.soc_percent for sample, _, counted in told if counted and sample.soc_percent is not None]
        heard = place.ears.heard(past.start)
        return ChargingSession(
            pk=pk,
            public_id=keys.public("session", f"{past.station}/{past.connector}/{past.start.isoformat()}"),
            organization=self.street.access.organization,
            site_id=connector.station.site_id,
            station=connector.station,
            evse_id=connector.evse_id,
            connector=connector,
            transaction_id=past.transaction_id if place.counts_events else str(pk),
            protocol=place.protocol,
            state=SessionState.ENDED,
            authorized=True,
            started_at=past.start,
            ended_at=past.end,
            start_received_at=heard,
            end_received_at=place.ears.heard(past.end),
            meter_start_mwh=meter.start_mwh,
            meter_last_mwh=meter.last_mwh,
            meter_last_at=meter.last_at,
            meter_stop_mwh=past.meter_stop_mwh,
            energy_mwh=meter.energy_mwh,
            power_w=0,
            max_power_w=max(powers, default=None),
            soc_percent=socs[-1] if socs else None,
            last_sample_at=past.end,
            last_event_at=past.end,
            last_seq_no=len(told) - 1 if place.counts_events else None,
            power_limit_w=connector.max_power_w,
            charging_seconds=meter.charging_s,
            stop_reason=past.stop_reason,
            closed_by=ClosedBy.STATION,
            replayed=heard - past.start > LIVE_START,
        )

    # Who began it, and how

    def _begun(self, session: ChargingSession, past: PastSession, place: Place) -> None:
        if past.guest:
            self._by_phone(session, past, place)
        else:
            card = self.cards[past.token]
            session.id_token, session.driver, session.token_value = card, card.driver, past.token
            session.stop_token_value = past.token if past.stop_reason == "Local" else ""
            session.attempt = self._attempt(session, AttemptKind.TAP, past.token)
            self.attempts.append(session.attempt)
        if not place.counts_events:
            session.start_key = start_key(place.connector.evse.number, past, session.token_value)

    def _attempt(self, session: ChargingSession, kind: AttemptKind, token: str) -> Attempt:
        empty = session.energy_mwh < energy.NO_ENERGY_MWH
        return Attempt(
            pk=next(self.attempt_keys),
            organization_id=self._organization,
            station=session.station,
            connector_id=session.connector_id,
            kind=kind,
            state=AttemptState.FAILED if empty else AttemptState.ENDED,
            cause=FailureCause.NO_ENERGY if empty else "",
            token_value=token,
            driver_id=session.driver_id,
            at=session.started_at,
            ended_at=session.end_received_at,
        )

    def _by_phone(self, session: ChargingSession, past: PastSession, place: Place) -> None:
        paid = Paying.before(past).authorized
        guest = self.guest(f"{past.station}/{past.connector}/{past.start.isoformat()}", paid)
        session.id_token, session.token_value = guest, guest.value
        attempt = self._attempt(session, AttemptKind.SCAN, guest.value)
        self.asked(attempt, place.connector, paid, accepted=True)
        session.attempt = attempt
        if past.stop_reason == "Remote":
            said = past.end - STOPPED_BEFORE
            stop = commands.StopCharging(session.transaction_id)
            self.commands.append(command_row(stop, place.connector, said, "the driver", accepted=True))

    def guest(self, name: str, at: datetime) -> IdToken:
        """The token of one paid start."""
        value = keys.token(name, tokens.ALPHABET, tokens.SHORTENED)
        row = IdToken(
            pk=next(self._guest_keys),
            organization_id=self._organization,
            value=value,
            folded=value,
            type=TokenType.CENTRAL,
            guest=True,
            expires_at=at + attempts.GUEST_DAYS,
            created_at=at,
        )
        self.guests.append(row)
        return row

    def asked(self, attempt: Attempt, connector: Connector, at: datetime, *, accepted: bool) -> None:
        """The remote start behind an attempt, asked at `at`."""
        attempt.pk = attempt.pk or next(self.attempt_keys)
        attempt.at, attempt.expires_at = at, at + START_WITHIN
        start = commands.StartCharging(attempt.token_value, attempt.pk, connector.evse.number, TokenType.CENTRAL.value)
        row = command_row(start, connector, at, "payment", accepted=accepted)
        row.remote_start_id, attempt.command_id = attempt.pk, row.pk
        self.commands.append(row)
        self.attempts.append(attempt)

    def _count(self, session: ChargingSession, meter: energy.Meter) -> None:
        assert session.evse_id is not None
        for hour, usage in meter.usage.items():
            total = self.usage.setdefault((session.evse_id, hour), energy.Usage())
            total.energy_mwh += usage.energy_mwh
            total.started += usage.started
            total.charging_s += usage.charging_s
            total.occupied_s += usage.occupied_s
            total.max_power_w = max(total.max_power_w, usage.max_power_w)

    def usage_rows(self) -> list[UsageHour]:
        return [
            UsageHour(
                evse_id=evse_id,
                hour=energy.hour_of(second),
                energy_mwh=usage.energy_mwh,
                sessions_started=usage.started,
                charging_seconds=usage.charging_s,
                occupied_seconds=usage.occupied_s,
                max_power_w=usage.max_power_w,
            )
            for (evse_id, second), usage in sorted(self.usage.items())
        ]


def readings(past: PastSession) -> list[Sample]:
    """What the station tells: the register at begin and end, all values between, and once when the car is full."""
    between = [_between(sample) for sample in past.samples[1:-1]]
    if past.charged_until < past.end and all(sample.at != past.charged_until for sample in between):
        full = Sample(past.charged_until, ReadingKind.PERIODIC, energy_mwh=past.meter_stop_mwh, power_w=0)
        between = sorted([*between, full], key=lambda sample: sample.at)
    return [
        Sample(past.start, ReadingKind.BEGIN, energy_mwh=past.meter_start_mwh),
        *between,
        Sample(past.end, ReadingKind.END, energy_mwh=past.meter_stop_mwh),
    ]


def _between(sample: PastSample) -> Sample:
    return Sample(
        sample.at,
        ReadingKind.PERIODIC,
        energy_mwh=sample.energy_mwh,
        power_w=sample.power_w,
        offered_w=sample.offered_w,
        soc_percent=None if sample.soc_permille is None else sample.soc_permille // 10,
    )


def start_key(evse: int, past: PastSession, token: str) -> str:
    """sessions.services.starting: 1.6 repeats are known by the content of StartTransaction."""
    content = (evse, tokens.fold(token), past.meter_start_mwh, past.start.isoformat())
    return hashlib.sha256(repr(content).encode()).hexdigest()


def command_row(
    command: commands.Command, connector: Connector, at: datetime, origin: str, *, accepted: bool
) -> Command:
    """Sent at once, answered a second later."""
    word = "Accepted" if accepted else "Rejected"
    return Command(
        id=keys.identifier("command", f"{connector.pk}/{type(command).__name__}/{at.isoformat()}"),
        station_id=connector.station_id,
        kind=type(command).__name__,
        fields=commands.as_json(command),
        origin=origin,
        created_at=at,
        expires_at=at + COMMAND_LIVES,
        state=CommandState.ACCEPTED if accepted else CommandState.REJECTED,
        sent_at=at,
        answered_at=at + ANSWER,
        answer_status=word,
        answer={"status": word},
    )
