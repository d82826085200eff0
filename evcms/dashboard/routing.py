"""WebSocket paths of this door."""

from typing import Any

from django.urls import path

from .consumers import OrganizationConsumer

websocket_urlpatterns: list[Any] = [  # Any: channels calls them URLPattern but they are its own
    path("ws/live/", OrganizationConsumer.as_asgi()),
]
