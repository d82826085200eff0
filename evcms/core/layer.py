"""The channel layer: Redis's publish and subscribe, many signals in one round trip, and who was told lately.

Measured: a `group_send` costs 0.05 ms of CPU and a turn of the loop, so that the gateway spent a twelfth of its time on
three signals for each session's news; in a pipeline of a hundred one costs a tenth.

A page that is drawn joins its groups a moment later, and what was said in between nobody would tell it: a charge that
ended just then stood as running on its driver's telephone until the next news. So each pipeline also notes when its
groups were told, in a hash for each minute (`told_since`).
"""

from collections.abc import Sequence
from typing import Any, Final

from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer

from evcms.core import clock

MINUTE: Final = 60  # s
REMEMBERED: Final = 2 * MINUTE  # at least; a page that needed longer asks for its parts again anyhow

Signal = tuple[str, dict[str, Any]]  # group, message; Any: JSON values


class ChannelLayer(RedisPubSubChannelLayer):
    async def group_send_many(self, signals: Sequence[Signal]) -> None:
        """As `group_send` for each, in their order. Raises what the client raises; some may have left then."""
        layer: Any = self._get_layer()  # Any: untyped, and its own way to publish takes one message
        now = clock.now().timestamp()
        by_shard: dict[Any, list[tuple[str, bytes]]] = {}
        told: dict[Any, dict[str, float]] = {}
        for group, message in signals:
            channel = layer._get_group_channel_name(group)
            shard = layer._get_shard(channel)
            by_shard.setdefault(shard, []).append((channel, self.serialize(message)))
            told.setdefault(shard, {})[group] = now
        for shard, published in by_shard.items():
            async with shard._lock:
                shard._ensure_redis()
                pipeline = shard._redis.pipeline(transaction=False)
                for channel, data in published:
                    pipeline.publish(channel, data)
                pipeline.hset(_minute(layer, now), mapping=told[shard])
                pipeline.expire(_minute(layer, now), REMEMBERED + MINUTE)
                await pipeline.execute()

    async def told_since(self, groups: Sequence[str], since: int) -> bool:
        """Whether one of the groups heard a signal since then (seconds since 1970). True also when that is too long ago
        to know. Raises what the client raises.
        """
        layer: Any = self._get_layer()
        now = int(clock.now().timestamp())
        if now - since > REMEMBERED:
            return True
        moments = range(since // MINUTE * MINUTE, now + 1, MINUTE)
        found: list[bytes | None] = []
        for shard in layer._shards if groups else ():
            async with shard._lock:
                shard._ensure_redis()
                pipeline = shard._redis.pipeline(transaction=False)
                for moment in moments:
                    pipeline.hmget(_minute(layer, moment), list(groups))
                found += [value for values in await pipeline.execute() for value in values]
        return any(value is not None and float(value) >= since for value in found)


def channel_layer() -> ChannelLayer:
    """The layer of the settings, which always name ours."""
    layer = get_channel_layer()
    assert isinstance(layer, ChannelLayer)
    return layer


def _minute(layer: Any, moment: float) -> str:
    """The name of the hash. Any: untyped."""
    return f"{layer.prefix}.told.{int(moment) // MINUTE}"
