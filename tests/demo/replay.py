"""The same past, told message by message to the services, each at its moment, as the doors and workers would."""

import urllib.error
from datetime import timedelta

import pytest
import time_machine

from billing import services as billing
from billing.models import Payment
from billing.services import following, holds, settlement
from evcms.demo.charging import START_WITHIN, STOPPED_BEFORE, readings
from evcms.demo.moments import ANSWER, CAPTURED, SECOND, SETTLED, Paying
from evcms.demo.money import FOUND_OUT, PATIENCE
from evcms.demo.past import was_in_vain
from evcms.demo.people import DRIVER_CARD
from evcms.demo.till import DECLINED, NUMBERS, USUAL
from evcms.demo.wallet import CAR_TOKEN
from sessions import services as sessions
from sessions.models import ChargingSession
from sessions.services import attempts
from sessions.vocabulary import FailureCause, ReadingKind, SessionEnd, SessionStart, SessionState, SessionUpdate
from stations import services as stations
from stations.models import Command, Gateway
from stations.vocabulary import Answer, ConnectorStatus, StatusReport

WORDS = {True: "Accepted", False: "Rejected"}
OCCUPIED = "preparing"


class Replay:
    """`languages`: of the payment that begins at (connector, moment); `refused`: cards by moment."""

    def __init__(self, street, history, places, provider, languages, refused):
        self.street, self.history, self.places, self.provider = street, history, places, provider
        self.languages, self.refused = languages, refused
        self.todo = []

    def at(self, moment, said, rank, what, *args):
        self.todo.append(((moment, said, rank, len(self.todo)), what, args))

    def run(self):
        self._links()
        self._statuses()
        for past in self.history.sessions:
            self._session(past, self.places[(past.station, past.connector)])
        for past in self.history.attempts:
            self._attempt(past)
        with time_machine.travel(self.history.first, tick=False):  # the double must not see today, and let holds lapse
            for (moment, *_), what, args in sorted(self.todo, key=lambda one: one[0]):
                with time_machine.travel(moment, tick=False):
                    what(*args)

    # Stations

    def _links(self):
        first = self.history.first
        with time_machine.travel(first, tick=False):
            gateway = stations.gateway_started(gateway_id="6a7c6f0e-0000-4000-8000-000000000001", host="test", pid=1)
        Gateway.objects.update(lease_until=self.history.last + timedelta(days=1))
        for identity in {past.station for past in self.history.sessions}:
            station, place = self.street.stations[identity], self.places[(identity, 1)]
            for since, until in place.ears.links(first, self.history.last):
                self.at(since, since, -1, self._link, station, gateway, place.protocol)
                self.at(until, until, -2, self._unlink, station)

    def _link(self, station, gateway, protocol):
        stations.connected(station_id=station.pk, gateway_id=gateway.pk, protocol=protocol, address="127.0.0.1")

    def _unlink(self, station):
        station.refresh_from_db()
        stations.disconnected(connection_id=station.connection_id, reason="no answer to a ping")

    def _statuses(self):
        here = {past.station for past in self.history.sessions}
        for past in self.history.statuses():
            if past.station not in here or past.at >= self.history.last:
                continue
            place = self.places[(past.station, past.connector)]
            if place.counts_events and past.status in ("charging", "suspended_ev"):
                continue  # 2.x says Occupied; its transaction says how
            rank = {"preparing": 0, "charging": 1.1, "suspended_ev": 2.1}.get(past.status, 4)
            heard = place.ears.heard(past.at)
            self.at(heard, past.at, rank, self._report, past, place, heard)

    def _report(self, past, place, heard):
        occupied = place.counts_events and past.status == OCCUPIED
        report = StatusReport(
            place.connector.evse.number,
            place.connector.number,
            None if occupied else ConnectorStatus(past.status),
            past.at,
            heard,
            error_code="" if place.counts_events else past.error_code,
        )
        stations.status_reported(station_id=place.connector.station_id, report=report)

    # Sessions

    def _session(self, past, place):
        said = {"token": past.token}
        if past.guest:
            way = Paying.before(past)
            number = NUMBERS.get(past.guest.last4, USUAL)
            self.at(way.created, way.created, 0.5, self._open, said, place, past.guest.email, way)
            self.at(way.authorized, way.authorized, 0.5, self._pay, said, number)
            self.at(way.authorized + ANSWER, way.authorized, 0.6, self._answer, said, True)
        if past.token in (DRIVER_CARD, CAR_TOKEN):
            self.at(past.start + ANSWER, past.start, 1.2, self._hold, said)
        samples = readings(past)
        hear = place.ears.heard
        self.at(hear(past.start), past.start, 1, self._start, said, past, place, samples[0])
        for seq, sample in enumerate(samples[1:-1], 1):
            self.at(hear(sample.at), sample.at, 2, self._read, said, past, place, sample, seq)
        if past.guest and past.stop_reason == "Remote":
            asked = past.end - STOPPED_BEFORE
            self.at(asked, asked, 0.7, self._ask_to_stop, said)
            self.at(asked + ANSWER, asked, 0.7, self._answer, said, True)
        heard = hear(past.end)
        self.at(heard, past.end, 3, self._end, said, past, place, len(samples) - 1)
        self.at(heard + SETTLED, past.end, 5, self._settle, said)
        self.at(heard + CAPTURED, past.end, 5, self._finish_payment, said)

    def _start(self, said, past, place, first):
        numbered = place.counts_events
        attempt = said["payment"].attempt if past.guest else None
        started = billing.begin(
            start=SessionStart(
                station_id=place.connector.station_id, protocol=place.protocol, at=past.start,
                received_at=place.ears.heard(past.start), transaction_id=past.transaction_id if numbered else None,
                evse=place.connector.evse.number, connector=place.connector.number,
                token_value=attempt.token_value if attempt else past.token,
                meter_start_mwh=None if numbered else first.energy_mwh,
                remote_start_id=attempt.pk if attempt and numbered else None,
                state=SessionState.CHARGING if numbered else None, seq_no=0 if numbered else None,
                offline=place.ears.heard(past.start) != past.start, samples=(first,) if numbered else (),
            )
        )  # fmt: skip
        said["session"] = ChargingSession.objects.get(pk=started.session_id)
        billing.session_started(session_id=started.session_id)

    def _read(self, said, past, place, sample, seq):
        station_id, heard = place.connector.station_id, place.ears.heard(sample.at)
        transaction_id, evse = said["session"].transaction_id, place.connector.evse.number
        if not place.counts_events:
            sessions.record(
                station_id=station_id, transaction_id=transaction_id, evse=evse, samples=[sample], received_at=heard
            )
            return
        full = sample.at >= past.charged_until
        sessions.update(
            update=SessionUpdate(
                station_id, transaction_id, sample.at, heard, seq_no=seq, samples=(sample,),
                state=SessionState.SUSPENDED_EV if full else SessionState.CHARGING, offline=heard != sample.at,
            )
        )  # fmt: skip

    def _ask_to_stop(self, said):
        said["command"] = sessions.request_stop(session=said["session"], origin="the driver")
        assert stations.command_sent(command_id=said["command"].pk)

    def _end(self, said, past, place, seq):
        numbered, heard = place.counts_events, place.ears.heard(past.end)
        last = readings(past)[-1]
        assert last.kind == ReadingKind.END
        billing.finish(
            end=SessionEnd(
                station_id=place.connector.station_id, transaction_id=said["session"].transaction_id, at=past.end,
                received_at=heard, meter_stop_mwh=None if numbered else last.energy_mwh, reason=past.stop_reason,
                token_value=past.token if past.stop_reason == "Local" else "", seq_no=seq if numbered else None,
                offline=heard != past.end, samples=(last,) if numbered else (), id_by_station=numbered,
            )
        )  # fmt: skip

    def _settle(self, said):
        billing.settle_session(session_id=said["session"].pk)

    # Money

    def _hold(self, said):
        """The card on file is asked by a task."""
        holds.place_due()
        said["payment"] = Payment.objects.get(session=said["session"])

    def _open(self, said, place, email, way):
        connector = type(place.connector).objects.select_related("station__site", "evse").get(pk=place.connector.pk)
        language = self.languages[(connector.pk, way.created)]
        said["payment"] = billing.open_payment(connector=connector, email=email, language=language)
        billing.start_checkout(payment=said["payment"])

    def _pay(self, said, number):
        payment = said["payment"]
        if number in DECLINED:
            with pytest.raises(urllib.error.HTTPError):
                self.provider.pays(payment, number=number)
        else:
            self.provider.pays(payment, number=number)
        billing.refresh(payment=payment)
        said["payment"] = payment = Payment.objects.select_related("attempt").get(pk=payment.pk)
        if payment.attempt:
            said["command"] = Command.objects.get(pk=payment.attempt.command_id)
            assert stations.command_sent(command_id=said["command"].pk)

    def _answer(self, said, accepted):
        answer = Answer(accepted, WORDS[accepted], {"status": WORDS[accepted]})
        assert stations.command_answered(command_id=said["command"].pk, answer=answer)
        attempts.command_answered(command_id=said["command"].pk)

    def _finish_payment(self, said):
        if "payment" in said:
            settlement.capture(payment_id=said["payment"].pk)
            settlement.free_hold(payment_id=said["payment"].pk)

    # What came to nothing

    def _attempt(self, past):
        if past.cause == "token_refused":
            self.at(past.at, past.at, 0, self._tap, past)
        elif was_in_vain(past):
            self._in_vain(past, self.places[(past.station, past.connector)])

    def _tap(self, past):
        station = self.street.stations[past.station]
        billing.admit(station_id=station.pk, token_value=self.refused[past.at], at=past.at)

    def _in_vain(self, past, place):
        said, way = {}, Paying.in_vain(past.at)
        email = self.languages[(place.connector.pk, way.created, "email")]
        self.at(way.created, way.created, 0.5, self._open, said, place, email, way)
        if past.cause == "payment_declined":
            number = self.languages[(place.connector.pk, way.created, "number")]
            self.at(way.authorized, way.authorized, 0.5, self._pay, said, number)
            self.at(way.created + PATIENCE, past.at, 6, self._close_page, said)
            return
        self.at(way.authorized, way.authorized, 0.5, self._pay, said, USUAL)
        accepted = past.cause == "cable_not_connected"
        self.at(way.authorized + ANSWER, way.authorized, 0.6, self._answer, said, accepted)
        over = way.authorized + (START_WITHIN + FOUND_OUT if accepted else ANSWER)
        cause = FailureCause.NOT_PLUGGED if accepted else FailureCause.REFUSED
        self.at(over, past.at, 6, self._give_up, said, cause)
        self.at(over + SECOND, past.at, 6, self._finish_payment, said)

    def _give_up(self, said, cause):
        sessions.expire_attempts()
        billing.start_failed(attempt_id=said["payment"].attempt_id, cause=cause.value)

    def _close_page(self, said):
        following.close_page(payment=Payment.objects.get(pk=said["payment"].pk))
