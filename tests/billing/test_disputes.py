"""Disputes: followed in any order, marked, answered with evidence once; the journal says where the money is."""

import csv
import io
import json
import random
import zipfile

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from billing import evidence
from billing import services as billing
from billing.gateways import gateway
from billing.gateways.stripe import StripeGateway
from billing.models import Dispute, WebhookEvent
from billing.services import disputes, ledger
from billing.vocabulary import DisputeState, LedgerAccount
from evcms.core import clock
from evcms.core.access import Role
from sessions.models import MeterSample
from stations.models import OcppMessage
from tests.billing.conftest import later
from tests.billing.test_crashes import Killed, killed_at
from tests.billing.test_refunds import settled
from tests.billing.test_webhooks import post
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["settled"]


@pytest.fixture
def opened(provider, settled):
    found = provider.control("disputes", charge=settled.charge_id)
    disputes.follow_dispute(claim=gateway().dispute(found["id"]))
    return Dispute.objects.get()


def held(dispute):
    names = (LedgerAccount.DISPUTED, LedgerAccount.WRITTEN_OFF)
    return tuple(ledger.balance(name, organization_id=dispute.organization_id) for name in names)


def follow(dispute):
    disputes.follow_dispute(claim=gateway().dispute(dispute.provider_id))
    dispute.refresh_from_db()


def test_a_dispute_marks_the_payment_and_moves_the_money_in_the_journal(provider, settled, opened, facts):
    settled.refresh_from_db()
    assert (opened.state, opened.amount_minor, settled.disputed_minor) == (DisputeState.NEEDS_RESPONSE, 1090, 1090)
    assert opened.respond_by > clock.now()
    assert held(opened) == (1090, 0)
    assert facts("DisputeOpened") == [{"dispute_id": opened.pk}]
    assert settled.events.filter(kind="disputed").count() == 1


@pytest.mark.parametrize(("verdict", "disputed", "books"), [("won", 0, (0, 0)), ("lost", 1090, (0, 1090))])
def test_the_banks_word_moves_the_journal(provider, settled, opened, verdict, disputed, books):
    clearing = ledger.balance(LedgerAccount.CARD_CLEARING, organization_id=opened.organization_id)
    assert clearing == 0
    provider.control(f"disputes/{opened.provider_id}/close", status=verdict)
    follow(opened)
    follow(opened)
    settled.refresh_from_db()
    assert (opened.state, settled.disputed_minor, held(opened)) == (verdict, disputed, books)
    assert settled.events.filter(kind=f"dispute_{verdict}").count() == 1


@pytest.mark.parametrize("seed", range(4))
def test_dispute_webhooks_in_any_order_and_number_end_in_the_same_rows(provider, settled, client, seed):
    found = provider.control("disputes", charge=settled.charge_id)
    provider.control(f"disputes/{found['id']}/close", status="lost")
    told = [event.to_dict() for event in provider.events() if found["id"] in json.dumps(event.to_dict())]
    assert len(told) >= 3
    shuffled = told * 2
    random.Random(seed).shuffle(shuffled)
    for event in shuffled:
        assert post(client, event).status_code == 200
        if random.Random(seed).random() < 0.5:
            billing.apply_webhooks()
    billing.apply_webhooks()
    row = Dispute.objects.get()
    settled.refresh_from_db()
    assert (row.state, settled.disputed_minor, held(row)) == (DisputeState.LOST, 1090, (0, 1090))
    assert not WebhookEvent.objects.filter(applied_at=None).exists()


def test_a_fetch_that_was_overtaken_does_not_open_it_again(provider, settled, opened):
    stale = gateway().dispute(opened.provider_id)
    provider.control(f"disputes/{opened.provider_id}/close", status="lost")
    follow(opened)
    disputes.follow_dispute(claim=stale)
    opened.refresh_from_db()
    assert (opened.state, held(opened)) == (DisputeState.LOST, (0, 1090))


def test_evidence_goes_out_once_and_the_bank_decides(provider, settled, opened, owner):
    billing.send_evidence(dispute=opened, access=owner)
    with pytest.raises(ValidationError, match="on its way"):
        billing.send_evidence(dispute=opened, access=owner)
    billing.answer_due()
    opened.refresh_from_db()
    assert (opened.state, opened.evidence_asked_by) == (DisputeState.UNDER_REVIEW, owner.user)
    assert opened.evidence_sent_at
    said = provider.api.disputes.retrieve(opened.provider_id)
    assert said.evidence_details.submission_count == 1
    assert "20.00 kWh" in said.evidence.uncategorized_text
    assert "up to 30.00 € is held on the card" in said.evidence.refund_policy_disclosure
    pack = provider.api.files.retrieve(said.evidence.service_documentation)
    assert (pack.purpose, pack.type) == ("dispute_evidence", "pdf")
    assert pack.size > 10_000
    assert provider.api.files.retrieve(said.evidence.receipt).size > 1_000
    with pytest.raises(ValidationError, match="no more evidence"):
        billing.send_evidence(dispute=opened, access=owner)


