"""Staff's pages: all rows seen, configuration edited through services, money and logs moved by named actions only."""

import json
import re
import uuid
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from alerts.models import (
    AlertSettings,
    Announcement,
    Asked,
    ConnectorHealth,
    DeliveryAttempt,
    EscalationLevel,
    EscalationPolicy,
    Following,
    Incident,
    KnownPrice,
    MessageTemplate,
    Notification,
    Offer,
    OnCallOverride,
    OnCallSchedule,
    OnCallTurn,
    Outage,
    ProblemReport,
    RecoveryStep,
    Rule,
    StationHealth,
)
from billing.models import (
    BillingSettings,
    BudgetGuard,
    CostShown,
    CustomerRun,
    JournalEntry,
    JournalLine,
    LateBill,
    LedgerDay,
    LedgerMark,
    PastLink,
    Payment,
    PayoutShare,
    ProofRun,
    ReceiptCounter,
    Refund,
    RevenueDay,
    RevenueMark,
    SitePricing,
    SiteRevenueDay,
    StatementCorrection,
    Tariff,
    TariffAssignment,
    WebhookEvent,
)
from evcms.core import clock
from evcms.core.models import AuditEntry, Delivery, Event, User
from evcms.templatetags.figures import at_zone
from sessions.models import (
    AcceptedTap,
    AttemptDay,
    Discrepancy,
    Driver,
    FreeByFit,
    FreeBySite,
    IdToken,
    LateHour,
    NetworkDay,
    QueueSign,
    RollupMark,
    SessionWatch,
    SiteDay,
    SiteDemand,
    SqueezeDay,
    UsageHour,
    Watermark,
)
from stations.models import (
    AvailabilityDay,
    AvailabilityDayMark,
    Command,
    Connection,
    DynamicQr,
    FirstView,
    Gateway,
    MaintenanceWindow,
    Site,
    SiteGrant,
    Station,
    StatusChange,
    TakenConnector,
)
from stations.tallies import Tally
from tests.security.world import fill, organization
from tests.stations.conftest import make_access
from tests.tariffs import flat

pytestmark = pytest.mark.django_db
OURS = ("core", "stations", "charging", "billing", "alerts")
MODELS = [model for label in OURS for model in apps.get_app_config(label).get_models()]
MODELS = [model for model in MODELS if not model.__name__.startswith("Historical")]
CONFIGURATION = {
    "Site", "Station", "Connector", "MaintenanceWindow", "SiteGrant", "IdToken", "Driver", "Tariff",
    "TariffAssignment", "MessageTemplate",
}  # fmt: skip
ACCOUNTS = {"User", "Organization", "Membership"}
READ_ONLY = [model for model in MODELS if model.__name__ not in CONFIGURATION | ACCOUNTS]
LABELS = [model._meta.label for model in MODELS]


