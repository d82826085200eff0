"""Live pages open for those who see the page; real rows, as a socket reads them by a link of its own."""

import pytest
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator

from evcms.core import clock
from tests.security.doors import KEY, MEMBER, SOCKETS
from tests.security.networks import browser_of, networks


def opens(access, path, cookie=None):
    """Whether the socket is let in."""
    from evcms.asgi import application

    headers = [(b"origin", b"http://testserver"), (b"host", b"testserver")]
    if cookie:
        headers.append((b"cookie", f"sessionid={cookie}".encode()))

    async def talk():
        communicator = WebsocketCommunicator(application, path, headers=headers)
        connected, _code = await communicator.connect(timeout=10)
        await communicator.disconnect()
        return connected

    return async_to_sync(talk)()


@pytest.mark.django_db(transaction=True)
def test_live_pages_open_for_those_who_see_the_page(redis_url):
    worlds = networks()
    for pattern, door in SOCKETS.items():
        path = "/" + pattern
        for name, value in door.kwargs(worlds["OKAPI"]).items():
            path = path.replace(f"<str:{name}>", str(value))
        answers = {}
        for who in (None, "owner", "limited", "rival"):
            cookie = browser_of(worlds[who]).cookies["sessionid"].value if who else None
            answers[who] = opens(who, path, cookie)
        mine = {None: False, "owner": True, "limited": True, "rival": not door.rows}
        public = dict.fromkeys((None, "owner", "limited", "rival"), door.needs == KEY or not door.rows)
        assert answers == (mine if door.needs == MEMBER else public), pattern
        if door.needs == MEMBER and door.rows:
            other = "/" + pattern
            for name, value in door.kwargs(worlds["ZEBRA"]).items():
                other = other.replace(f"<str:{name}>", str(value))
            assert not opens("limited", other, browser_of(worlds["limited"]).cookies["sessionid"].value)


@pytest.mark.django_db(transaction=True)
def test_the_page_of_an_archived_station_is_live_for_whom_it_opens(redis_url):
    worlds = networks()
    station = worlds["OKAPI"].rows.station
    type(station).objects.filter(pk=station.pk).update(archived_at=clock.now())
    path = f"/ws/live/stations/{station.identity}/"
    for who, seen in (("owner", True), ("limited", True), ("rival", False)):
        assert opens(who, path, browser_of(worlds[who]).cookies["sessionid"].value) is seen, who
