"""WebSocket paths of this door."""

from typing import Any

from django.urls import path

from .consumers import ConnectorConsumer, MapConsumer, PaymentConsumer

websocket_urlpatterns: list[Any] = [  # Any: channels calls them URLPattern but they are its own
    path("ws/public/map/", MapConsumer.as_asgi()),
    path("ws/public/c/<str:code>/", ConnectorConsumer.as_asgi()),
    path("ws/public/s/<str:public_id>/", PaymentConsumer.as_asgi()),
]
