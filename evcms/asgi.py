"""The web role: pages and their WebSockets. Chargers have a process of their own: evcms/ocpp/asgi.py."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evcms.settings")
pages = get_asgi_application()

from evcms.bodylimit import BodyLimit  # noqa: E402
from evcms.core import memory  # noqa: E402
from evcms.dashboard import routing as dashboard  # noqa: E402  (models first)
from evcms.public import routing as public  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": BodyLimit(pages),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter([*dashboard.websocket_urlpatterns, *public.websocket_urlpatterns]))
        ),
    }
)
memory.settle_pages()
