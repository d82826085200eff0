"""The addresses that the frames link to; the gallery shows parts, so the doors' own pages stay out of it."""

from django.urls import include, path

urlpatterns = [path("accounts/", include("allauth.urls"))]
