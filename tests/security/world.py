"""Everything that one site can hold, each row marked with a word that must not turn up in front of strangers."""

from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from types import SimpleNamespace

from PIL import Image

from alerts import photos
from alerts.models import (
    Destination,
    EscalationLevel,
    EscalationPolicy,
    Incident,
    IncidentEntry,
    Notification,
    OnCallSchedule,
    OnCallTurn,
    PhoneCode,
    ProblemReport,
    Recipient,
    Rule,
    Subscription,
    Telling,
)
from billing import lookup
from billing.models import (
    Account,
    BalanceLine,
    Bill,
    CardReader,
    CardSetup,
    Collection,
    Debt,
    Dispute,
    Enrolment,
    FundingRule,
    Payment,
    PaymentEvent,
    PaymentMethod,
    Payout,
    Receipt,
    Refund,
    SimulationRun,
    Statement,
    Tariff,
    TariffAssignment,
    TerminalReport,
    Voucher,
)
from billing.receipts import statement
from billing.receipts.document import document
from evcms.core import clock
from evcms.core.access import Role
from evcms.core.models import AuditEntry, Organization
from evcms.core.services import create_token
from sessions.models import (
    Attempt,
    ChargingSession,
    Discrepancy,
    Driver,
    DriverGroup,
    IdToken,
    MeterSample,
    Reservation,
)
from stations import files, statement_content
from stations.models import (
    AvailabilityInterval,
    AvailabilityMark,
    AvailabilityProgress,
    AvailabilityStatement,
    AvailabilityTerms,
    BulkAction,
    BulkLine,
    Command,
    Evse,
    Exclusion,
    FirmwareFile,
    FirmwareUpdate,
    ImportChange,
    ImportFault,
    ImportRun,
    LogUpload,
    MaintenancePlan,
    MaintenanceWindow,
    Monitor,
    NotePhoto,
    OcppMessage,
    RefusedHandshake,
    SavedView,
    SecurityEvent,
    Site,
    StationEvent,
    StationNote,
    Tag,
    Variable,
)
from tests.stations.conftest import make_access, make_station
from tests.tariffs import flat

DAY = timedelta(days=1)


@dataclass
class Holdings:
    """One site's rows by name, as the doors' table calls them; `secrets` are texts that only its people may read."""

    mark: str
    rows: SimpleNamespace = field(default_factory=SimpleNamespace)
    secrets: list[str] = field(default_factory=list)

    def leaks(self, body):
        return [secret for secret in self.secrets if secret in body]


def organization(name):
    return Organization.objects.create(name=name, slug=name.lower(), support_email=f"help@{name.lower()}.example")


def fill(owner, mark, number):
    """A site named `mark` of the organization of `owner`, with a row of everything. Public names stay unmarked."""
    org, now, low = owner.organization, clock.now(), mark.lower()
    made = Holdings(mark)
    rows = made.rows
    rows.organization, rows.guide = org, SimpleNamespace(name="webhooks")
    rows.site = Site.objects.create(
        organization=org, name=f"{mark} Yard", latitude=52 + number / 10, longitude=4.3, public=False
    )
    rows.station = make_station(f"{mark}-ID-1", rows.site, name=f"{mark} Station", last_seen_at=now)
    rows.waiting = make_station(f"{mark}-ID-2", rows.site, approval="quarantined", name=f"{mark} Unknown")
    rows.connector = rows.station.connectors.select_related("evse").first()
    rows.driver = Driver.objects.create(organization=org, name=f"{mark} Driver", email=f"{low}@driver.example")
    rows.tariff = Tariff.objects.create(organization=org, name=f"{mark} Tariff", currency="EUR", **flat(per_kwh="0.41"))
    rows.assignment = TariffAssignment.objects.create(organization=org, tariff=rows.tariff, site=rows.site)
    rows.token = IdToken.objects.create(
        organization=org, value=f"{mark}CARD", folded=f"{mark}CARD", label=f"{mark} Label", driver=rows.driver
    )
    charging(made, org, now, number)
    many(made, owner, now)
    reported(made, org, now)
    noted(made)
    money(made, org, now, number)
    duty(made, owner, now, number)
    made.secrets = [
        mark, rows.session.public_id, rows.payment.public_id, rows.connector.code, f"{low}@", rows.receipt.public_id
    ]  # fmt: skip
    return made


