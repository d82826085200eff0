"""The project package: configuration and the doors."""

from django.apps import AppConfig


class EvcmsConfig(AppConfig):
    name = "evcms"
    verbose_name = "EVCMS"
