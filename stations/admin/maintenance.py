"""Planned work that comes again, and what windows took out of service."""

from django.contrib import admin

from evcms.core.admin_base import ReadOnlyAdmin
from stations.models import MaintenancePlan, TakenConnector


@admin.register(MaintenancePlan)
class MaintenancePlanAdmin(ReadOnlyAdmin):
    list_display = ("title", "organization", "site", "station", "rhythm", "every", "starts_on", "at", "ended_at")
    list_filter = ("organization", "rhythm", "ended_at")
    search_fields = ("title", "site__name", "station__identity")
    list_select_related = ("organization", "site", "station")


@admin.register(TakenConnector)
class TakenConnectorAdmin(ReadOnlyAdmin):
    list_display = ("window", "connector", "state", "taken_at", "restored_at", "detail")
    list_filter = ("state",)
    search_fields = ("window__title", "connector__code", "connector__station__identity")
    list_select_related = ("window", "connector__station", "connector__evse")
