"""The admin's front page: what needs a person, each figure a link to the rows behind it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from alerts.models import Incident, Notification
from alerts.vocabulary import IncidentState, NotificationState
from billing.models import Payment, WebhookEvent
from billing.vocabulary import PaymentState
from evcms.core import clock
from evcms.core.models import Delivery, DeliveryState
from stations.models import Gateway, RefusedHandshake, Station
from stations.vocabulary import Approval

SLOW = timedelta(minutes=1)


@dataclass(frozen=True)
class Figure:
    """`bad`: needs a person."""

    label: object  # a lazy translation
    value: str
    url: str
    bad: bool


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK. Any: template context."""
    context["figures"] = figures(clock.now())
    return context


def figures(now: datetime) -> list[Figure]:
    return [*_gateways(now), *_queues(now), *_money(), *_doors(now)]


def _link(model: str, query: str = "") -> str:
    return reverse(f"admin:{model}_changelist") + (f"?{query}" if query else "")


def _count(label: object, count: int, url: str, *, bad: bool = True) -> Figure:
    return Figure(label=label, value=f"{count:,}", url=url, bad=bad and count > 0)


def _age(label: object, oldest: datetime | None, now: datetime, url: str) -> Figure:
    age = now - oldest if oldest and oldest < now else timedelta(0)
    return Figure(label=label, value=f"{int(age.total_seconds())} s", url=url, bad=age > SLOW)


def _gateways(now: datetime) -> list[Figure]:
    alive = Gateway.objects.filter(lease_until__gt=now, ended_at=None).count()
    return [Figure(label=_("Charger gateways alive"), value=str(alive), url=_link("stations_gateway"), bad=alive == 0)]


def _queues(now: datetime) -> list[Figure]:
    waiting = Delivery.objects.filter(state=DeliveryState.WAITING).order_by("due_at").first()
    mail = Notification.objects.filter(state=NotificationState.QUEUED).order_by("due_at").first()
    dead = Delivery.objects.filter(state=DeliveryState.DEAD).count()
    failed = Notification.objects.filter(state=NotificationState.FAILED).count()
    deliveries, notifications = "core_delivery", "alerts_notification"
    return [
        _count(_("Dead deliveries"), dead, _link(deliveries, "state__exact=dead")),
        _age(
            _("Oldest waiting delivery"),
            waiting.due_at if waiting else None,
            now,
            _link(deliveries, "state__exact=waiting"),
        ),
        _age(_("Oldest unsent mail"), mail.due_at if mail else None, now, _link(notifications, "state__exact=queued")),
        _count(_("Failed mails"), failed, _link(notifications, "state__exact=failed")),
    ]


def _money() -> list[Figure]:
    failed = Payment.objects.filter(state=PaymentState.FAILED).count()
    pending = Payment.objects.filter(state__in=[PaymentState.CAPTURING, PaymentState.RELEASING]).count()
    webhooks = WebhookEvent.objects.filter(applied_at=None).count()
    return [
        _count(_("Failed payments"), failed, _link("billing_payment", "state__exact=failed")),
        _count(
            _("Payments being settled"), pending, _link("billing_payment", "state__in=capturing,releasing"), bad=False
        ),
        _count(_("Webhooks not applied"), webhooks, _link("billing_webhookevent", "applied_at__isnull=True")),
    ]


def _doors(now: datetime) -> list[Figure]:
    quarantined = Station.objects.filter(approval=Approval.QUARANTINED, archived_at=None).count()
    yesterday = now - timedelta(days=1)
    refused = RefusedHandshake.objects.filter(last_at__gt=yesterday).count()
    incidents = Incident.objects.exclude(state=IncidentState.RESOLVED).count()
    return [
        _count(
            _("Stations in quarantine"),
            quarantined,
            _link("stations_station", "approval__exact=quarantined&archived_at__isnull=True"),
        ),
        _count(
            _("Refused handshakes today"),
            refused,
            _link("stations_refusedhandshake", urlencode({"last_at__gt": yesterday.isoformat()})),
            bad=False,
        ),
        _count(_("Open incidents"), incidents, _link("alerts_incident", "state__in=open,acknowledged")),
    ]
