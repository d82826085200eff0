"""A driver takes his data with him, and closes his account: what goes, what stays, what stands in the way."""

import csv
import io
import json
import zipfile
from datetime import time as time_of_day
from datetime import timedelta
from time import time

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Q

from alerts.channels import TransportError
from alerts.channels.email import transport
from alerts.models import Notification, Recipient
from alerts.services import sending
from alerts.services.notifications import notify
from billing.models import Account, Bill, Debt, Payment, PaymentMethod, Receipt
from billing.services import accounts
from evcms.core import clock, delivery
from evcms.core.models import AuditEntry, Event, User
from sessions.models import Attempt, ChargingSession, Driver, IdToken
from sessions.services.drivers import erase_driver
from tests.alerts.test_reports import picture
from tests.billing.conftest import KWH, later, paid, work
from tests.public.test_account import comes_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def driver(client, connector, organization, site):
    row = comes_in(client)
    Driver.objects.filter(pk=row.pk).update(name="Dora Visser")
    IdToken.objects.create(organization=organization, value="04A1B2", folded="04A1B2", driver=row)
    PaymentMethod.objects.create(organization=organization, driver=row, method_id="pm_1", card="Visa 4242")
    begun = clock.now() - timedelta(hours=2)
    ChargingSession.objects.create(
        organization=organization, site=site, station=connector.station, connector=connector, evse=connector.evse,
        driver=row, transaction_id="1", protocol="ocpp1.6", state="ended", started_at=begun, energy_mwh=12_345_000,
        ended_at=begun + timedelta(hours=1),
    )  # fmt: skip
    return Driver.objects.get(pk=row.pk)


def test_the_archive_has_all_that_is_known_as_json_and_the_charges_as_csv(client, driver, site):
    answer = client.get("/account/data.zip")
    assert answer["Content-Type"] == "application/zip"
    assert "no-store" in answer["Cache-Control"]
    pack = zipfile.ZipFile(io.BytesIO(answer.content))
    said = json.loads(pack.read("account.json"))
    assert (said["name"], said["sign_in"]) == ("Dora Visser", "dora@example.org")
    assert said["tokens"][0]["value"] == "04A1B2"
    assert "4242" in said["cards"][0]["card"]
    row = next(csv.DictReader(io.StringIO(pack.read("charges.csv").decode())))
    assert (row["place"], row["energy_kwh"]) == (site.name, "12.345")


def packed(client, name):
    return json.loads(zipfile.ZipFile(io.BytesIO(client.get("/account/data.zip").content)).read(name))


def test_the_archive_has_what_he_reported_with_his_photo_and_how_he_wants_to_be_told(
    client, driver, connector, settings, tmp_path
):
    settings.MEDIA_ROOT = tmp_path
    photo = SimpleUploadedFile("cable.jpg", picture((20, 20)))
    client.post(f"/c/{connector.code}/report", {"problem": "cable", "text": "It is torn.", "photo": photo})
    (report,) = packed(client, "account.json")["problem_reports"]
    assert (report["text"], report["connector"]) == ("It is torn.", str(connector))
    assert report["reported_local"].endswith(("+01:00", "+02:00"))
    pack = zipfile.ZipFile(io.BytesIO(client.get("/account/data.zip").content))
    assert pack.read(report["photo"])
    recipient = Recipient.objects.get(driver=driver)
    Recipient.objects.filter(pk=recipient.pk).update(time_zone="Europe/Paris", quiet_from=time_of_day(22))
    said = packed(client, "account.json")["message_settings"]
    assert (said["time_zone"], said["quiet_from"]) == ("Europe/Paris", "22:00:00")


def test_the_archive_has_the_messages_that_were_sent_to_him_and_nobody_elses(client, driver, organization):
    notify(key="his", template="account_closed", context={"seller": "City"}, to="Dora@example.org",
           organization_id=organization.pk)  # fmt: skip
    notify(key="hers", template="account_closed", context={"seller": "City"}, to="eva@example.org",
           organization_id=organization.pk)  # fmt: skip
    told = packed(client, "messages.json")
    assert {row["to"].lower() for row in told} == {"dora@example.org"}
    assert "Your account is closed" in {row["subject"] for row in told}


