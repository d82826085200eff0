"""A page and its socket: what was said between the two, and after a hostile hello."""

import re

import pytest
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator

from evcms.core.layer import channel_layer

HELLOS = (None, True, -1, 10**400, 1.5, "now", [], {})


async def answers(*hellos, path="/ws/public/map/"):
    """What the server says to each, one after the other on one socket."""
    from evcms.asgi import application

    headers = [(b"origin", b"http://testserver"), (b"host", b"testserver")]
    page = WebsocketCommunicator(application, path, headers=headers)
    assert (await page.connect(timeout=10))[0]
    said = []
    for since in hellos:
        await page.send_json_to({"type": "hello", "since": since})
        said.append((await page.receive_json_from(timeout=10))["type"])
    await page.disconnect()
    return said


@pytest.mark.django_db(transaction=True)
def test_news_between_the_drawing_of_a_page_and_its_socket_are_not_lost(client, redis_url):
    """A charge that ended just then stood as running on its driver's page until the next news."""
    drawn = int(re.search(r'data-live-since="(\d+)"', client.get("/map").text)[1])

    async def story():
        before = await answers(drawn)
        await channel_layer().group_send_many([("map", {"type": "evcms.signal", "kind": "x", "data": {}})])
        return before + await answers(drawn)

    assert async_to_sync(story)() == ["caught_up", "refresh"]


@pytest.mark.django_db(transaction=True)
def test_whatever_a_page_says_it_gets_an_answer(redis_url):
    told = async_to_sync(answers)(*HELLOS)
    assert set(told) <= {"caught_up", "refresh"}
    assert told[0] == "caught_up"
    assert told[2] == "refresh", "that is too long ago to know"
