"""Many signals in one round trip reach whom one after the other would reach."""

from datetime import timedelta

import pytest
import redis

from evcms.core import clock
from evcms.core.layer import ChannelLayer


@pytest.fixture
async def layer(redis_url):
    made = ChannelLayer(hosts=[redis_url], prefix="tests")
    yield made
    await made.flush()


async def test_each_group_hears_its_own_signals_in_their_order(layer):
    listeners = {}
    for group in ("org.1", "session.a"):
        listeners[group] = await layer.new_channel()
        await layer.group_add(group, listeners[group])
    signals = [(group, {"type": "evcms.signal", "n": n}) for n in range(150) for group in listeners]
    await layer.group_send_many([*signals, ("nobody", {"type": "evcms.signal"})])
    for channel in listeners.values():
        assert [(await layer.receive(channel))["n"] for _ in range(150)] == list(range(150))


async def test_a_dead_server_is_told(layer):
    dead = ChannelLayer(hosts=["redis://127.0.0.1:1/0"], prefix="tests")
    with pytest.raises(redis.ConnectionError):
        await dead.group_send_many([("org.1", {"type": "evcms.signal"})])
    await layer.group_send_many([("org.1", {"type": "evcms.signal"})])


async def test_a_page_that_joins_late_learns_whether_its_groups_were_told_since_it_was_drawn(layer):
    drawn = int(clock.now().timestamp())
    assert not await layer.told_since(["org.1", "map"], drawn)
    await layer.group_send_many([("org.1", {"type": "evcms.signal"}), ("org.2", {"type": "evcms.signal"})])
    assert await layer.told_since(["org.1", "map"], drawn)
    assert not await layer.told_since(["map"], drawn)
    assert not await layer.told_since([], drawn)
    assert not await layer.told_since(["org.1"], drawn + 5)
    clock.advance(timedelta(seconds=70))  # over the edge of a minute
    assert await layer.told_since(["org.1"], drawn)
    assert await layer.told_since(["map"], drawn - 3600), "nobody knows any more"