def charging(made, org, now, number):
    rows, mark = made.rows, made.mark
    station, connector = rows.station, rows.connector
    rows.attempt = Attempt.objects.create(
        organization=org, station=station, connector=connector, kind="scan", state="started", token_value=f"{mark}TRY"
    )
    rows.session = ChargingSession.objects.create(
        organization=org, site=rows.site, station=station, evse=connector.evse, connector=connector,
        transaction_id=f"{mark}-TX", protocol="ocpp1.6", state="ended", attempt=rows.attempt, id_token=rows.token,
        token_value=f"{mark}CARD", driver=rows.driver, authorized=True, started_at=now - 2 * DAY,
        ended_at=now - DAY, meter_start_mwh=0, meter_last_mwh=9_000_000, energy_mwh=9_000_000,
    )  # fmt: skip
    MeterSample.objects.create(session=rows.session, station=station, at=now - DAY, received_at=now, energy_mwh=9)
    rows.reservation = Reservation.objects.create(
        organization=org, station=station, connector=connector, token_value=f"{mark}CARD", expires_at=now + DAY
    )
    rows.discrepancy = Discrepancy.objects.create(
        station=station, session=rows.session, kind="unknown_stop", detail={"said": mark}
    )
    rows.command = Command.objects.create(
        station=station, kind="Reset", state="accepted", origin=f"{mark} Person", expires_at=now, answer={"said": mark}
    )
    OcppMessage.objects.create(
        station=station, direction="in", action="DataTransfer", request=f'{{"data":"{mark}"}}', outcome="result", at=now
    )
    Variable.objects.create(station=station, variable=f"{mark}Key", value=mark, updated_at=now)
    RefusedHandshake.objects.create(
        identity=station.identity, station=station, organization=org, reason="wrong_password", detail=mark
    )
    rows.organization = org
    rows.plan = MaintenancePlan.objects.create(
        organization=org, site=station.site, title=f"{mark} Weekly", starts_on=now.date(), at=now.time(), minutes=60,
        time_zone="Europe/Amsterdam",
    )  # fmt: skip
    rows.window = MaintenanceWindow.objects.create(
        organization=org, station=station, title=f"{mark} Works", starts_at=now + DAY, ends_at=now + 2 * DAY
    )
    uptime(made, org, now)


def uptime(made, org, now):
    rows, mark = made.rows, made.mark
    rows.evse = rows.connector.evse
    Evse.objects.filter(pk=rows.evse.pk).update(heard_since=now - 2 * DAY)
    AvailabilityInterval.objects.create(
        evse=rows.evse, since=now - DAY, state="down", cause="faulted", outage_since=now - DAY
    )
    proof = files.store("proofs", [b"a letter"], most=100)
    rows.exclusion = Exclusion.objects.create(
        organization=org, evse=rows.evse, kind="utility", starts_at=now - DAY, ends_at=now, reason=f"{mark} Grid",
        path=proof.path, file_name=f"{mark}.pdf", size=proof.size,
    )  # fmt: skip
    AvailabilityTerms.objects.create(organization=org, site=rows.site)
    AvailabilityMark.objects.create(station=rows.station)
    AvailabilityProgress.objects.get_or_create(pk=1)
    since, until = now - 40 * DAY, now - 10 * DAY
    said = statement_content.content(org, rows.site, "nevi", since, until)
    rows.availability = AvailabilityStatement.objects.create(
        organization=org, site=rows.site, formula="nevi", month=since.date().replace(day=1), since=since, until=until,
        content=said, digest=mark,
    )  # fmt: skip


def many(made, owner, now):
    """What was done to many stations, and a view that somebody shares."""
    rows, mark = made.rows, made.mark
    rows.bulk = BulkAction.objects.create(
        organization=owner.organization, membership=owner.membership, actor=f"{mark} Person", kind="reset_soft",
        state="done", confirmed_at=now, finished_at=now,
    )  # fmt: skip
    BulkLine.objects.create(action=rows.bulk, station=rows.station, state="failed", detail=mark)
    rows.table = ImportRun.objects.create(
        organization=owner.organization, membership=owner.membership, actor=f"{mark} Person", name=f"{mark}.csv",
        state="wrong", rows=2, done=2, finished_at=now, due_at=None,
    )  # fmt: skip
    rows.station.tags.add(Tag.objects.create(organization=owner.organization, name=f"{mark} tag"))
    ImportChange.objects.create(run=rows.table, line=2, kind="site", name=f"{mark} site")
    ImportFault.objects.create(run=rows.table, line=2, column="site", text=f"{mark} is wrong")
    rows.view = SavedView.objects.create(
        organization=owner.organization, user=owner.user, name=f"kept by {mark.lower()}", query="status=offline",
        shared=True,
    )  # fmt: skip


def noted(made):
    """What people wrote about it, with a photo."""
    rows, mark = made.rows, made.mark
    picture = BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "JPEG")
    paths = [files.store("notes", [picture.getvalue()], most=10_000).path for _size in range(2)]
    rows.note = StationNote.objects.create(station=rows.station, text=f"{mark} leaks", author=f"{mark} Person")
    rows.photo = NotePhoto.objects.create(
        note=rows.note, caption=f"{mark} lid", path=paths[0], small_path=paths[1], width=8, height=8
    )


