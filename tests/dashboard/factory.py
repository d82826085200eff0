"""A lively network, made through the services as chargers and people would make it: also good to look at.

`Network(days=3).live(settle=True)`, in the shell of a migrated scratch installation (EVCMS_DATA_DIR in a temporary
folder), fills it; log in as mila@example.org, "a long pass phrase".
"""

import json
import random
import uuid
from datetime import timedelta

from alerts import services as alerts
from alerts.vocabulary import IncidentKind
from billing import services as billing
from billing.models import Tariff, TariffAssignment
from evcms.core import clock, delivery
from evcms.core.access import Access, Role
from evcms.core.models import Membership, Organization, User
from sessions import services as sessions
from sessions.models import ChargingSession, IdToken
from sessions.vocabulary import ReadingKind, Sample, SessionEnd, SessionStart, SessionState
from stations import services as stations
from stations.models import Connection, Connector, Evse, Gateway, OcppMessage, PlugType, PowerType, Site, Station
from stations.vocabulary import (
    Answer,
    Approval,
    Boot,
    ConnectorStatus,
    RefusalReason,
    SecurityProfile,
    StatusReport,
    VariableReport,
)  # fmt: skip
from tests.tariffs import flat

KWH = 1_000_000
PLACES = [
    ("Kade Noord", "Kade 12", 51.9244, 4.4777, 120_000),
    ("Stationsplein", "Stationsplein 1", 51.9250, 4.4690, 400_000),
    ("Parkeergarage Oost", "Oostzeedijk 40", 51.9221, 4.5006, 88_000),
    ("Havenweg", "Havenweg 201", 51.9080, 4.4610, 250_000),
]


