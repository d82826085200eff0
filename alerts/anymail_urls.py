"""Anymail's doors under names of their own; opened by `webhooks.mail_status` alone."""

from django.urls import include, path

urlpatterns = [path("", include("anymail.urls"))]
