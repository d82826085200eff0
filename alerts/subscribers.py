"""What alerts hears from below, and what it makes of it."""

import hashlib

from django.conf import settings
from django.utils.translation import gettext as _

from alerts import rules, services
from alerts.causes_of_stop import in_full
from alerts.events import IncidentAcknowledged, IncidentOpened, IncidentRaised, IncidentResolved
from alerts.models import Incident
from alerts.services import hooks, opening, recovery, telling
from alerts.services.notifications import enqueue, notify
from alerts.services.watching import station_key
from alerts.vocabulary import IncidentKind
from billing import facts as billing
from billing.events import BillNeedsReview, PaymentAuthorized, PaymentFailed, PaymentReleased, ReceiptIssued
from evcms.core.adapter import MailRequested
from evcms.core.events import subscribe
from sessions.facts import session_facts
from stations import places as stations
from stations.events import CommandAnswered, ConnectorStatusChanged, GatewayLost, StationConnected


@subscribe(StationConnected, "alerts.station_back")
def station_back(fact: StationConnected) -> None:
    services.resolve_key(key=station_key(fact.station_id), text=_("The station is online again"))


@subscribe(GatewayLost, "alerts.gateway_lost")
def gateway_lost(fact: GatewayLost) -> None:
    """One incident per organization, however many stations hang on the gateway."""
    for organization_id, station_ids in stations.by_organization(fact.station_ids).items():
        opening.by_event(
            kind=IncidentKind.GATEWAY_LOST,
            key=f"gateway_lost:{fact.gateway_id}:{organization_id}",
            organization_id=organization_id,
            station_ids=station_ids,
            detail={"gateway": fact.gateway_id, "at": fact.at},
            title=_("The charger gateway is gone: %(count)s stations without link") % {"count": len(station_ids)},
        )


def touches_order(fact: ConnectorStatusChanged) -> bool:
    return rules.touches_order(fact.status, fact.previous, fact.connector_id)


@subscribe(ConnectorStatusChanged, "alerts.connector_status", when=touches_order)
def connector_status(fact: ConnectorStatusChanged) -> None:
    place = stations.place(station_id=fact.station_id, connector_id=fact.connector_id)
    if place is None:
        return
    verdict = rules.judge_status(fact.status, fact.previous, live=fact.live, in_maintenance=place.in_maintenance)
    key = fault_key(fact.station_id, fact.connector_id)
    if verdict.resolves:
        services.resolve_key(key=key, text=_("Its status is %(status)s again") % {"status": fact.status})


def fault_key(station_id: int, connector_id: int | None) -> str:
    return f"fault:connector:{connector_id}" if connector_id else f"fault:station:{station_id}"


@subscribe(PaymentFailed, "alerts.payment_failed")
def payment_failed(fact: PaymentFailed) -> None:
    payment = billing.payment_facts(fact.payment_id)
    opening.by_event(
        kind=IncidentKind.PAYMENT_FAILED,
        key=f"payment:{fact.payment_id}",
        organization_id=payment.organization_id,
        title=_("A payment could not be completed (%(code)s)") % {"code": fact.code},
        detail={"payment": payment.public_id, "code": fact.code},
    )


@subscribe(BillNeedsReview, "alerts.bill_review")
def bill_review(fact: BillNeedsReview) -> None:
    bill = billing.bill_facts(fact.bill_id)
    opening.by_event(
        kind=IncidentKind.BILL_REVIEW,
        key=f"bill_review:{fact.bill_id}",
        organization_id=bill.organization_id,
        station_ids=[bill.station_id],
        site_id=bill.site_id,
        title=_("The price of a session at %(place)s waits for a person") % {"place": bill.place},
        detail={"session": bill.session_id, "reason": fact.reason},
    )


