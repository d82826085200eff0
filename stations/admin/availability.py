"""The interval store, what excuses outages, and what was stated of it: read only."""

from django.contrib import admin

from evcms.core.admin_base import ReadOnlyAdmin
from stations.models import (
    AvailabilityDay,
    AvailabilityDayMark,
    AvailabilityInterval,
    AvailabilityMark,
    AvailabilityProgress,
    AvailabilityStatement,
    AvailabilityTerms,
    Exclusion,
)


@admin.register(AvailabilityInterval)
class AvailabilityIntervalAdmin(ReadOnlyAdmin):
    list_display = ("evse", "since", "until", "state", "cause", "excuses", "outage_s")
    list_filter = ("state", "cause")
    search_fields = ("evse__station__identity",)
    list_select_related = ("evse__station",)


@admin.register(Exclusion)
class ExclusionAdmin(ReadOnlyAdmin):
    list_display = ("reason", "kind", "organization", "site", "station", "starts_at", "ends_at", "voided_at")
    list_filter = ("kind", "organization")
    search_fields = ("reason", "station__identity", "site__name")
    list_select_related = ("organization", "site", "station")


@admin.register(AvailabilityTerms)
class AvailabilityTermsAdmin(ReadOnlyAdmin):
    list_display = ("organization", "site", "target_permille", "hours", "grace_minutes", "cap_minutes")
    list_filter = ("organization",)
    search_fields = ("organization__name", "site__name")
    list_select_related = ("organization", "site")


@admin.register(AvailabilityStatement)
class AvailabilityStatementAdmin(ReadOnlyAdmin):
    list_display = ("number", "organization", "site", "share", "made_at", "replaces", "stale")
    list_filter = ("formula", "organization")
    search_fields = ("site__name", "public_id")
    list_select_related = ("organization", "site", "replaces")


@admin.register(AvailabilityMark)
class AvailabilityMarkAdmin(ReadOnlyAdmin):
    list_display = ("station", "change_id", "link_id", "dirty_since", "due_at")
    list_filter = ("dirty_since",)
    search_fields = ("station__identity",)
    list_select_related = ("station",)


@admin.register(AvailabilityProgress)
class AvailabilityProgressAdmin(ReadOnlyAdmin):
    list_display = ("pk", "change_id")
    list_filter = ("change_id",)
    search_fields = ("=id",)


@admin.register(AvailabilityDay)
class AvailabilityDayAdmin(ReadOnlyAdmin):
    list_display = ("site", "day", "present_s", "outage_s", "excused_s", "contract_outage_s")
    list_filter = ("day",)
    search_fields = ("site__name",)
    list_select_related = ("site",)


@admin.register(AvailabilityDayMark)
class AvailabilityDayMarkAdmin(ReadOnlyAdmin):
    list_display = ("site", "zone", "day")
    list_filter = ("day",)
    search_fields = ("site__name",)
    list_select_related = ("site",)