def answered(provider, opened):
    for _ in range(6):
        later(minutes=2)
        billing.sweep()
    opened.refresh_from_db()
    return opened.state, provider.api.disputes.retrieve(opened.provider_id).evidence_details.submission_count


DEATHS = [
    (StripeGateway, "upload_evidence", False),
    (StripeGateway, "upload_evidence", True),
    (StripeGateway, "send_evidence", False),
    (StripeGateway, "send_evidence", True),
    (disputes, "follow_dispute", False),
    (disputes, "_take_over", True),
]


@pytest.mark.parametrize(("module", "name", "after"), DEATHS)
def test_a_worker_that_dies_while_answering_submits_once(
    provider, settled, opened, owner, monkeypatch, module, name, after
):
    billing.send_evidence(dispute=opened, access=owner)
    killed_at(monkeypatch, module, name, after)
    with pytest.raises(Killed):
        billing.answer_due()
    assert answered(provider, opened) == (DisputeState.UNDER_REVIEW, 1)


@pytest.mark.parametrize("fault", ["drop_response_after_effect", "drop_before_effect"])
def test_a_submission_whose_answer_is_lost_is_read_back(provider, settled, opened, owner, fault):
    billing.send_evidence(dispute=opened, access=owner)
    provider.fault(**{fault: 1, "match": "POST /v1/disputes"})
    billing.answer_due()
    assert answered(provider, opened) == (DisputeState.UNDER_REVIEW, 1)


def test_after_the_banks_deadline_nothing_is_sent(provider, settled, opened, owner):
    later(days=9)
    with pytest.raises(ValidationError, match="deadline"):
        billing.send_evidence(dispute=opened, access=owner)


def test_only_finance_and_owners_answer(provider, settled, opened, organization, rival):
    for access in (make_access(organization, Role.OPERATOR), make_access(rival, Role.OWNER)):
        with pytest.raises(PermissionDenied):
            billing.send_evidence(dispute=opened, access=access)


SIGNED = {"signedMeterData": "T0NNRnx7IkZWIjoiMS4wIn0=", "signingMethod": "ECDSA", "encodingMethod": "OCMF"}


def test_the_pack_has_messages_samples_price_receipt_and_time_line(provider, settled, opened):
    session = settled.session
    MeterSample.objects.create(
        session=session, station=session.station, at=session.started_at, received_at=session.started_at,
        energy_mwh=5_000_000_000, extra={"signed": [SIGNED]},
    )  # fmt: skip
    for text in (session.transaction_id, f"{session.transaction_id}0"):
        OcppMessage.objects.create(
            station=session.station, direction="in", action="TransactionEvent", outcome="result",
            request=f'{{"transactionInfo":{{"transactionId":"{text}"}}}}', answer="{}", at=session.started_at,
        )  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(evidence.pack(opened))) as files:
        read = {name: files.read(name) for name in files.namelist()}
    assert set(read) == {
        "README.txt", "evidence.pdf", "receipt.pdf", "session.json", "price.json", "messages.jsonl", "samples.csv",
        "timeline.csv",
    }  # fmt: skip
    messages = [json.loads(line) for line in read["messages.jsonl"].splitlines()]
    assert [session.transaction_id in each["request"] for each in messages] == [True]
    samples = list(csv.DictReader(io.StringIO(read["samples.csv"].decode())))
    assert json.loads(next(row["extra"] for row in samples if row["extra"]))["signed"] == [SIGNED]
    told = json.loads(read["session.json"])
    assert told["session"]["energy_mwh"] == 20_000_000
    assert told["payment"]["captured"] == 1090
    assert json.loads(read["price.json"])["lines"]
    assert b"captured" in read["timeline.csv"]
    assert read["evidence.pdf"].startswith(b"%PDF")
    assert read["receipt.pdf"].startswith(b"%PDF")


def test_the_same_rows_make_the_same_paper(provider, settled, opened):
    assert evidence.pdf(opened) == evidence.pdf(opened)
    assert evidence.pack(opened) == evidence.pack(opened)
