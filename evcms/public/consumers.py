"""Live pages of drivers: the map, one connector, one paid session. Nobody logs in; a link opens its own groups only."""

from channels.db import database_sync_to_async

from billing import queries as billing
from evcms.core.consumers import LiveConsumer
from stations import queries as stations


class MapConsumer(LiveConsumer):
    async def live_groups(self) -> list[str] | None:
        return ["map"]


class ConnectorConsumer(LiveConsumer):
    async def live_groups(self) -> list[str] | None:
        return await database_sync_to_async(self._groups)(self.scope["url_route"]["kwargs"]["code"])

    def _groups(self, code: str) -> list[str] | None:
        row = stations.public_connectors().filter(code=code.upper()).first()
        return [f"connector.{row.pk}"] if row else None


class PaymentConsumer(LiveConsumer):
    """The payment's own news, and those of its connector, where its session will run."""

    async def live_groups(self) -> list[str] | None:
        return await database_sync_to_async(self._groups)(self.scope["url_route"]["kwargs"]["public_id"])

    def _groups(self, public_id: str) -> list[str] | None:
        payment = billing.payment(public_id)
        return [f"payment.{public_id}", f"connector.{payment.connector_id}"] if payment else None