class Network:
    """One organization, four sites, twelve stations, sessions of the last day, some running, some trouble."""

    def __init__(self, days=1, seed=7):
        self.dice, self.now, self.days = random.Random(seed), clock.now(), days
        self.organization = Organization.objects.create(name="Rivierstad Laadt", slug="rivierstad")
        self.owner = self.member(Role.OWNER, "mila@example.org")
        self.gateway = stations.gateway_started(gateway_id=uuid.uuid4(), host="gateway-1", pid=1)
        Gateway.objects.update(lease_until=self.now + timedelta(days=1))  # nobody renews it here
        self.tariff()
        self.tokens = [
            IdToken.objects.create(
                organization=self.organization, value=f"04A1B2C3D4E5{n:02}", folded=f"04A1B2C3D4E5{n:02}", label=label
            )
            for n, label in enumerate(("Anna's card", "Delivery van 3", "Taxi Groen", "Bo"))
        ]
        self.sites = [
            Site.objects.create(
                organization=self.organization, name=name, address=street, city="Rivierstad", postal_code="3011 AB",
                latitude=latitude, longitude=longitude, grid_limit_w=limit,
            )
            for name, street, latitude, longitude, limit in PLACES
        ]  # fmt: skip
        self.stations = [self.station(number) for number in range(12)]

    def member(self, role, email, *, all_sites=True):
        user = User.objects.create_user(email, "a long pass phrase", name=email.split("@")[0].title())
        membership = Membership.objects.create(
            user=user, organization=self.organization, role=role, all_sites=all_sites
        )
        return Access(organization=self.organization, membership=membership, user=user, actor=str(user))

    def tariff(self):
        made = Tariff.objects.create(
            organization=self.organization, name="Street", currency="EUR",
            **flat(per_kwh="0.49", per_start="0.35", idle_per_minute="0.05"),
        )  # fmt: skip
        TariffAssignment.objects.create(
            tariff=made, organization=self.organization, valid_from=self.now - timedelta(days=100)
        )

    def station(self, number):
        fast = number % 4 == 1
        station = Station.objects.create(
            organization=self.organization, site=self.sites[number % 4], identity=f"RIV-{number + 1:04}",
            name=f"{PLACES[number % 4][1]} {'ABC'[number // 4]}", approval=Approval.ACCEPTED,
            created_at=self.now - timedelta(days=90), security_profile=SecurityProfile.NONE,
        )  # fmt: skip
        for n in (1, 2):
            evse = Evse.objects.create(station=station, number=n)
            Connector.objects.create(
                evse=evse, station=station, cable=fast, max_power_w=150_000 if fast else 22_000,
                plug=PlugType.IEC_62196_T2_COMBO if fast else PlugType.IEC_62196_T2,
                power_type=PowerType.DC if fast else PowerType.AC_3_PHASE,
            )  # fmt: skip
        self.link(station, "ocpp2.0.1" if fast else "ocpp1.6")
        stations.booted(
            station_id=station.pk,
            boot=Boot("Alfa", "DC 150" if fast else "Duo 22", f"SN{number:05}", "4.2.1" if fast else "1.9.0"),
            received_at=self.now - timedelta(hours=20),
        )
        for n in (1, 2):
            self.status(station, n, ConnectorStatus.AVAILABLE, hours=23)
        return station

    def link(self, station, protocol="ocpp1.6"):
        link = stations.connected(
            station_id=station.pk, gateway_id=self.gateway.pk, protocol=protocol, address="10.0.3.7"
        )
        Connection.objects.filter(pk=link.pk).update(opened_at=self.now - timedelta(hours=21 + self.dice.random()))
        return link

    def status(self, station, evse, status, *, hours=0.0, error=""):
        at = self.now - timedelta(hours=hours)
        stations.status_reported(station_id=station.pk, report=StatusReport(evse, 1, status, at, at, error_code=error))

    def charge(self, station, evse, hours_ago, minutes, kw, *, ends=True, token=None, transaction=None):
        """One session with a reading every three minutes; `ends=False` leaves it running."""
        begin = self.now - timedelta(hours=hours_ago)
        number = transaction or f"tx-{uuid.uuid4().hex[:10]}"
        register = self.dice.randint(2_000, 90_000) * KWH
        token = token or self.dice.choice(self.tokens)
        started = billing.begin(
            start=SessionStart(
                station_id=station.pk, protocol="ocpp2.0.1", at=begin, received_at=begin, transaction_id=number,
                evse=evse, connector=1, token_value=token.value, meter_start_mwh=register, seq_no=0,
                state=SessionState.CHARGING,
                samples=(Sample(begin, ReadingKind.BEGIN, energy_mwh=register, power_w=0, soc_percent=22),),
            )
        )  # fmt: skip
        self.status(station, evse, ConnectorStatus.CHARGING, hours=hours_ago)
        energy, samples = 0, []
        for minute in range(3, minutes + 1, 3):
            share = minute / minutes
            power = int(kw * 1000 * min(1, minute / 6) * (1 if share < 0.7 else 1.6 - 0.9 * share))
            energy += power * 3 * 1000 // 60
            samples.append(
                Sample(begin + timedelta(minutes=minute), energy_mwh=register + energy, power_w=power,
                       offered_w=int(kw * 1100), soc_percent=min(100, 22 + int(70 * share)))
            )  # fmt: skip
        sessions.record(
            station_id=station.pk, transaction_id=started.transaction_id, evse=evse, samples=samples,
            received_at=begin + timedelta(minutes=minutes),
        )  # fmt: skip
        if ends:
            end = begin + timedelta(minutes=minutes)
            billing.finish(
                end=SessionEnd(
                    station_id=station.pk, transaction_id=started.transaction_id, at=end, received_at=end,
                    meter_stop_mwh=register + energy, reason="EVDisconnected", evse=evse, connector=1,
                )
            )  # fmt: skip
            self.status(station, evse, ConnectorStatus.AVAILABLE, hours=hours_ago - minutes / 60)
        return ChargingSession.objects.get(pk=started.session_id)

    def live(self, *, settle=False):
        """Sessions of the past days and of now, a fault, a dark station, incidents, maintenance, messages.

        `settle` lets the workers' work be done too: bills stand, incidents open by themselves. It takes its time.
        """
        for day in range(self.days):
            for station in self.stations:
                for evse in (1, 2):
                    hours = 24 * day + self.dice.uniform(7, 22)
                    fast = station.connectors.first().power_type == PowerType.DC
                    minutes = self.dice.randint(18, 45) if fast else self.dice.randint(60, 280)
                    self.charge(station, evse, hours, minutes, self.dice.choice((75, 120)) if fast else 11)
        for number in (0, 1, 4, 5, 6, 9):
            hours = self.dice.uniform(0.3, 1.2)
            self.charge(
                self.stations[number], 1, hours, int(hours * 60), 110 if number in (1, 5, 9) else 11, ends=False
            )
        self.running = ChargingSession.objects.filter(ended_at=None).first()
        self.trouble(by_hand=not settle)
        self.talk(self.stations[0])
        while settle and delivery.deliver_due():
            pass
        return self

    def trouble(self, *, by_hand):
        broken, dark, planned = self.stations[2], self.stations[7], self.stations[10]
        self.status(broken, 2, ConnectorStatus.FAULTED, hours=0.7, error="GroundFailure")
        if by_hand:
            alerts.open_incident(
                kind=IncidentKind.CONNECTOR_FAULTED, key="c:1", title=f"{broken} · 2 is faulted: GroundFailure",
                organization_id=self.organization.pk, station_ids=[broken.pk], site_id=broken.site_id,
                detail={"error_code": "GroundFailure"},
            )  # fmt: skip
        stations.disconnected(connection_id=Station.objects.get(pk=dark.pk).connection_id, reason="ping unanswered")
        alerts.open_incident(
            kind=IncidentKind.STATION_OFFLINE, key="s:1", title=f"{dark} is offline",
            organization_id=self.organization.pk, station_ids=[dark.pk], site_id=dark.site_id,
        )  # fmt: skip
        stations.plan_maintenance(
            access=self.owner, title="New contactors", station=planned, starts_at=self.now + timedelta(hours=5),
            ends_at=self.now + timedelta(hours=7), note="Back before the rush hour",
        )  # fmt: skip
        stations.refuse_handshake(
            identity=dark.identity, reason=RefusalReason.WRONG_PASSWORD, detail="", offered="ocpp1.6",
            address="10.0.3.9",
        )  # fmt: skip

    def talk(self, station):
        """A log, a configuration and two commands with their answers."""
        transaction = ChargingSession.objects.filter(station=station).first().transaction_id
        for n in reversed(range(60)):
            payload = {"transactionId": transaction, "seqNo": n, "meterValue": [{"sampledValue": [{"value": "1.10"}]}]}
            OcppMessage.objects.create(
                station=station, direction="in", action="TransactionEvent" if n % 4 else "Heartbeat",
                message_id=f"m{n}", request=json.dumps(payload) if n % 4 else "{}", answer="{}", outcome="result",
                at=self.now - timedelta(seconds=70 * n), duration_us=900 + n,
            )  # fmt: skip
        OcppMessage.objects.create(
            station=station, direction="out", action="UnlockConnector", message_id="u1", outcome="error",
            request='{"connectorId":1}', error_code="InternalError", at=self.now, duration_us=64_000,
        )  # fmt: skip
        stations.variables_reported(
            station_id=station.pk,
            reports=[
                VariableReport("", "HeartbeatInterval", "300", mutability="ReadWrite"),
                VariableReport("", "NumberOfConnectors", "2", mutability="ReadOnly"),
                VariableReport("", "ConnectionTimeOut", "60", mutability="ReadWrite"),
            ],
        )
        from stations import commands

        for command, answer in (
            (commands.Reset(), Answer(True, "Accepted", {"status": "Accepted"})),
            (commands.Unlock(1), Answer(False, "UnlockFailed", {"status": "UnlockFailed"})),
        ):
            row = stations.send(station=station, command=command, origin="Mila", user=self.owner.user)
            stations.command_sent(command_id=row.pk)
            stations.command_answered(command_id=row.pk, answer=answer)