def reported(made, org, now):
    """What stations say of themselves."""
    rows, mark = made.rows, made.mark
    station, then = rows.station, {"at": now, "happened_at": now, "received_at": now}
    SecurityEvent.objects.create(station=station, type=f"{mark}Event", critical=True, tech_info=mark, **then)
    rows.firmware = FirmwareFile.objects.create(
        organization=org, name=f"{mark} Firmware", version=f"{mark}.1", url=f"https://{mark}.example/f", token=mark
    )
    rows.update = FirmwareUpdate.objects.create(station=station, file=rows.firmware, version=f"{mark}.1", info=mark)
    stored = files.store("logs", [b"a log"], most=100)
    rows.upload = LogUpload.objects.create(
        station=station, file_name=f"{mark}.log", info=mark, token_digest=mark, path=stored.path, size=stored.size
    )
    StationEvent.objects.create(
        station=station, event_id=1, component=f"{mark}Part", variable="Temperature", value="90", trigger="alerting",
        **then,
    )  # fmt: skip
    Monitor.objects.create(
        station=station, monitor_id=1, component=f"{mark}Part", variable="Temperature", type="upper", value="80",
        severity=3,
    )  # fmt: skip


def money(made, org, now, number):
    rows = made.rows
    snapshot = lookup.snapshot_of(rows.tariff)
    rows.bill = Bill.objects.create(
        session=rows.session, organization=org, snapshot=snapshot, state="paid", currency="EUR", total_minor=900
    )
    rows.payment = Payment.objects.create(
        organization=org, connector=rows.connector, attempt=rows.attempt, session=rows.session, snapshot=snapshot,
        state="captured", currency="EUR", hold_minor=5000, due_minor=900, captured_minor=900, driver=rows.driver,
        email=f"{made.mark.lower()}@driver.example", intent_id=f"pi_{made.mark}", card=f"{made.mark} •••• 1",
    )  # fmt: skip
    purses(made, org, now, number)
    cards(made, org, now)
    rows.reader = CardReader.objects.create(
        organization=org, label=f"{made.mark} Reader", provider_id=f"tmr_{made.mark}", site=rows.site
    )
    rows.simulation = SimulationRun.objects.create(
        organization=org, name=f"{made.mark} Draft", currency="EUR", since=now.date(), until=now.date()
    )
    rows.simulation.sites.set([rows.site])
    rows.report = TerminalReport.objects.create(
        station=rows.station, psp_ref=f"psp_{made.mark}", digest=made.mark, status="Settled", amount="9", said_at=now,
        outcome="unknown",
    )  # fmt: skip
    PaymentEvent.objects.create(payment=rows.payment, kind="captured", text=f"{made.mark} paid")
    Refund.objects.create(
        organization=org, payment=rows.payment, amount_minor=100, reason=f"{made.mark} asked", state="done", done_at=now
    )
    rows.waiting_refund = Refund.objects.create(
        organization=org, payment=rows.payment, amount_minor=200, reason=f"{made.mark} waits", state="waiting"
    )
    rows.dispute = Dispute.objects.create(
        organization=org, payment=rows.payment, provider_id=f"du_{made.mark}", currency="EUR", amount_minor=900,
        reason="fraudulent", opened_at=now, respond_by=now + DAY,
    )  # fmt: skip
    rows.payout = Payout.objects.create(
        provider_id=f"po_{made.mark}", currency="EUR", amount_minor=850, state="paid", created_at=now
    )
    BalanceLine.objects.create(
        provider_id=f"txn_{made.mark}", organization=org, payout=rows.payout, kind="charge", currency="EUR",
        amount_minor=900, fee_minor=50, net_minor=850, source_id=f"ch_{made.mark}", payment=rows.payment, at=now,
    )  # fmt: skip
    said = document(payment=rows.payment, bill=rows.bill, number=str(number), issued_at=now)
    rows.receipt = Receipt.objects.create(
        organization=org, year=2026, sequence=number, payment=rows.payment, bill=rows.bill, currency="EUR",
        net_minor=744, tax_minor=156, total_minor=900, document=said,
    )  # fmt: skip