@subscribe(ReceiptIssued, "alerts.mail_receipt")
def mail_receipt(fact: ReceiptIssued) -> None:
    """The receipt by mail, when the driver left an address."""
    receipt = billing.receipt_facts(fact.receipt_id)
    if not receipt.email:
        return
    notify(
        key=f"receipt:{fact.receipt_id}",
        template="receipt",
        to=receipt.email,
        language=receipt.language,
        organization_id=receipt.organization_id,
        attachments=[f"receipt:{fact.receipt_id}"],
        context={
            "receipt": receipt,
            "page": f"{settings.PUBLIC_URL}/r/{receipt.public_id}",
            "broke_off": _broke_off(receipt),
        },
    )


def _broke_off(receipt: billing.ReceiptFacts) -> str:
    """What broke the charge off, in the receipt's language; a credit note speaks of money only."""
    found = None if receipt.credit else session_facts(receipt.session_id)
    return in_full(found, language=receipt.language) if found else ""


@subscribe(PaymentAuthorized, "alerts.mail_started")
def mail_started(fact: PaymentAuthorized) -> None:
    """The way back to the live page, for who closes it; not for a hold that was freed at once."""
    payment = billing.payment_facts(fact.payment_id)
    if not payment.email or not payment.held:
        return
    notify(
        key=f"started:{fact.payment_id}",
        template="started",
        to=payment.email,
        language=payment.language,
        organization_id=payment.organization_id,
        context={"payment": payment, "page": f"{settings.PUBLIC_URL}/s/{payment.public_id}"},
    )


@subscribe(PaymentReleased, "alerts.mail_release")
def mail_release(fact: PaymentReleased) -> None:
    """Nothing started or nothing was used: the driver hears that the amount is free again."""
    payment = billing.payment_facts(fact.payment_id)
    if not payment.email:
        return
    notify(
        key=f"released:{fact.payment_id}",
        template="released",
        to=payment.email,
        language=payment.language,
        organization_id=payment.organization_id,
        context={"payment": payment, "reason": fact.reason},
    )


@subscribe(MailRequested, "alerts.mail_account")
def mail_account(fact: MailRequested) -> None:
    """allauth's mails; no key of their own, each request is one mail."""
    stamp = hashlib.sha256("\0".join((fact.to, fact.subject, fact.text)).encode()).hexdigest()
    enqueue(
        key=f"account:{stamp}",
        template="account",
        to=fact.to,
        subject=fact.subject[:200],
        text=fact.text,
        html=fact.html,
    )


@subscribe(IncidentOpened, "alerts.tell_operators")
def tell_operators(fact: IncidentOpened) -> None:
    """The first step of its chain, when it is due: the task may come later, or never."""
    incident = Incident.objects.get(pk=fact.incident_id)
    if telling.take_step(incident_id=incident.pk, at=incident.escalate_at):
        telling.flush()


@subscribe(IncidentResolved, "alerts.tell_operators_resolved")
def tell_operators_resolved(fact: IncidentResolved) -> None:
    telling.tell_resolved(incident_id=fact.incident_id)
    telling.flush()


@subscribe(IncidentOpened, "alerts.hook_opened")
def hook_opened(fact: IncidentOpened) -> None:
    hooks.tell_systems(incident_id=fact.incident_id, event="incident.opened")


@subscribe(IncidentRaised, "alerts.hook_raised")
def hook_raised(fact: IncidentRaised) -> None:
    hooks.tell_systems(incident_id=fact.incident_id, event="incident.raised")


@subscribe(IncidentAcknowledged, "alerts.hook_acknowledged")
def hook_acknowledged(fact: IncidentAcknowledged) -> None:
    hooks.tell_systems(incident_id=fact.incident_id, event="incident.acknowledged")


@subscribe(IncidentResolved, "alerts.hook_resolved")
def hook_resolved(fact: IncidentResolved) -> None:
    hooks.tell_systems(incident_id=fact.incident_id, event="incident.resolved")


@subscribe(CommandAnswered, "alerts.recovery_answered")
def recovery_answered(fact: CommandAnswered) -> None:
    recovery.answered(command_id=fact.command_id)
