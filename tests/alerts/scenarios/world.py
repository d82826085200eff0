"""A network that a script plays: what happens is said in a few words, the clock is moved, and the sweeps run.

`board()` and `told()` are what a person sees: incidents as "kind state extent (cause)" and messages in their order.
"""

import uuid
from datetime import timedelta

from alerts import services
from alerts.models import Destination, Incident, Notification, Recipient, Rule
from alerts.rulebook import scope_key
from alerts.services import looking
from alerts.services.subscriptions import at_connector
from alerts.vocabulary import IncidentState
from billing import services as billing
from billing.models import Tariff, TariffAssignment
from evcms.core import clock, delivery
from sessions import services as sessions
from sessions.models import Attempt
from sessions.vocabulary import AttemptKind, AttemptState, FailureCause, Sample, SessionEnd, SessionStart, SessionState
from stations import services as stations
from stations.models import MaintenanceWindow, OcppMessage, Site, Station, StationEvent
from stations.services.maintenance import run_maintenance
from stations.vocabulary import ConnectorStatus, StatusReport
from tests.alerts.conftest import make_access, make_contact, make_station
from tests.tariffs import flat

KWH = 1_000_000
DUTY = "duty@example.org"
MONTH = timedelta(days=30)


class World:
    def __init__(self, organization):
        looking.forget()
        self.organization = organization
        self.access = make_access(organization)
        self.heard = False
        make_contact(organization, DUTY, least_severity=1)
        tariff = Tariff.objects.create(organization=organization, name="Street", currency="EUR", **flat(per_kwh="0.4"))
        TariffAssignment.objects.create(tariff=tariff, organization=organization, valid_from=clock.now() - MONTH)
        self.gateway = uuid.uuid4()
        self.gateway_alive = True
        stations.gateway_started(gateway_id=self.gateway, host="gw", pid=1)
        self.links, self.sites, self.addresses, self.sessions = {}, {}, {}, {}
        clock.advance(timedelta(minutes=10))
        stations.gateway_alive(gateway_id=self.gateway)

    # The street -----------------------------------------------------------------------------------------

    def site(self, name, count, network="10.{n}.0.{i}", **fields):
        """A site with stations NAME-1 …, all online. `network`: their address; {n} is the site, {i} the station."""
        place = Site.objects.create(
            organization=self.organization, name=name, latitude=52, longitude=4, grid_limit_w=fields.pop("grid_w", None)
        )
        self.sites[name] = place
        for number in range(1, count + 1):
            station = make_station(f"{name.upper()}-{number}", place, **fields)
            self.addresses[station.identity] = network.format(n=len(self.sites), i=number)
            self.back(station.identity)
        return [f"{name.upper()}-{number}" for number in range(1, count + 1)]

    def station(self, name):
        return Station.objects.get(identity=name)

    def dark(self, *names, reason="the link broke"):
        for name in names:
            stations.disconnected(connection_id=self.links[name], reason=reason)

    def back(self, *names):
        for name in names:
            link = stations.connected(
                station_id=self.station(name).pk, gateway_id=self.gateway, protocol="ocpp2.0.1",
                address=self.addresses[name],
            )  # fmt: skip
            self.links[name] = link.pk

    def flap(self, name, times, every=60):
        for _ in range(times):
            self.dark(name)
            self.wait(seconds=every // 2, every=every // 2)
            self.back(name)
            self.wait(seconds=every // 2, every=every // 2)

    def says(self, name, status, error="", evse=1, at=None):
        report = StatusReport(evse, 1 if evse else 0, ConnectorStatus(status), at or clock.now(), clock.now(), error)
        stations.status_reported(station_id=self.station(name).pk, report=report)

    def fault(self, *names, error="InternalError", evse=1):
        for name in names:
            self.says(name, "faulted", error, evse)

    def fine(self, *names, evse=1):
        for name in names:
            self.says(name, "available", evse=evse)

    def event(self, name, evse, code, cleared=False):
        now = clock.now()
        StationEvent.objects.create(
            station=self.station(name), event_id=StationEvent.objects.count(), component="EVSE", variable="Problem",
            evse=evse, trigger="alerting", tech_code=code, cleared=cleared, at=now, happened_at=now, received_at=now,
        )  # fmt: skip

    def boots(self, name):
        station = self.station(name)
        Station.objects.filter(pk=station.pk).update(last_boot_at=clock.now())
        OcppMessage.objects.create(
            station=station, direction="in", action="BootNotification", request="{}", outcome="result", at=clock.now()
        )

    def clock_off(self, name, seconds):
        Station.objects.filter(pk=self.station(name).pk).update(clock_skew_ms=seconds * 1000)

    def window(self, minutes, site=None, station=None):
        MaintenanceWindow.objects.create(
            organization=self.organization, title="Cables", starts_at=clock.now(),
            site=self.sites[site] if site else None, station=self.station(station) if station else None,
            ends_at=clock.now() + timedelta(minutes=minutes),
        )  # fmt: skip
        run_maintenance()

    # Charging -------------------------------------------------------------------------------------------

    def starts(self, name, at=None, evse=1):
        at = at or clock.now()
        transaction = uuid.uuid4().hex[:20]
        billing.begin(
            start=SessionStart(
                station_id=self.station(name).pk, protocol="ocpp2.0.1", at=at, received_at=clock.now(),
                transaction_id=transaction, evse=evse, connector=1, meter_start_mwh=0, state=SessionState.CHARGING,
                seq_no=0,
            )
        )  # fmt: skip
        self.sessions[name] = transaction

    def reads(self, name, kwh=0, power=0):
        sample = Sample(clock.now(), energy_mwh=int(kwh * KWH), power_w=power)
        sessions.record(
            station_id=self.station(name).pk, transaction_id=self.sessions[name], evse=1, samples=[sample],
            received_at=clock.now(),
        )  # fmt: skip

    def ends(self, name, kwh=0):
        billing.finish(
            end=SessionEnd(
                station_id=self.station(name).pk, transaction_id=self.sessions.pop(name), at=clock.now(),
                received_at=clock.now(), meter_stop_mwh=int(kwh * KWH), reason="EVDisconnected", evse=1, connector=1,
            )
        )  # fmt: skip

    def start_fails(self, name, cause=FailureCause.TIMEOUT, times=1):
        station = self.station(name)
        for _ in range(times):
            Attempt.objects.create(
                organization=self.organization, station=station, connector=station.connectors.first(),
                kind=AttemptKind.SCAN, state=AttemptState.FAILED, cause=cause, at=clock.now(), ended_at=clock.now(),
            )  # fmt: skip
            clock.advance(timedelta(seconds=30))

    # The house ------------------------------------------------------------------------------------------

    def rule(self, kind, site=None, station=None, model="", **fields):
        site_id = self.sites[site].pk if site else None
        station_id = self.station(station).pk if station else None
        scope = scope_key(site_id=site_id, station_id=station_id, model=model)
        return Rule.objects.create(
            organization=self.organization, kind=kind, site_id=site_id, station_id=station_id, station_model=model,
            scope=scope, **fields,
        )  # fmt: skip

    def also_told(self, name, *ways, least=1):
        """Another contact of the operator's, with his ways (channel, address) in their order."""
        contact = Recipient.objects.create(
            organization=self.organization, audience="operator", name=name, least_severity=least
        )
        for position, (channel, address) in enumerate(ways, 1):
            Destination.objects.create(
                organization=self.organization, recipient=contact, audience="operator", channel=channel,
                address=address, position=position, confirmed_at=clock.now(),
            )  # fmt: skip

    def driver(self, email, name, *topics, reach="connector"):
        """A driver who wants to hear about a station's first connector, the station or the site."""
        connector = self.station(name).connectors.order_by("evse__number").first()
        wanted = at_connector(connector_id=connector.pk, topics=topics, reach=reach)
        services.confirm(token=services.subscribe(wanted=wanted, email=email, language="en").token)

    def gateway_dies(self):
        self.gateway_alive = False

    def gateway_returns(self):
        self.gateway, self.gateway_alive = uuid.uuid4(), True
        stations.gateway_started(gateway_id=self.gateway, host="gw", pid=2)

    def sweep(self):
        """What the workers do every ten seconds."""
        if self.gateway_alive:
            stations.gateway_alive(gateway_id=self.gateway)
        stations.sweep_gateways()
        run_maintenance()
        self._deliver()
        services.sweep()
        self._deliver()
        services.recover()
        services.wake()
        services.tell()
        services.announce()
        services.look_at_outages()
        services.offer_free()
        self._deliver()

    def _deliver(self):
        while delivery.deliver_due():
            pass

    def wait(self, minutes=0, seconds=0, every=30):
        """Time goes by, with a look every `every` seconds."""
        left = minutes * 60 + seconds
        self.sweep()
        while left > 0:
            step = min(every, left)
            clock.advance(timedelta(seconds=step))
            left -= step
            self.sweep()

    # What a person sees ---------------------------------------------------------------------------------

    def board(self, state=None):
        rows = Incident.objects.select_related("cause").order_by("pk")
        if state == "open":
            rows = rows.exclude(state=IncidentState.RESOLVED)
        return sorted(self._line(row) for row in rows)

    def _line(self, row):
        names = sorted(station.identity for station in row.stations.all())
        extent = " ".join(names) if len(names) <= 2 else f"×{len(names)}"
        state = "over" if row.state == IncidentState.RESOLVED else row.state
        again = f" +{row.reopened}" if row.reopened else ""
        cause = f" ← {row.cause.kind}" if row.cause else ""
        return f"{row.kind} {state}{again} {extent}{cause}".replace("  ", " ").strip()

    def told(self):
        """Every message that anybody gets, in their order: its template and what it is about, and to whom by which
        channel unless that is the one on duty by e-mail.
        """
        self.heard = True
        rows = Notification.objects.exclude(template="confirm").order_by("pk")
        return [self._message(row) for row in rows.select_related("incident", "recipient", "subscription")]

    def _message(self, row):
        about = row.incident.kind if row.incident else "a wish" if row.subscription else "list"
        line = f"{row.template.removeprefix('incident_')} {about}"
        usual = (str(row.recipient), row.channel, row.to) == (DUTY, "email", DUTY)
        return line if usual else f"{line} → {row.to} {row.channel}"


__all__ = ["AttemptState", "World"]
