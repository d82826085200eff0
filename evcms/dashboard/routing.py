"""WebSocket paths of this door."""

from evcms.core.consumers import live

from .consumers import OrganizationConsumer, SessionConsumer, StationConsumer

websocket_urlpatterns = [
    live("ws/live/", OrganizationConsumer),
    live("ws/live/stations/<str:identity>/", StationConsumer),
    live("ws/live/sessions/<str:public_id>/", SessionConsumer),
]
