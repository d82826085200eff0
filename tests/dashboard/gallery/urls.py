"""The addresses that the frames link to."""

from django.urls import include, path

urlpatterns = [path("accounts/", include("allauth.urls")), path("", include("evcms.public.urls"))]
