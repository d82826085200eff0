"""Paths of this room."""

from django.urls import path

from alerts.views import contacts, duty, incidents, links, report

urlpatterns = [
    path("incidents/", incidents.board, name="incidents"),
    path("incidents/report/", report.report, name="incident-report"),
    path("incidents/on-call/", duty.on_call, name="on-call"),
    path("incidents/<int:pk>/", incidents.incident, name="incident"),
    path("incidents/<int:pk>/act/", incidents.act, name="incident-act"),
    path("settings/alerts/", contacts.contacts, name="alert-contacts"),
    path("settings/alerts/<int:pk>/", contacts.contact, name="alert-contact"),
    path("settings/alerts/switches/", duty.switches, name="alert-switches"),
    path("settings/on-call/new/", duty.schedule, name="schedule-create"),
    path("settings/on-call/<int:pk>/", duty.schedule, name="schedule"),
    path("settings/escalation/new/", duty.policy, name="policy-create"),
    path("settings/escalation/<int:pk>/", duty.policy, name="policy"),
    path("u/incident/<str:token>/", links.have, name="incident-have"),
    path("u/confirm/<str:token>/", links.confirm, name="subscription-confirm"),
    path("u/<str:token>/", links.unsubscribe, name="unsubscribe"),
]
