"""Paths of this room."""

from django.urls import path

from sessions import views

urlpatterns = [
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/new/", views.create, name="token-create"),
    path("tokens/<int:pk>/", views.edit, name="token-edit"),
    path("tokens/<int:pk>/delete/", views.delete, name="token-delete"),
]