def machinery(rows, number):
    """What no page of an operator makes: one row each."""
    event = Event.objects.create(name="SessionEnded", payload={"session_id": rows.session.pk})
    Delivery.objects.create(event=event, subscriber="billing.settle_session", state="dead", last_error="boom")
    WebhookEvent.objects.create(provider_id=f"evt_{number}", kind="charge.captured", object_id="pi_1", due_at=None)
    now = clock.now()
    gateway = Gateway.objects.create(id=uuid.uuid4(), host="gw", pid=number, lease_until=now)
    Connection.objects.create(station=rows.station, gateway=gateway, protocol="ocpp1.6", closed_at=now)
    StatusChange.objects.create(station=rows.station, connector=rows.connector, status="available", at=now)
    SessionWatch.objects.create(session=rows.session, reason="billing.budget", at_mwh=1)
    AcceptedTap.objects.create(station=rows.station, organization=rows.station.organization, token_value="1", at=now)
    Watermark.objects.get_or_create(name="attempts.plugs")
    UsageHour.objects.create(evse=rows.connector.evse, hour=now.replace(minute=0, second=0, microsecond=0))
    LateHour.objects.create(evse=rows.connector.evse, hour=now)
    SiteDay.objects.create(site=rows.site, day=now.date())
    fitted = {"since": now, "held_out": now, "until": now}
    FreeByFit.objects.update_or_create(organization=rows.site.organization, defaults=fitted)
    FreeBySite.objects.create(site=rows.site)
    SqueezeDay.objects.create(site=rows.site, day=now.date())
    AvailabilityDay.objects.create(site=rows.site, day=now.date(), **Tally()._asdict())
    AvailabilityDayMark.objects.create(site=rows.site, zone="Europe/Amsterdam", day=now.date())
    SiteDemand.objects.create(site=rows.site, weekly=1, low=1, high=1, since=now.date(), until=now.date())
    QueueSign.objects.create(connector=rows.connector, hour=now)
    NetworkDay.objects.create(organization=rows.site.organization, day=now.date(), zone=f"UTC+{number}")
    AttemptDay.objects.create(
        organization=rows.site.organization,
        day=now.date(),
        grouping="site",
        site=rows.site,
        attempts=1,
        counts=1,
        well=1,
    )
    RollupMark.objects.get_or_create(organization=rows.site.organization, day=now.date())
    revenue_days(rows.site.organization, now.date())
    LedgerMark.objects.get_or_create(organization=rows.site.organization)
    LedgerDay.objects.create(
        organization=rows.site.organization, day=now.date(), account="bank", kind=f"payout{number}", currency="EUR",
        debit_minor=1, credit_minor=0, lines=1,
    )  # fmt: skip
    CustomerRun.objects.create(
        organization=rows.site.organization, membership=rows.membership, asked="all///all", since=now.date(),
        until=now.date(), days=1, due_at=None,
    )  # fmt: skip
    PayoutShare.objects.create(payout=rows.payout, net_minor=1, fee_minor=0)
    ReceiptCounter.objects.create(organization=rows.site.organization, year=2000 + number, last=1)
    note = Notification.objects.filter(incident=rows.incident).first()
    DeliveryAttempt.objects.create(notification=note, outcome="refused", detail="refused")
    TakenConnector.objects.create(window=rows.window, connector=rows.connector)
    FirstView.objects.update_or_create(membership=rows.membership, defaults={"view": rows.view})
    DynamicQr.objects.create(station=rows.station, secret="MADECODES", validity=60, length=8)
    watch(rows, number)
    books(rows)


def revenue_days(organization, day):
    RevenueMark.objects.get_or_create(organization=organization)
    LateBill.objects.create(organization=organization, day=day)
    ProofRun.objects.create(organization=organization, since=day, until=day, due_at=None)
    for model in (RevenueDay, SiteRevenueDay):
        model.objects.create(organization=organization, day=day, source="card", currency="EUR", step=1)


def watch(rows, number):
    """Rules, duty, and what the drivers of one connector said and were told."""
    organization, now = rows.site.organization, clock.now()
    AlertSettings.objects.get_or_create(organization=organization)
    RecoveryStep.objects.create(incident=rows.incident, position=1, kind="unlock", station_id=rows.station.pk)
    ConnectorHealth.objects.create(connector=rows.connector)
    StationHealth.objects.create(
        station=rows.station, permille=970, up_permille=980, tried=9, failed=1, target_permille=980, short=True
    )
    Rule.objects.create(
        organization=organization, kind="boot_loop", station=rows.station, scope=f"station:{rows.station.pk}"
    )
    rota = OnCallSchedule.objects.create(
        organization=organization, name=f"Week {number}", time_zone="Europe/Amsterdam", starts_on=now.date()
    )
    OnCallTurn.objects.create(schedule=rota, position=1, recipient=rows.contact)
    OnCallOverride.objects.create(
        schedule=rota, recipient=rows.contact, starts_at=now, ends_at=now + timedelta(hours=number)
    )
    policy = EscalationPolicy.objects.create(organization=organization, name=f"Nights {number}")
    EscalationLevel.objects.create(policy=policy, position=1, schedule=rota)
    Offer.objects.create(subscription=rows.subscription, connector=rows.connector, free_since=now)
    Asked.objects.create(organization=organization, channel="email", address="a" * 32)
    Outage.objects.create(connector=rows.connector)
    Announcement.objects.create(window=rows.window, due_at=clock.now())
    KnownPrice.objects.create(connector=rows.connector)
    Following.objects.create(recipient=rows.recipient, session=rows.session)
    ProblemReport.objects.create(organization=organization, connector=rows.connector, problem="cable")
    MessageTemplate.objects.create(organization=organization, template=f"free{number}", language="en")


