"""Paths of this room. Lists and pages of sites and stations (`/sites/<id>/` …) belong to the operators' door."""

from django.urls import path

from .views import configure, exclusions, files, firmware, maintenance, quarantine, sites, tables

urlpatterns = [
    path("sites/new/", sites.create, name="site-create"),
    path("sites/<int:pk>/edit/", sites.edit, name="site-edit"),
    path("sites/<int:pk>/archive/", sites.archive, name="site-archive"),
    path("sites/<int:pk>/qr/", tables.site_sheet, name="site-qr-sheet"),
    path("setup/stations/new/", configure.create, name="station-create"),
    path("setup/stations/import/", tables.import_stations, name="station-import"),
    path("setup/stations/export/", tables.export, name="station-export"),
    path("stations/<str:identity>/edit/", configure.edit, name="station-edit"),
    path("stations/<str:identity>/connectors/", configure.connectors, name="station-connectors"),
    path("stations/<str:identity>/password/", configure.password, name="station-password"),
    path("stations/<str:identity>/archive/", configure.archive, name="station-archive"),
    path("stations/<str:identity>/qr/", tables.station_sheet, name="qr-sheet"),
    path("quarantine/", quarantine.quarantine, name="quarantine"),
    path("quarantine/<int:pk>/", quarantine.approve, name="quarantine-approve"),
    path("quarantine/<int:pk>/reject/", quarantine.reject, name="quarantine-reject"),
    path("maintenance/", maintenance.maintenance, name="maintenance"),
    path("maintenance/new/", maintenance.create, name="maintenance-create"),
    path("maintenance/<int:pk>/", maintenance.window, name="maintenance-window"),
    path("maintenance/<int:pk>/edit/", maintenance.change, name="maintenance-change"),
    path("maintenance/plans/<int:pk>/end/", maintenance.end_plan, name="maintenance-plan-end"),
    path("maintenance/<int:pk>/cancel/", maintenance.cancel, name="maintenance-cancel"),
    path("analytics/availability/exclusions/", exclusions.exclusions, name="exclusions"),
    path("analytics/availability/exclusions/new/", exclusions.create, name="exclusion-create"),
    path("analytics/availability/exclusions/<int:pk>/", exclusions.exclusion, name="exclusion"),
    path("analytics/availability/exclusions/<int:pk>/proof/", exclusions.proof, name="exclusion-proof"),
    path("analytics/availability/terms/", exclusions.all_terms, name="availability-terms"),
    path("analytics/availability/terms/all/", exclusions.terms, name="availability-terms-usual"),
    path("analytics/availability/terms/<int:pk>/", exclusions.terms, name="availability-terms-site"),
    path("analytics/availability/terms/<int:pk>/drop/", exclusions.drop_terms, name="availability-terms-drop"),
    path("in/<str:token>", files.bring, name="log-bring"),
    path("in/<str:token>/<str:name>", files.bring, name="log-bring-named"),
    path("firmware/<str:token>/<str:name>", files.firmware, name="firmware-fetch"),
    path("stations/<str:identity>/logs/<int:pk>/", files.log_file, name="station-log-file"),
    path("firmware-files/", firmware.firmware_files, name="firmware-files"),
    path("firmware-files/<int:pk>/archive/", firmware.archive, name="firmware-archive"),
]
