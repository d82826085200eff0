"""What was done to many stations, tables that were brought, and views that people keep of the list."""

from django.contrib import admin

from evcms.core.admin_base import ReadOnlyAdmin
from stations.models import BulkAction, BulkLine, FirstView, ImportChange, ImportFault, ImportRun, SavedView, Tag


@admin.register(BulkAction)
class BulkActionAdmin(ReadOnlyAdmin):
    list_display = ("kind", "organization", "actor", "state", "created_at", "confirmed_at", "finished_at")
    list_filter = ("organization", "kind", "state")
    search_fields = ("actor", "lines__station__identity")
    list_select_related = ("organization",)
    exclude = ("params",)  # a variable's value may be a secret


@admin.register(BulkLine)
class BulkLineAdmin(ReadOnlyAdmin):
    list_display = ("action", "station", "state", "detail", "at")
    list_filter = ("state", "action__kind")
    search_fields = ("station__identity", "detail")
    list_select_related = ("action", "station")


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyAdmin):
    list_display = ("name", "organization", "user", "shared", "query")
    list_filter = ("organization", "shared")
    search_fields = ("name", "user__email")
    list_select_related = ("organization", "user")


@admin.register(FirstView)
class FirstViewAdmin(ReadOnlyAdmin):
    list_display = ("membership", "view")
    list_filter = ("membership__organization",)
    search_fields = ("view__name", "membership__user__email")
    list_select_related = ("membership__user", "membership__organization", "view")


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    list_display = ("name", "organization", "actor", "state", "rows", "done", "created_at", "finished_at")
    list_filter = ("organization", "state")
    search_fields = ("name", "actor")
    list_select_related = ("organization",)
    exclude = ("content",)


@admin.register(ImportFault)
class ImportFaultAdmin(ReadOnlyAdmin):
    list_display = ("run", "line", "column", "text")
    list_filter = ("run__state",)
    search_fields = ("run__name", "text")
    list_select_related = ("run",)


@admin.register(ImportChange)
class ImportChangeAdmin(ReadOnlyAdmin):
    list_display = ("run", "line", "kind", "name", "column", "before", "after")
    list_filter = ("kind", "moves")
    search_fields = ("run__name", "name")
    list_select_related = ("run",)


@admin.register(Tag)
class TagAdmin(ReadOnlyAdmin):
    list_display = ("name", "organization")
    list_filter = ("organization",)
    search_fields = ("name",)
    list_select_related = ("organization",)
