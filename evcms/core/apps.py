"""The ground floor: people, organizations, the event bus, the audit log. Imports nobody of ours."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "evcms.core"
    label = "core"
    verbose_name = "People and events"
