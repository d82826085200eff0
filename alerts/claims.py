"""What finance must hear: a dispute with its deadline, a refund that waits for a second person. An incident each, ended
when it is decided.
"""

from django.utils.translation import gettext as _

from alerts import services
from alerts.services import opening
from alerts.vocabulary import IncidentKind
from billing import facts as billing
from billing.events import DisputeClosed, DisputeOpened, RefundDecided, RefundWaiting
from evcms.core.events import subscribe


@subscribe(DisputeOpened, "alerts.dispute_opened")
def dispute_opened(fact: DisputeOpened) -> None:
    claim = billing.dispute_facts(fact.dispute_id)
    opening.by_event(
        kind=IncidentKind.DISPUTE,
        key=f"dispute:{fact.dispute_id}",
        organization_id=claim.organization_id,
        site_id=claim.site_id,
        title=_("A cardholder disputes a payment: %(place)s") % {"place": claim.place},
        detail={"dispute": claim.public_id, "payment": claim.payment_id, "answer_until": claim.respond_by},
    )


@subscribe(DisputeClosed, "alerts.dispute_closed")
def dispute_closed(fact: DisputeClosed) -> None:
    services.resolve_key(key=f"dispute:{fact.dispute_id}", text=_("The bank has decided"))


@subscribe(RefundWaiting, "alerts.refund_waiting")
def refund_waiting(fact: RefundWaiting) -> None:
    claim = billing.refund_facts(fact.refund_id)
    opening.by_event(
        kind=IncidentKind.REFUND_WAITING,
        key=f"refund:{fact.refund_id}",
        organization_id=claim.organization_id,
        site_id=claim.site_id,
        title=_("A refund waits for a second person: %(place)s") % {"place": claim.place},
        detail={"refund": claim.public_id, "payment": claim.payment_id},
    )


@subscribe(RefundDecided, "alerts.refund_decided")
def refund_decided(fact: RefundDecided) -> None:
    services.resolve_key(key=f"refund:{fact.refund_id}", text=_("Somebody has decided"))
