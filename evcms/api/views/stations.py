"""Sites, stations, EVSEs, connectors, and commands to stations."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from evcms.api import filters
from evcms.api.scope import access_of, scoped
from evcms.api.serializers import (
    CommandSerializer,
    CommandWish,
    ConnectorSerializer,
    EvseSerializer,
    SiteSerializer,
    StationSerializer,
    StationWish,
)
from evcms.core import audit
from evcms.core.access import Access, Permission
from stations import commands, operations, queries, services
from stations.models import Command, Connector, Evse, Site, Station
from stations.vocabulary import OPEN_COMMANDS, Approval

IDENTITY_IN_PATH = r"[^/]{1,48}"


class SiteView(viewsets.ReadOnlyModelViewSet):
    serializer_class = SiteSerializer
    queryset = Site.objects.none()

    def get_queryset(self) -> QuerySet[Site]:
        return queries.visible_sites(access_of(self.request)).filter(archived_at=None).order_by("name")


class ConnectorView(viewsets.ReadOnlyModelViewSet):
    serializer_class = ConnectorSerializer
    filterset_class = filters.ConnectorFilter
    lookup_field = "code"
    queryset = Connector.objects.none()

    def get_queryset(self) -> QuerySet[Connector]:
        return queries.connectors(access_of(self.request)).order_by("station__identity", "evse__number", "number")


class EvseView(mixins.ListModelMixin, viewsets.GenericViewSet):
    serializer_class = EvseSerializer
    queryset = Evse.objects.none()
    filterset_class = filters.EvseFilter

    def get_queryset(self) -> QuerySet[Evse]:
        access = access_of(self.request)
        rows = scoped(Evse.objects.all(), access, organization="station__organization", site="station__site")
        rows = rows.filter(station__archived_at=None).select_related("station")
        return rows.prefetch_related(standing(access)).order_by("station__identity", "number")


class StationView(viewsets.GenericViewSet, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    serializer_class = StationSerializer
    filterset_class = filters.StationFilter
    lookup_field = "identity"
    lookup_value_regex = IDENTITY_IN_PATH
    queryset = Station.objects.none()

    def get_queryset(self) -> QuerySet[Station]:
        access = access_of(self.request)
        return queries.stations(access).prefetch_related(standing(access), "tags").order_by("identity")

    @extend_schema(request=StationWish, responses={201: StationSerializer})
    def create(self, request: Request) -> Response:
        """Enters a station; it is accepted at once unless `approval` says otherwise."""
        wish = _valid(StationWish(data=request.data))
        access = access_of(request)
        with transaction.atomic():
            station = services.create_station(
                access=access,
                values=_values(access, wish),
                password=wish.get("password"),
                approval=Approval(wish.get("approval", Approval.ACCEPTED)),
            )
            _set_tags(access, station, wish)
            _set_connectors(access, station, wish)
        return Response(self._read(station.identity), status=status.HTTP_201_CREATED)

    @extend_schema(request=StationWish, responses=StationSerializer)
    def partial_update(self, request: Request, identity: str) -> Response:
        """Changes what is given."""
        wish = _valid(StationWish(data=request.data, partial=True))
        access, station = access_of(request), self.get_object()
        with transaction.atomic():
            values = _values(access, wish)
            if values:
                station = services.edit_station(access=access, station=station, values=values)
            if "password" in wish:
                services.set_password(access=access, station=station, password=wish["password"])
            _decide(access, station, wish)
            _set_tags(access, station, wish)
            _set_connectors(access, station, wish)
        return Response(self._read(station.identity))

    def _read(self, identity: str) -> Any:
        """Any: serialized JSON."""
        return self.get_serializer(self.get_queryset().get(identity=identity)).data

    @extend_schema(
        request=CommandWish,
        responses={200: CommandSerializer, 202: OpenApiResponse(CommandSerializer, "Not answered yet: poll it")},
    )
    @action(detail=True, methods=["post"], url_path="commands")
    def commands(self, request: Request, identity: str) -> Response:
        """Sends a command and waits up to `wait_seconds` for the station's answer.

        200 with a final state (accepted, rejected, callerror, timeout, offline, unsupported), else 202 and a command
        to poll.
        """
        access = access_of(request)
        access.demand(Permission.COMMAND)
        wish = _valid(CommandWish(data=request.data))
        row = send(access, self.get_object(), wish)
        row = services.wait_for_command(command_id=row.pk, seconds=wish["wait_seconds"])
        waiting = row.state in OPEN_COMMANDS
        headers = {"Location": reverse("api:command-detail", args=[row.pk])} if waiting else {}
        return Response(CommandSerializer(row).data, status=202 if waiting else 200, headers=headers)

    def get_permissions(self) -> list[Any]:
        """Any: DRF permissions. Commands need COMMAND, everything else that writes STATIONS."""
        self.write_permission = Permission.COMMAND if self.action == "commands" else Permission.STATIONS
        return list(super().get_permissions())


class CommandView(mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    serializer_class = CommandSerializer
    queryset = Command.objects.none()

    def get_queryset(self) -> QuerySet[Command]:
        rows = Command.objects.select_related("station")
        return scoped(rows, access_of(self.request), organization="station__organization", site="station__site")


def standing(access: Access) -> Prefetch:
    """A station's or EVSE's connectors with what is shown of them."""
    rows = queries.connectors(access).order_by("evse__number", "number")
    return Prefetch("connectors", queryset=rows, to_attr="standing")


def send(access: Access, station: Station, wish: dict[str, Any]) -> Command:
    """One of our operations, or any action of the station's version as asked. Any: validated JSON."""
    command = _command(wish)
    with transaction.atomic():
        audit.record(access, "command.sent", station, command=services.describe(command))
        return services.send(
            station=station,
            command=command,
            origin=access.actor,
            user=access.user,
            expires_in=max(60, wish["wait_seconds"]),
        )


