"""People's notes and photos of stations: read only."""

from django.contrib import admin

from evcms.core.admin_base import ReadOnlyAdmin
from stations.models import NotePhoto, StationNote


@admin.register(StationNote)
class StationNoteAdmin(ReadOnlyAdmin):
    list_display = ("station", "author", "at", "text")
    list_filter = ("at",)
    search_fields = ("text", "author", "station__identity")
    list_select_related = ("station",)


@admin.register(NotePhoto)
class NotePhotoAdmin(ReadOnlyAdmin):
    list_display = ("note", "caption", "width", "height")
    list_filter = ("note__at",)
    search_fields = ("caption", "note__station__identity")
    list_select_related = ("note__station",)
