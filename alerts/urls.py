"""Paths of this room."""

from django.urls import path

from alerts import delivery_views, webhooks, wording_views
from alerts.views import codes, contacts, duty, incidents, links, report, rules, systems, wishes

urlpatterns = [
    path("incidents/", incidents.board, name="incidents"),
    path("incidents/report/", report.report, name="incident-report"),
    path("incidents/on-call/", duty.on_call, name="on-call"),
    path("incidents/<int:pk>/", incidents.incident, name="incident"),
    path("incidents/<int:pk>/act/", incidents.act, name="incident-act"),
    path("settings/alerts/", contacts.contacts, name="alert-contacts"),
    path("settings/alerts/<int:pk>/", contacts.contact, name="alert-contact"),
    path("settings/alerts/systems/<int:pk>/", systems.system, name="alert-system"),
    path("settings/alerts/switches/", duty.switches, name="alert-switches"),
    path("settings/on-call/new/", duty.schedule, name="schedule-create"),
    path("settings/on-call/<int:pk>/", duty.schedule, name="schedule"),
    path("settings/escalation/new/", duty.policy, name="policy-create"),
    path("settings/escalation/<int:pk>/", duty.policy, name="policy"),
    path("notifications/", delivery_views.notifications, name="notifications"),
    path("notifications/addresses/", delivery_views.addresses, name="dead-addresses"),
    path("notifications/wording/", wording_views.wordings, name="wordings"),
    path("notifications/wording/words/", wording_views.edit, name="wording"),
    path("notifications/wording/preview/", wording_views.show, name="wording-preview"),
    path("notifications/<uuid:public_id>/", delivery_views.notification, name="notification"),
    path("notifications/<uuid:public_id>/replay/", delivery_views.replay, name="notification-replay"),
    path("webhooks/sms/", webhooks.sms_status, name="sms-status"),
    path("webhooks/mail/<slug:provider>/", webhooks.mail_status, name="mail-status"),
    path("webhooks/push/opened/", webhooks.push_opened, name="push-opened"),
    path("settings/trouble/", rules.rules, name="alert-rules"),
    path("settings/trouble/new/", rules.rule_new, name="alert-rule-new"),
    path("settings/trouble/switch/", rules.rule_switch, name="alert-rule-switch"),
    path("settings/trouble/<int:pk>/", rules.rule, name="alert-rule"),
    path("settings/trouble/<int:pk>/remove/", rules.rule_remove, name="alert-rule-remove"),
    path("u/code/<str:token>/", codes.code, name="phone-code"),
    path("u/push/changed/", codes.push_changed, name="push-changed"),
    path("u/incident/<str:token>/", links.have, name="incident-have"),
    path("incidents/photo/<str:public_id>", wishes.photo, name="report-photo"),
    path("u/confirm/<str:token>/", links.confirm, name="subscription-confirm"),
    path("u/mine/<str:token>/", wishes.mine, name="my-messages"),
    path("u/often/<str:token>/", wishes.unsubscribe_often, name="unsubscribe-often"),
    path("u/all/<str:token>/", wishes.unsubscribe_all, name="unsubscribe-all"),
    path("u/<str:token>/", wishes.unsubscribe, name="unsubscribe"),
]
