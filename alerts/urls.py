"""Paths of this room."""

from django.urls import path

from alerts import views

urlpatterns = [
    path("incidents/", views.incidents, name="incidents"),
    path("incidents/<int:pk>/", views.incident, name="incident"),
    path("incidents/<int:pk>/act/", views.incident_act, name="incident-act"),
    path("settings/alerts/", views.contacts, name="alert-contacts"),
    path("u/incident/<str:token>/", views.have, name="incident-have"),
    path("u/confirm/<str:token>/", views.confirm, name="subscription-confirm"),
    path("u/<str:token>/", views.unsubscribe, name="unsubscribe"),
]
