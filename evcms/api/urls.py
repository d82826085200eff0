"""Paths of this door: /api/v1/…, its description /api/schema/ and the page for people /api/docs/."""

from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from evcms.api.views import charging, network, reports, stations, talk, ways

router = SimpleRouter()
router.register("sites", stations.SiteView, "site")
router.register("stations", stations.StationView, "station")
router.register(f"stations/(?P<identity>{stations.IDENTITY_IN_PATH})/messages", talk.MessageView, "station-message")
router.register(f"stations/(?P<identity>{stations.IDENTITY_IN_PATH})/variables", talk.VariableView, "station-variable")
router.register("evses", stations.EvseView, "evse")
router.register("connectors", stations.ConnectorView, "connector")
router.register("commands", stations.CommandView, "command")
router.register("sessions", charging.SessionView, "session")
router.register("tokens", charging.TokenView, "token")
router.register("reservations", charging.ReservationView, "reservation")
router.register("tariffs", network.TariffView, "tariff")
router.register("security-events", reports.SecurityEventView, "security-event")
router.register("firmware-files", reports.FirmwareFileView, "firmware-file")
router.register("firmware-updates", reports.FirmwareUpdateView, "firmware-update")
router.register("logs", reports.LogView, "log")
router.register("station-events", reports.StationEventView, "station-event")
router.register("incidents", network.IncidentView, "incident")
router.register("on-call", network.OnCallView, "on-call")
router.register("notifications", network.NotificationView, "notification")

app_name = "api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", ways.IndexView.as_view(), name="start"),
    path("v1/", ways.IndexView.as_view(), name="index"),
    path("v1/", include(router.urls)),
    path("schema/", SpectacularAPIView.as_view(permission_classes=[], authentication_classes=[]), name="schema"),
    path(
        "docs/",
        SpectacularSwaggerSplitView.as_view(
            url_name="api:schema", permission_classes=[], authentication_classes=[], template_name="api/docs.html"
        ),
        name="docs",
    ),
    re_path(r"", ways.nowhere, name="nowhere"),  # the last: whatever else is asked under /api/
]
