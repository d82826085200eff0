"""WebSocket paths of this door."""

from evcms.core.consumers import live

from .consumers import ConnectorConsumer, MapConsumer, PaymentConsumer

websocket_urlpatterns = [
    live("ws/public/map/", MapConsumer),
    live("ws/public/c/<str:code>/", ConnectorConsumer),
    live("ws/public/s/<str:public_id>/", PaymentConsumer),
]