def test_the_archive_has_payments_receipts_connector_names_and_local_times(
    client, driver, provider, connector, car, tariff, site
):
    payment = paid(provider, connector)
    Payment.objects.update(driver=driver)
    car.starts(payment.attempt)
    work()
    later(minutes=30)
    car.ends(10 * KWH)
    work()
    ChargingSession.objects.filter(payment=payment).update(driver=driver)
    (said,) = packed(client, "payments.json")
    assert (said["held"], said["taken"], said["currency"], said["for"]) == ("30.00", "6.00", "EUR", str(connector))
    (receipt,) = packed(client, "receipts.json")
    assert receipt["document"]["total"] == 600
    assert receipt["pdf"].endswith(f"/r/{Receipt.objects.get().public_id}.pdf")
    charge = packed(client, "account.json")["charges"][0]
    assert charge["connector"] == str(connector)
    assert charge["time_zone"] == site.time_zone
    assert charge["started_local"][:19] != charge["started_at"][:19]


def test_the_archive_has_the_balance_and_what_moved_it(client, driver, owner):
    account = accounts.own_balance(driver=driver)
    accounts.adjust(access=owner, account=account, amount_minor=2500, reason="paid in cash", key="1")
    accounts.adjust(access=owner, account=account, amount_minor=-100, reason="a mistake", key="2")
    pack = zipfile.ZipFile(io.BytesIO(client.get("/account/data.zip").content))
    (said,) = json.loads(pack.read("account.json"))["balances"]
    assert (said["balance"], said["currency"], said["reference"]) == ("24.00", "EUR", account.reference)
    assert [(row["amount"], row["text"]) for row in said["movements"]] == [
        ("-1.00", "a mistake"), ("25.00", "paid in cash"),
    ]  # fmt: skip


def test_a_stranger_gets_nothing(client, connector):
    assert client.get("/account/data.zip").status_code == 302
    assert client.post("/account/close", {"sure": "yes"}).status_code == 302
    assert not Driver.objects.exclude(erased_at=None).exists()


def test_closing_erases_the_person_and_keeps_the_charge(client, driver):
    assert "What stays" in client.get("/account/close").content.decode()
    assert client.post("/account/close", {"sure": "yes"})["Location"] == "/map"
    delivery.deliver_due()
    driver.refresh_from_db()
    assert (driver.name, driver.email, driver.user) == ("", "", None)
    assert not IdToken.objects.filter(value="04A1B2").exists()
    assert PaymentMethod.objects.get().state != "active"
    assert ChargingSession.objects.get().energy_mwh == 12_345_000
    user = User.objects.get()
    assert "dora" not in user.email
    assert not EmailAddress.objects.exists()
    assert not user.is_active
    assert not AuditEntry.objects.filter(detail__icontains="Dora").exists()
    assert not AuditEntry.objects.filter(Q(object_label__icontains="Dora") | Q(actor__icontains="dora")).exists()
    assert AuditEntry.objects.filter(action="driver.erased").exists()
    assert client.get("/account/").status_code == 302
    with time_machine.travel(time() + 2):  # links of one second are one mail
        again = comes_in(client)
    assert again.pk != driver.pk


def test_nobody_is_forgotten_whose_charge_may_still_start(client, driver, connector, organization):
    attempt = Attempt.objects.create(
        organization=organization, station=connector.station, connector=connector, kind="scan", driver=driver,
        expires_at=clock.now() + timedelta(minutes=2),
    )  # fmt: skip
    answer = client.post("/account/close", {"sure": "yes"})
    assert answer.status_code == 422
    assert "about to start" in answer.content.decode()
    Attempt.objects.filter(pk=attempt.pk).update(expires_at=clock.now())
    assert client.post("/account/close", {"sure": "yes"})["Location"] == "/map"


def test_messages_and_the_history_of_cards_forget_who_it_was(client, driver):
    client.post("/account/tokens/new", {"value": "04:ab:cd:12:34:56:78", "label": "Dora's ring", "kind": "card"})
    assert Notification.objects.filter(to="dora@example.org").exists(), "the link to sign in went there"
    client.post("/account/close", {"sure": "yes"})
    delivery.deliver_due()
    sending.send_due()
    said = Notification.objects.filter(Q(to__icontains="dora") | Q(text__icontains="dora"))
    assert not said.exists()
    assert set(Notification.objects.values_list("to", "state")) == {("", "expired"), ("", "sent")}
    assert not IdToken.history.filter(label__icontains="Dora").exists()
    assert not AuditEntry.objects.filter(Q(object_label__icontains="Dora") | Q(detail__icontains="04AB")).exists()


