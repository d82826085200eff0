"""The channel layer: Redis's publish and subscribe, and many signals in one round trip.

Measured: a `group_send` costs 0.05 ms of CPU and a turn of the loop, so that the gateway spent a twelfth of its time on
three signals for each session's news; in a pipeline of a hundred one costs a tenth.
"""

from collections.abc import Sequence
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer

Signal = tuple[str, dict[str, Any]]  # group, message; Any: JSON values


class ChannelLayer(RedisPubSubChannelLayer):
    async def group_send_many(self, signals: Sequence[Signal]) -> None:
        """As `group_send` for each, in their order. Raises what the client raises; some may have left then."""
        layer: Any = self._get_layer()  # Any: untyped, and its own way to publish takes one message
        by_shard: dict[Any, list[tuple[str, bytes]]] = {}
        for group, message in signals:
            channel = layer._get_group_channel_name(group)
            by_shard.setdefault(layer._get_shard(channel), []).append((channel, self.serialize(message)))
        for shard, published in by_shard.items():
            async with shard._lock:
                shard._ensure_redis()
                pipeline = shard._redis.pipeline(transaction=False)
                for channel, data in published:
                    pipeline.publish(channel, data)
                await pipeline.execute()
