"""WebSocket paths of this door."""

from typing import Any

websocket_urlpatterns: list[Any] = []  # Any: channels calls them URLPattern but they are its own