def books(rows):
    """What the money of one session leaves beside its bill and its payment."""
    organization = rows.site.organization
    entry = JournalEntry.objects.create(
        organization=organization, key=f"bill:{rows.bill.pk}", kind="bill_final", currency="EUR", bill=rows.bill
    )
    JournalLine.objects.create(entry=entry, account="receivable", amount_minor=900)
    JournalLine.objects.create(entry=entry, account="revenue", amount_minor=-900)
    BudgetGuard.objects.create(session=rows.session)
    CostShown.objects.create(session=rows.session, total_minor=900)
    SitePricing.objects.create(site=rows.site, energy_cost="0.11")
    BillingSettings.objects.get_or_create(organization=organization)
    PastLink.objects.create(token=f"PAST{rows.debt.pk:08}", debt=rows.debt)
    StatementCorrection.objects.create(
        organization=organization, account=rows.account, bill=rows.bill, statement=rows.statement, net_minor=-83,
        tax_minor=-17, total_minor=-100, taxes=[], reason="Half of it was lost",
    )  # fmt: skip


@pytest.fixture
def quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def network(quick):
    owner = make_access(organization("Mine"), email="owner@mine.example")
    rows = fill(owner, "OKAPI", 1).rows
    machinery(rows, 1)
    SiteGrant.objects.create(membership=rows.membership, site=rows.site)
    return rows


@pytest.fixture
def staff(quick):
    return browser(User.objects.create_user("staff@evcms.example", "pw", is_staff=True))


def browser(user):
    client = Client()
    client.force_login(user)
    return client


def page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def test_every_model_has_a_page_with_search_and_filters():
    for model in MODELS:
        shown = admin.site._registry.get(model)
        assert shown, f"{model._meta.label} is not in the admin"
        assert shown.search_fields, model
        assert shown.list_filter or model._meta.model_name == "incidententry", model


@pytest.mark.parametrize("superuser", [False, pytest.param(True, marks=pytest.mark.long)])
def test_staff_sees_every_list_finds_by_search_and_opens_every_row(network, quick, superuser):
    user = User.objects.create_user("boss@evcms.example", "pw", is_staff=True, is_superuser=superuser)
    client, wrong = browser(user), {}
    for model in MODELS:
        row = model._default_manager.order_by("pk").first()
        assert row is not None, f"no row of {model._meta.label} in this test"
        answers = [client.get(url).status_code for url in (page(model, "changelist"), page(model, "change", row.pk))]
        shown = admin.site._registry[model]
        found, _twice = shown.get_search_results(None, model._default_manager.all(), "1")
        list(found[:1])  # as the list does with ?q=: raises where a search field is none of the model's
        if answers != [200, 200]:
            wrong[model._meta.label] = answers
    assert wrong == {}
    assert client.get("/admin/").status_code == 200


def test_nobody_reads_what_makes_a_stations_codes(network, staff):
    row = DynamicQr.objects.get()
    for url in (page(DynamicQr, "changelist"), page(DynamicQr, "change", row.pk)):
        assert "MADECODES" not in staff.get(url).text


