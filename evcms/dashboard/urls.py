"""Paths of this door."""

from django.urls import URLPattern, URLResolver, path

from evcms.dashboard.views import commands, organization, overview, reports, search, sessions, sites, station, stations

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview.overview, name="overview"),
    path("overview/points.geojson", overview.points, name="overview-points"),
    path("search", search.search, name="search"),
    path("stations/", stations.stations, name="stations"),
    path("stations/<str:identity>/", station.station, name="station"),
    path("stations/<str:identity>/messages/", station.messages, name="station-messages"),
    path("stations/<str:identity>/commands/", commands.station_commands, name="station-commands"),
    path("stations/<str:identity>/commands/send/", commands.send, name="station-send"),
    path("stations/<str:identity>/commands/dynamic-qr/", commands.dynamic_qr, name="station-dynamic-qr"),
    path("stations/<str:identity>/commands/prices/", commands.show_tariffs, name="station-show-tariffs"),
    path("stations/<str:identity>/commands/unlock/", commands.unlock, name="station-unlock"),
    path("stations/<str:identity>/commands/<uuid:pk>/", commands.command, name="station-command"),
    path("stations/<str:identity>/variables/", station.variables, name="station-variables"),
    path("stations/<str:identity>/firmware/", reports.firmware, name="station-firmware"),
    path("stations/<str:identity>/security/", reports.security, name="station-security"),
    path("stations/<str:identity>/connections/", station.connections, name="station-connections"),
    path("stations/<str:identity>/incidents/", station.incidents, name="station-incidents"),
    path("stations/<str:identity>/audit/", station.audit, name="station-audit"),
    path("sites/", sites.sites, name="sites"),
    path("sites/<int:pk>/", sites.site, name="site"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/<str:public_id>/", sessions.session, name="session"),
    path("sessions/<str:public_id>/stop/", sessions.stop, name="session-stop"),
    path("attempts/", sessions.attempts, name="attempts"),
    path("organization/switch/", organization.switch, name="switch-organization"),
    path("settings/", organization.settings, name="settings"),
    path("settings/organization/", organization.organization, name="organization"),
    path("settings/members/", organization.members, name="members"),
    path("settings/members/<int:pk>/", organization.member, name="member"),
    path("settings/api-tokens/", organization.api_tokens, name="api-tokens"),
    path("settings/api-tokens/<int:pk>/revoke/", organization.api_token_revoke, name="api-token-revoke"),
    path("settings/audit/", organization.audit_log, name="audit"),
    path("settings/profile/", organization.profile, name="profile"),
]
