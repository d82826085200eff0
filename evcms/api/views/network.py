"""Tariffs, incidents, who is on call, and what people were told."""

from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from alerts import delivery_queries, services
from alerts import queries as alerts
from alerts.models import Incident, Notification, OnCallSchedule
from alerts.services import duty
from billing import ocpi
from billing.models import Tariff
from billing.queries import exchange
from evcms.api import filters
from evcms.api.scope import access_of
from evcms.api.serializers import (
    IncidentAction,
    IncidentSerializer,
    NotificationSerializer,
    OnCallSerializer,
    TariffSerializer,
)
from evcms.core import clock
from evcms.core.access import Access, Permission
from evcms.core.models import User

AHEAD: Final = timedelta(days=60)  # whose turn is next lies within


class TariffView(viewsets.ReadOnlyModelViewSet):
    serializer_class = TariffSerializer
    queryset = Tariff.objects.none()

    def get_queryset(self) -> QuerySet[Tariff]:
        rows = Tariff.objects.filter(organization=access_of(self.request).organization, archived_at=None)
        return rows.order_by("name", "id")

    @extend_schema(
        parameters=[OpenApiParameter("version", enum=ocpi.VERSIONS, default=ocpi.V230)],
        responses=OpenApiTypes.OBJECT,
    )
    @action(detail=True)
    def ocpi(self, request: Request, pk: str) -> HttpResponse:
        """The Tariff object as partners exchange it; numbers digit for digit."""
        version = request.query_params.get("version", ocpi.V230)
        if version not in ocpi.VERSIONS:
            raise ValidationError({"version": [_("One of: %(known)s.") % {"known": ", ".join(ocpi.VERSIONS)}]})
        made = exchange.as_ocpi(get_object_or_404(self.get_queryset(), pk=pk), version)
        return HttpResponse(ocpi.dumps(made.tariff), content_type="application/json")


class IncidentView(viewsets.ReadOnlyModelViewSet):
    serializer_class = IncidentSerializer
    filterset_class = filters.IncidentFilter
    queryset = Incident.objects.none()
    write_permission = Permission.INCIDENTS

    def get_queryset(self) -> QuerySet[Incident]:
        rows = alerts.incidents(access_of(self.request)).select_related("connector")
        return rows.prefetch_related("stations").order_by("-opened_at", "-id")

    @extend_schema(request=IncidentAction, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def act(self, request: Request, pk: str) -> Response:
        """Acknowledge, resolve, note, snooze or assign. 400 with a sentence when it cannot be done any more."""
        row = get_object_or_404(self.get_queryset(), pk=pk)
        wish = IncidentAction(data=request.data)
        wish.is_valid(raise_exception=True)
        try:
            _act(access_of(request), row, wish.validated_data)
        except DjangoValidationError as error:
            raise ValidationError({"do": error.messages}) from None
        return Response(IncidentSerializer(self.get_queryset().get(pk=row.pk)).data)


def _act(access: Access, row: Incident, wish: dict[str, Any]) -> None:
    """Any: validated JSON."""
    match wish["do"]:
        case "acknowledge":
            services.acknowledge(access=access, incident=row)
        case "resolve":
            services.resolve(access=access, incident=row, text=wish["text"])
        case "note":
            services.add_note(access=access, incident=row, text=wish["text"])
        case "snooze":
            services.snooze(access=access, incident=row, until=wish.get("until") or clock.now())
        case "assign":
            services.assign(access=access, incident=row, user=_member(access, wish["assignee"]))


def _member(access: Access, email: str | None) -> User | None:
    if not email:
        return None
    user = User.objects.filter(email__iexact=email, memberships__organization=access.organization).first()
    if user is None:
        raise DjangoValidationError(_("Only members of the organization can take an incident."))
    return user


class OnCallView(viewsets.ViewSet):
    """Who is on call now, rota by rota."""

    @extend_schema(responses=OnCallSerializer(many=True))
    def list(self, request: Request) -> Response:
        now = clock.now()
        rows = []
        for schedule in OnCallSchedule.objects.filter(organization=access_of(request).organization):
            watches = duty.who_is_on(schedule=schedule, since=now, until=now + AHEAD)
            current = watches[0] if watches and watches[0].start <= now else None
            later = watches[1:] if current else watches
            rows.append(
                {
                    "schedule": schedule.name,
                    "time_zone": schedule.time_zone,
                    "now": str(current.recipient) if current else None,
                    "until": current.end if current else None,
                    "next": str(later[0].recipient) if later else None,
                }
            )
        return Response(OnCallSerializer(rows, many=True).data)


class NotificationView(viewsets.ReadOnlyModelViewSet):
    serializer_class = NotificationSerializer
    filterset_class = filters.NotificationFilter
    queryset = Notification.objects.none()
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Notification]:
        return delivery_queries.notifications(access_of(self.request))