@pytest.mark.long
def test_lists_cost_few_queries_however_many_rows(network, staff, django_assert_max_num_queries):
    owner = make_access(organization("Many"), email="many@mine.example")
    for number in range(2, 32):
        machinery(fill(owner, f"ROW{number:02}", number).rows, number)
    for model in MODELS:
        with django_assert_max_num_queries(20):
            assert staff.get(page(model, "changelist")).status_code == 200


def test_who_is_no_staff_sees_nothing(network, quick):
    client = browser(User.objects.create_user("somebody@evcms.example", "pw"))
    for model in MODELS:
        assert client.get(page(model, "changelist")).status_code == 302


def test_money_logs_and_facts_cannot_be_added_edited_or_deleted(network, quick):
    client = browser(User.objects.create_superuser("boss@evcms.example", "pw"))
    for model in READ_ONLY:
        row = model._default_manager.order_by("pk").first()
        before = model._default_manager.filter(pk=row.pk).values().get()
        fields = dict.fromkeys(before, "1")
        assert client.get(page(model, "add")).status_code == 403, model
        assert client.post(page(model, "change", row.pk), fields).status_code == 403, model
        assert client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403, model
        assert model._default_manager.filter(pk=row.pk).values().get() == before


def test_nobody_deletes_configuration(network, quick):
    client = browser(User.objects.create_superuser("boss@evcms.example", "pw"))
    for model in MODELS:
        row = model._default_manager.order_by("pk").first()
        assert client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403, model


def test_staff_without_permissions_makes_nobody_a_superuser(network, staff):
    me = User.objects.get(email="staff@evcms.example")
    assert staff.post(page(User, "change", me.pk), {"email": me.email, "is_superuser": "on"}).status_code == 403
    assert not User.objects.filter(is_superuser=True).exists()


# Edits go through services -------------------------------------------------------------------------------------------


def edit(client, row, **changes):
    """Opens the row's form, changes fields, and saves as the browser would."""
    url = page(type(row), "change", row.pk)
    form = client.get(url).context["adminform"].form
    values = {name: form.initial.get(name) for name in form.fields}
    posted = {name: value for name, value in (values | changes).items() if value not in (None, False, "")}
    answer = client.post(url, split(posted))
    errors = answer.context["adminform"].form.errors if answer.status_code == 200 else ""
    assert answer.status_code == 302, errors
    return [str(each) for each in client.get("/admin/").context["messages"]]


def split(values):
    """Date and time are two inputs in the admin."""
    posted = {}
    for name, value in values.items():
        if hasattr(value, "hour"):
            posted |= {f"{name}_0": f"{value:%Y-%m-%d}", f"{name}_1": f"{value:%H:%M:%S}"}
        else:
            posted[name] = json.dumps(value) if isinstance(value, dict | list) else getattr(value, "pk", value)
    return posted


def add(client, model, **values):
    answer = client.post(page(model, "add"), split(values))
    errors = answer.context["adminform"].form.errors if answer.status_code == 200 else ""
    assert answer.status_code == 302, errors
    return [str(each) for each in client.get("/admin/").context["messages"]]


EDITS = [
    ("site", {"city": "Marenhaven"}, "site.edited"),
    ("station", {"name": "North gate"}, "station.edited"),
    ("connector", {"max_power_w": 50_000}, "station.connectors_set"),
    ("token", {"label": "Van 7"}, "token.edited"),
    ("driver", {"name": "Ada"}, "driver.edited"),
    ("tariff", {"hold": "55"}, "tariff.edited"),
]


@pytest.mark.parametrize(("name", "changes", "action"), EDITS)
def test_an_edit_goes_through_the_service_and_is_audited_as_staff(name, changes, action, network, staff):
    row = getattr(network, name)
    said = edit(staff, row, **changes)
    row.refresh_from_db()
    assert {field: getattr(row, field) for field in changes} == changes, said
    entry = AuditEntry.objects.filter(action=action).latest("pk")
    assert entry.actor == "staff@evcms.example (staff)"
    assert entry.organization == network.site.organization


