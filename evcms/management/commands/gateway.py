"""`manage.py gateway`: the process that chargers connect to."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from evcms.environment import text


class Command(BaseCommand):
    help = "Runs the charger gateway: ws://<host>:<port>/ocpp/<identity>, OCPP 1.6J, 2.0.1 and 2.1."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", default=text("EVCMS_OCPP_HOST", "127.0.0.1"), help="0.0.0.0 listens on all addresses"
        )
        parser.add_argument("--port", type=int, default=settings.OCPP_PORT, help="port; 0 lets the system choose")

    def handle(self, *args: Any, **options: Any) -> None:
        from evcms.core import memory
        from evcms.ocpp.asgi import Application
        from evcms.ocpp.server import GatewayServer

        if not 0 <= options["port"] <= 65535:
            raise CommandError(f"--port must be between 0 and 65535, not {options['port']}.")
        host = options["host"]
        server = GatewayServer(
            Application(),
            host,
            options["port"],
            announce=lambda port: self.stdout.write(f"Chargers connect to ws://{host}:{port}/ocpp/<identity>"),
        )
        memory.calm()
        server.run()
        if not server.started:
            raise CommandError("The gateway did not start; the log says why.")
