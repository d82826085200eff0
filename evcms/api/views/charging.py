"""Sessions with their samples, tokens, reservations."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from evcms.api import filters
from evcms.api.scope import access_of, scoped
from evcms.api.serializers import (
    ReservationSerializer,
    ReservationWish,
    SampleSerializer,
    SessionSerializer,
    TokenSerializer,
)
from evcms.api.views.stations import station_or_404
from evcms.core.access import Permission
from sessions import services
from sessions.models import ChargingSession, IdToken, Reservation


class SessionView(viewsets.ReadOnlyModelViewSet):
    serializer_class = SessionSerializer
    filterset_class = filters.SessionFilter
    lookup_field = "public_id"
    queryset = ChargingSession.objects.none()

    def get_queryset(self) -> QuerySet[ChargingSession]:
        rows = ChargingSession.objects.select_related("station", "site", "evse", "connector")
        return scoped(rows, access_of(self.request)).order_by("-started_at", "-id")

    @extend_schema(responses=SampleSerializer(many=True))
    @action(detail=True, filterset_class=None)
    def samples(self, request: Request, public_id: str) -> Response:
        """The readings, oldest first, in pages."""
        rows = self.get_object().samples.order_by("at", "kind")
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(SampleSerializer(page, many=True).data)


class TokenView(viewsets.GenericViewSet, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    """Id tokens of the organization; any status, a past expiry too."""

    serializer_class = TokenSerializer
    filterset_class = filters.TokenFilter
    write_permission = Permission.TOKENS
    queryset = IdToken.objects.none()

    def get_queryset(self) -> QuerySet[IdToken]:
        rows = IdToken.objects.filter(organization=access_of(self.request).organization, guest=False)
        return rows.select_related("driver").order_by("id")

    def create(self, request: Request) -> Response:
        token = services.create_token(access=access_of(request), **self._wish(request, partial=False))
        return Response(self.get_serializer(token).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        token = self.get_object()
        token = services.edit_token(access=access_of(request), token=token, **self._wish(request, partial=True))
        return Response(self.get_serializer(token).data)

    def destroy(self, request: Request, pk: str) -> Response:
        services.delete_token(access=access_of(request), token=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _wish(self, request: Request, *, partial: bool) -> dict[str, Any]:
        """Any: validated JSON."""
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class ReservationView(viewsets.GenericViewSet, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    serializer_class = ReservationSerializer
    filterset_class = filters.ReservationFilter
    write_permission = Permission.COMMAND
    queryset = Reservation.objects.none()

    def get_queryset(self) -> QuerySet[Reservation]:
        rows = Reservation.objects.select_related("station", "connector__evse")
        return scoped(rows, access_of(self.request), site="station__site").order_by("-id")

    @extend_schema(request=ReservationWish, responses={201: ReservationSerializer})
    def create(self, request: Request) -> Response:
        """Asks the station to keep the EVSE (or any of its EVSEs) free for the token."""
        serializer = ReservationWish(data=request.data)
        serializer.is_valid(raise_exception=True)
        wish, access = serializer.validated_data, access_of(request)
        station = station_or_404(access, wish["station"])
        row = services.reserve(
            access=access,
            station=station,
            connector=station.connectors.filter(evse__number=wish.get("evse", 0)).select_related("evse").first(),
            token_value=wish["id_token"],
            group_id=wish["group_id"],
            expires_at=wish["expires_at"],
            origin=access.actor,
        )
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={202: ReservationSerializer})
    def destroy(self, request: Request, pk: str) -> Response:
        """Asks the station to let it go."""
        access, row = access_of(request), self.get_object()
        services.cancel_reservation(reservation=row, origin=access.actor, access=access)
        return Response(self.get_serializer(row).data, status=status.HTTP_202_ACCEPTED)