def test_one_connector_is_changed_and_its_neighbours_stay(network, staff):
    before = network.station.connectors.exclude(pk=network.connector.pk).values().get()
    edit(staff, network.connector, plug="CHADEMO")
    assert network.station.connectors.get(pk=network.connector.pk).plug == "CHADEMO"
    assert network.station.connectors.exclude(pk=network.connector.pk).values().get() == before


def test_staff_adds_configuration(network, staff):
    org, later = network.site.organization, clock.now() + timedelta(days=2)
    add(staff, Site, organization=org, name="New", latitude=52, longitude=4, country="NL", time_zone="Europe/Amsterdam")
    site = Site.objects.get(name="New")
    add(staff, Station, organization=org, site=site, identity="NEW-1", security_profile=1)
    assert Station.objects.get(identity="NEW-1").approval == "accepted"
    add(staff, IdToken, organization=org, value="abcd", type="ISO14443", status="accepted")
    assert IdToken.objects.get(value="abcd").folded == "ABCD"
    add(staff, Driver, organization=org, name="Bo")
    add(staff, SiteGrant, membership=network.membership, site=site)
    assert SiteGrant.objects.filter(site=site).exists()
    add(staff, TariffAssignment, organization=org, tariff=network.tariff, site=site, valid_from=clock.now())
    assert TariffAssignment.objects.filter(site=site).exists()
    window = {"title": "Paint", "starts_at": later, "ends_at": later + timedelta(hours=1)}
    add(staff, MaintenanceWindow, organization=org, site=site, **window)
    assert MaintenanceWindow.objects.get(title="Paint").state == "planned"
    add(staff, Tariff, organization=org, name="Night", currency="EUR", hold="30",
        **flat(per_kwh="0.20"))  # fmt: skip
    made = AuditEntry.objects.filter(actor="staff@evcms.example (staff)").values_list("action", flat=True)
    assert {"site.created", "station.created", "token.created", "driver.created", "site.granted", "tariff.assigned",
            "maintenance.planned", "tariff.created"} <= set(made)  # fmt: skip


def test_the_words_of_a_message_are_chosen_by_its_name_and_language(network, staff):
    form = staff.get(page(MessageTemplate, "add")).context["adminform"].form
    assert ("free", "Free") in form.fields["template"].choices
    assert [code for code, _name in form.fields["language"].choices] == ["", "en", "de", "nl", "fr", "es"]
    add(staff, MessageTemplate, organization=network.site.organization, template="free", language="nl", short="Vrij")
    assert MessageTemplate.objects.get(template="free").short == "Vrij"


def test_the_list_of_messages_counts_every_try_and_names_the_zone(network, staff):
    row = Notification.objects.get()
    DeliveryAttempt.objects.create(notification=row, outcome="refused", detail="again")
    answer = staff.get(page(Notification, "changelist"))
    assert DeliveryAttempt.objects.filter(notification=row).count() == 2
    assert re.search(r"field-all_tries[^>]*>\s*(<[^>]*>\s*)*2\b", answer.text)
    assert at_zone(row.created_at) in answer.text


def test_what_a_service_refuses_is_said_and_nothing_is_written(network, staff):
    said = edit(staff, network.station, identity="OTHER-1")
    assert any("spoken under its identity" in text for text in said)
    network.station.refresh_from_db()
    assert network.station.identity == "OKAPI-ID-1"
    stranger = organization("Elsewhere")
    said = add(staff, MaintenanceWindow, organization=stranger, site=network.site, title="x",
               starts_at=clock.now(), ends_at=clock.now() + timedelta(hours=1))  # fmt: skip
    assert any("no such site" in text for text in said)
    assert not MaintenanceWindow.objects.filter(title="x").exists()


# Actions -------------------------------------------------------------------------------------------------------------