def test_a_last_mail_confirms_the_closing_and_its_address_goes_with_it(client, driver, organization, mailoutbox):
    Driver.objects.filter(pk=driver.pk).update(language="fr")
    type(organization).objects.filter(pk=organization.pk).update(support_email="help@example.org")
    client.post("/account/close", {"sure": "yes"})
    mailoutbox.clear()
    delivery.deliver_due()
    for _ in range(2):
        sending.send_due()
    (mail,) = mailoutbox
    assert mail.to == ["dora@example.org"]
    assert mail.subject == "Votre compte est fermé"
    assert "help@example.org" in mail.body
    row = Notification.objects.get(template="account_closed")
    assert (row.state, row.to, row.text, row.html) == ("sent", "", "", "")
    assert not Event.objects.filter(name="DriverErased", payload__icontains="dora").exists()


def test_the_last_mail_survives_a_worker_that_dies_and_comes_once(client, driver, mailoutbox, monkeypatch):
    client.post("/account/close", {"sure": "yes"})
    mailoutbox.clear()
    with monkeypatch.context() as patch:
        patch.setattr(delivery, "redact", lambda **_: 1 / 0)
        delivery.deliver_due()
    assert not Notification.objects.filter(template="account_closed").exists(), "undone with all the rest"
    clock.advance(timedelta(hours=2))
    delivery.deliver_due()
    delivery.deliver_due()
    sending.send_due()
    assert len(mailoutbox) == 1


def turned_down(message):
    raise TransportError("no such mailbox", permanent=True)


@pytest.mark.parametrize("end", ["too late", "refused for good"])
def test_a_last_mail_that_cannot_be_sent_leaves_no_address_behind(client, driver, end, monkeypatch):
    client.post("/account/close", {"sure": "yes"})
    delivery.deliver_due()
    if end == "too late":
        clock.advance(timedelta(days=4))
    else:
        monkeypatch.setattr(transport, "send", turned_down)
    sending.send_due()
    row = Notification.objects.get(template="account_closed")
    assert (row.state, row.to) == ({"too late": "expired"}.get(end, "failed"), "")


def test_whom_the_operator_erases_gets_no_mail_of_ours(client, driver, owner):
    erase_driver(access=owner, driver=driver)
    delivery.deliver_due()
    assert not Notification.objects.filter(template="account_closed").exists()
    assert not Event.objects.filter(name="DriverErased", payload__icontains="dora").exists()


def test_a_balance_below_zero_keeps_the_account_open(client, driver, organization):
    purse = Account.objects.create(
        organization=organization, kind="prepaid", driver=driver, currency="EUR", balance_minor=-100, name="Dora"
    )
    answer = client.post("/account/close", {"sure": "yes"})
    assert answer.status_code == 422
    assert "Your balance is below zero." in answer.content.decode()
    Account.objects.filter(pk=purse.pk).update(balance_minor=0)
    assert client.post("/account/close", {"sure": "yes"}).status_code == 302


@pytest.mark.parametrize("way", ["no box", "charging", "owes"])
def test_what_stands_in_the_way_is_said_and_nothing_happens(client, driver, organization, way):
    sure = {} if way == "no box" else {"sure": "yes"}
    if way == "charging":
        ChargingSession.objects.update(ended_at=None, state="charging")
    if way == "owes":
        bill = Bill.objects.create(organization=organization, session=ChargingSession.objects.get(), currency="EUR")
        Debt.objects.create(
            organization=organization, driver=driver, bill=bill, amount_minor=500, currency="EUR", reason="short"
        )
    answer = client.post("/account/close", sure)
    assert answer.status_code == 422
    words = {"no box": "Tick the box", "charging": "You are charging", "owes": "still open"}
    assert words[way] in answer.content.decode()
    driver.refresh_from_db()
    assert driver.erased_at is None


def test_an_offline_page_is_kept_by_the_worker_and_pages_bear_the_operators_name(client, connector, organization):
    assert "has no connection" in client.get("/offline").content.decode()
    worker = client.get("/sw.js").content.decode()
    assert "/offline" in worker
    for path in ("/offline", "/receipt", "/account/sign-in"):
        text = client.get(path).content.decode()
        assert organization.name in text
        assert "EVCMS" not in text