def cards(made, org, now):
    rows, mark = made.rows, made.mark
    rows.method = PaymentMethod.objects.create(
        organization=org, driver=rows.driver, customer_id=f"cus_{mark}", method_id=f"pm_{mark}", card=f"{mark} •••• 2"
    )
    rows.setup = CardSetup.objects.create(organization=org, driver=rows.driver, customer_id=f"cus_{mark}")
    rows.enrolment = Enrolment.objects.create(organization=org, driver=rows.driver, label=f"{mark} Car")
    rows.debt = Debt.objects.create(
        organization=org, bill=rows.bill, driver=rows.driver, currency="EUR", amount_minor=300, reason=f"{mark} owes"
    )
    rows.collection = Collection.objects.create(
        organization=org, purpose="debt", debt=rows.debt, currency="EUR", amount_minor=300, state="paid",
        back_to=f"/debt/{rows.debt.public_id}",
    )  # fmt: skip


def purses(made, org, now, number):
    rows, mark = made.rows, made.mark
    rows.group = DriverGroup.objects.create(organization=org, name=f"{mark} Group")
    Driver.objects.filter(pk=rows.driver.pk).update(group=rows.group)
    rows.account = Account.objects.create(
        organization=org, kind="fleet", name=f"{mark} Fleet", legal_name=f"{mark} Fleet Ltd", currency="EUR"
    )
    rows.rule = FundingRule.objects.create(organization=org, driver=rows.driver, source="fleet", account=rows.account)
    rows.voucher = Voucher.objects.create(
        organization=org, code=f"{mark}CODE", label=f"{mark} gift", currency="EUR", value_minor=500, left_minor=500
    )
    rows.statement = Statement(
        organization=org, account=rows.account, starts_at=now, ends_at=now + DAY, year=2026, sequence=number,
        currency="EUR", net_minor=744, tax_minor=156, total_minor=900, due_on=now.date(), issued_at=now,
    )  # fmt: skip
    rows.statement.document = statement.document(statement=rows.statement, bills=[rows.bill])
    rows.statement.save()


def duty(made, owner, now, number):
    rows, mark, org = made.rows, made.mark, owner.organization
    rows.incident = Incident.objects.create(
        organization=org, kind="station_offline", key=f"station:{rows.station.pk}", title=f"{mark} is offline",
        site=rows.site, station=rows.station,
    )  # fmt: skip
    rows.incident.stations.set([rows.station])
    IncidentEntry.objects.create(incident=rows.incident, text=f"{mark} looked at it")
    rows.contact = Recipient.objects.create(organization=org, audience="operator", name=f"{mark.lower()}@duty.example")
    rows.system = Recipient.objects.create(organization=org, audience="system", name=f"{mark} System")
    Destination.objects.create(
        organization=org, recipient=rows.system, audience="system", channel="webhook",
        address=f"https://{mark.lower()}.example/hook", confirmed_at=now,
    )  # fmt: skip
    rows.rota = OnCallSchedule.objects.create(
        organization=org, name=f"{mark} Rota", time_zone="Europe/Amsterdam", starts_on=now.date() - 9 * DAY
    )
    OnCallTurn.objects.create(schedule=rows.rota, position=1, recipient=rows.contact)
    rows.chain = EscalationPolicy.objects.create(organization=org, name=f"{mark} Chain")
    EscalationLevel.objects.create(policy=rows.chain, position=1, schedule=rows.rota)
    rows.alert_rule = Rule.objects.create(
        organization=org, kind="station_offline", site=rows.site, scope=f"site:{rows.site.pk}", duration_s=600
    )
    rows.telling = Telling.objects.create(
        incident=rows.incident, recipient=rows.contact, kind="opened", step="opened:1.0.0"
    )
    rows.recipient = Recipient.objects.create(organization=org)
    rows.destination = Destination.objects.create(
        organization=org, recipient=rows.recipient, address=f"{mark.lower()}@driver.example"
    )
    picture = BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "JPEG")
    rows.problem_report = ProblemReport.objects.create(
        organization=org, connector=rows.connector, problem="cable", text=mark, incident=rows.incident,
        photo=photos.store(BytesIO(picture.getvalue()), 1),
    )  # fmt: skip
    rows.phone_code = PhoneCode.objects.create(organization=org, number="+3197010203040", language="en")
    rows.subscription = Subscription.objects.create(recipient=rows.recipient, connector=rows.connector, topic="free")
    rows.notification = Notification.objects.create(
        organization=org, key=mark, template="receipt", to=f"{mark.lower()}@driver.example", subject=mark, text=mark,
        incident=rows.incident,
    )  # fmt: skip
    member = make_access(org, Role.VIEWER, email=f"{mark.lower()}@member.example")
    rows.membership = member.membership
    rows.api_token, rows.secret = create_token(membership=member.membership, name=f"{mark} key", scopes=["view"])
    AuditEntry.objects.create(
        organization=org, actor=f"{mark} Person", action="station.edited", object_type="stations.Station",
        object_id=str(rows.station.pk), object_label=f"{mark} Station",
    )  # fmt: skip
