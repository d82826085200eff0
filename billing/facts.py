"""What those above may know of payments and receipts: plain values, no rows."""

from dataclasses import dataclass

from django.db.models import Q
from django.utils import translation

from evcms.core.figures import amount

from .models import Bill, Collection, Dispute, Payment, Receipt, Refund
from .receipts import email_of, pdf
from .vocabulary import OURS, PaymentState, Purpose, ReceiptKind


@dataclass(frozen=True)
class PaymentFacts:
    organization_id: int
    public_id: str
    email: str
    language: str
    place: str
    hold: str  # formatted in the driver's language, with currency
    held: bool  # now
    by_card: bool  # else set aside from a balance or voucher
    energy_mwh: int | None  # of its session; None when none began


@dataclass(frozen=True)
class ReceiptFacts:
    organization_id: int
    public_id: str
    number: str
    email: str
    language: str
    place: str
    total: str  # formatted in the driver's language, with currency
    energy_mwh: int
    seller: str
    credit: bool  # a credit note
    session_id: int


@dataclass(frozen=True)
class BillFacts:
    organization_id: int
    station_id: int
    site_id: int | None
    session_id: str  # public id
    place: str


@dataclass(frozen=True)
class ClaimFacts:
    """A dispute, or a refund that waits: what finance must hear."""

    organization_id: int
    public_id: str
    payment_id: str  # public id
    place: str  # the charging point, or what was paid and by whom
    site_id: int | None
    respond_by: str  # ISO moment; empty: no deadline


def dispute_facts(dispute_id: int) -> ClaimFacts:
    rows = Dispute.objects.select_related("payment__connector__station", "payment__connector__evse", "collection")
    dispute = rows.get(pk=dispute_id)
    by = dispute.respond_by.isoformat(timespec="minutes") if dispute.respond_by else ""
    return _claim(dispute.charge, dispute.public_id, by)


def refund_facts(refund_id: int) -> ClaimFacts:
    rows = Refund.objects.select_related("payment__connector__station", "payment__connector__evse", "collection")
    refund = rows.get(pk=refund_id)
    return _claim(refund.charge, refund.public_id, "")


def _claim(charge: Payment | Collection, public_id: str, respond_by: str) -> ClaimFacts:
    card = charge if isinstance(charge, Payment) else None
    return ClaimFacts(
        organization_id=charge.organization_id,
        public_id=public_id,
        payment_id=charge.public_id,
        place=_what(charge),
        site_id=card.connector.station.site_id if card else None,
        respond_by=respond_by,
    )


def _what(charge: Payment | Collection) -> str:
    """Without a name: incidents are read by more people than finance."""
    if isinstance(charge, Payment):
        return str(charge.connector)
    number = f" {charge.statement.number}" if charge.statement else ""
    return f"{Purpose(charge.purpose).label}{number}"


def bill_facts(bill_id: int) -> BillFacts:
    bill = Bill.objects.select_related("session__station").get(pk=bill_id)
    session = bill.session
    return BillFacts(
        organization_id=bill.organization_id,
        station_id=session.station_id,
        site_id=session.site_id,
        session_id=session.public_id,
        place=str(session.station),
    )


def payment_facts(payment_id: int) -> PaymentFacts:
    rows = Payment.objects.select_related("connector__station__site", "connector__evse", "session")
    payment = rows.get(pk=payment_id)
    with translation.override(payment.language):
        hold = amount(payment.hold_minor, payment.currency)
    return PaymentFacts(
        organization_id=payment.organization_id,
        public_id=payment.public_id,
        email=payment.email,
        language=payment.language,
        place=str(payment.connector),
        hold=hold,
        held=payment.state == PaymentState.AUTHORIZED,
        by_card=payment.kind not in OURS,
        energy_mwh=payment.session.energy_mwh if payment.session else None,
    )


def payment_of(session_id: int) -> tuple[int, str] | None:
    """(id, public id) of the payment of a session, also of one that its start has not been joined with yet."""
    linked = Q(session=session_id) | Q(attempt__session=session_id)
    return Payment.objects.filter(linked).values_list("pk", "public_id").first()


def session_of(payment_id: int) -> int | None:
    """The session that a payment pays, once one has begun."""
    row = Payment.objects.filter(pk=payment_id).values_list("session", "attempt__session").first()
    return row[0] or row[1] if row else None


def receipt_facts(receipt_id: int) -> ReceiptFacts:
    rows = Receipt.objects.select_related("payment", "bill__account", "bill__session__driver", "organization")
    receipt = rows.get(pk=receipt_id)
    assert receipt.bill is not None
    said = receipt.document
    return ReceiptFacts(
        organization_id=receipt.organization_id,
        public_id=receipt.public_id,
        number=receipt.number,
        email=email_of(receipt.payment, receipt.bill),
        language=said["language"],
        place=said["place"]["connector"],
        total=said["total_text"],
        energy_mwh=said["session"]["energy_mwh"],
        seller=said["seller"]["name"],
        credit=receipt.kind == ReceiptKind.CREDIT,
        session_id=receipt.bill.session_id,
    )


def receipt_pdf(receipt_id: int) -> tuple[str, bytes]:
    """(number, the document)."""
    receipt = Receipt.objects.get(pk=receipt_id)
    return receipt.number, pdf(receipt)