def _command(wish: dict[str, Any]) -> commands.Command:
    """Any: validated JSON."""
    if "action" in wish:
        return commands.RawCall(action=wish["action"], payload=wish["params"])
    return operations.build(wish["operation"], wish["params"])


def _valid(serializer: BaseSerializer[Any]) -> dict[str, Any]:
    """Any: validated JSON."""
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def _values(access: Access, wish: dict[str, Any]) -> dict[str, Any]:
    """Any: JSON in, fields of Station out."""
    apart = ("site_id", "password", "approval", "tags", "connectors")
    values = {name: wish[name] for name in wish if name not in apart}
    if "site_id" in wish:
        values["site"] = _site(access, wish["site_id"])
    return values


def _site(access: Access, pk: int | None) -> Site | None:
    if pk is None:
        return None
    site = queries.visible_sites(access).filter(pk=pk, archived_at=None).first()
    if site is None:
        raise ValidationError({"site_id": [_("There is no such site.")]})
    return site


def _decide(access: Access, station: Station, wish: dict[str, Any]) -> None:
    """Any: JSON."""
    wanted = wish.get("approval")
    if wanted in (None, station.approval):
        return
    if wanted == Approval.QUARANTINED:
        raise ValidationError({"approval": [_("A station that was decided on does not go back to quarantine.")]})
    (services.approve if wanted == Approval.ACCEPTED else services.reject)(access=access, station=station)


def _set_connectors(access: Access, station: Station, wish: dict[str, Any]) -> None:
    """Any: JSON."""
    if "connectors" in wish:
        services.set_connectors(access=access, station=station, connectors=wish["connectors"])


def _set_tags(access: Access, station: Station, wish: dict[str, Any]) -> None:
    """Any: JSON."""
    if "tags" in wish:
        try:
            services.set_tags(access=access, station=station, names=wish["tags"])
        except ValidationError as error:
            raise ValidationError({"tags": error.messages}) from None


def station_or_404(access: Access, identity: str) -> Station:
    station = queries.stations(access).filter(identity=identity).first()
    if station is None:
        raise Http404
    return station