def do(client, row, action, **more):
    """Runs an action on one row; what it said."""
    data = {"action": action, "_selected_action": [row.pk], **more}
    answer = client.post(page(type(row), "changelist"), data, follow=True)
    assert answer.status_code == 200
    return " ".join(str(each) for each in answer.context["messages"])


@pytest.fixture
def paying(settings):
    settings.PAYMENTS_ON = True
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = "sk_test_of_the_tests_0123456789", "whsec_0123456789"


def test_a_refund_needs_a_reason_and_is_audited(network, staff, paying):
    before = Refund.objects.count()
    assert "Say why" in do(staff, network.payment, "refund")
    assert Refund.objects.count() == before
    do(staff, network.payment, "refund", reason="the cable was too short")
    refund = Refund.objects.latest("pk")
    left = 700  # of 900: another refund of 200 waits
    assert (refund.reason, refund.amount_minor, refund.state) == ("the cable was too short", left, "requested")
    entry = AuditEntry.objects.get(action="payment.refund")
    assert (entry.actor, entry.organization) == ("staff@evcms.example (staff)", network.site.organization)


def test_a_failed_capture_is_tried_again(network, staff):
    assert "nothing to try" in do(staff, network.payment, "retry")
    Payment.objects.update(state="failed", captured_minor=0)
    do(staff, network.payment, "retry")
    assert Payment.objects.get().state == "capturing"
    assert AuditEntry.objects.get(action="payment.retried").actor == "staff@evcms.example (staff)"


def test_staff_moves_what_is_stuck(network, staff):
    command = Command.objects.create(station=network.station, kind="Reset", origin="x", expires_at=clock.now())
    steps = [
        (Delivery.objects.get(state="dead"), "try_again", "delivery.revived"),
        (WebhookEvent.objects.get(), "apply_again", "webhook.applied_again"),
        (Notification.objects.get(), "send_again", "notification.retried"),
        (command, "expire", "command.given_up"),
        (Incident.objects.get(), "acknowledge", "incident.acknowledged"),
        (Incident.objects.get(), "resolve", "incident.resolved"),
        (Discrepancy.objects.get(), "resolve", "discrepancy.resolved"),
        (network.window, "cancel", "maintenance.cancelled"),
        (network.assignment, "end", "tariff.unassigned"),
        (network.tariff, "archive", "tariff.archived"),
        (network.driver, "erase", "driver.erased"),
        (network.token, "remove", "token.deleted"),
        (SiteGrant.objects.get(), "revoke", "site.revoked"),
        (network.station, "make_password", "station.password_set"),
        (network.waiting, "approve", "station.approved"),
        (network.station, "archive", "station.archived"),
    ]
    Notification.objects.update(state="failed")
    for row, action, audited in steps:
        said = do(staff, row, action)
        entry = AuditEntry.objects.filter(action=audited).latest("pk")
        assert entry.actor == "staff@evcms.example (staff)", (action, said)
    command.refresh_from_db()
    assert command.state == "offline"
    assert not Delivery.objects.filter(state="dead").exists()
    network.driver.refresh_from_db()
    assert (network.driver.name, network.driver.email) == ("", "")


def test_a_site_with_stations_is_not_archived_and_the_reason_is_said(network, staff):
    assert "still stand" in do(staff, network.site, "archive")
    assert Site.objects.get(pk=network.site.pk).archived_at is None


def test_each_figure_of_the_front_page_leads_to_the_rows_behind_it(network, staff):
    WebhookEvent.objects.update(applied_at=None)
    Payment.objects.update(state="failed")
    Notification.objects.update(state="failed")
    figures = staff.get("/admin/").context["figures"]
    assert len(figures) > 8
    for figure in figures:
        answer = staff.get(figure.url)
        assert answer.status_code == 200, (str(figure.label), answer.get("Location"))
        if figure.value.isdigit() and "gateway" not in str(figure.label).lower():
            assert len(answer.context["cl"].result_list) == int(figure.value), str(figure.label)
