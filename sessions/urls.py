"""Paths of this room."""

from django.urls import path

from sessions import groups, persons, views

urlpatterns = [
    path("tokens/", views.tokens, name="tokens"),
    path("groups/", groups.groups, name="groups"),
    path("groups/<int:pk>/", groups.group, name="group"),
    path("groups/<int:pk>/join/", groups.join, name="group-join"),
    path("groups/<int:pk>/leave/<int:driver_id>/", groups.leave, name="group-leave"),
    path("groups/<int:pk>/delete/", groups.delete, name="group-delete"),
    path("drivers/new/", persons.create, name="driver-create"),
    path("drivers/<int:pk>/edit/", persons.edit, name="driver-edit"),
    path("tokens/new/", views.create, name="token-create"),
    path("tokens/<int:pk>/", views.edit, name="token-edit"),
    path("tokens/<int:pk>/delete/", views.delete, name="token-delete"),
]
