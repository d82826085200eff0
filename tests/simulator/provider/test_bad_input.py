"""Whatever is sent, the answer is a refusal in the API's words, never a crash."""

import re

import pytest

from evcms.simulator.provider import Provider, Request
from evcms.simulator.provider.routing import ROUTES

BODIES = [
    "",
    "a=1",
    "amount=-1&currency=eur",
    "amount=99999999999999999999&currency=eur",
    "amount=&currency=",
    "amount[a]=1&currency[0]=eur",
    "metadata=x",
    "metadata[a][b]=c",
    "expand[]=a.b.c.d.e.f",
    "expand[]=data.customer",
    "limit=0",
    "limit=101",
    "starting_after=nobody",
    "created[gte]=x",
    "a[b=1",
    "a=1&a[b]=2",
    "%FF=%00&amount=1",
    "customer=nobody&payment_method=nobody&payment_intent=nobody",
    "payment_method=pm_card_visa&confirm=true",
    "evidence=&submit=true",
    "card=&type=card",
    "type=card&card[number]=x&card[exp_month]=1&card[exp_year]=2030",
    "query=nonsense",
    "line_items[0][price]=price_1&mode=payment&success_url=http://a.test/",
]


@pytest.fixture(scope="module")
def world():
    made = Provider(":memory:")
    ids = {}
    for kind, path, raw in [
        ("payment_intents", "/v1/payment_intents", "amount=500&currency=eur"),
        ("customers", "/v1/customers", ""),
        ("setup_intents", "/v1/setup_intents", ""),
        ("terminal/readers", "/v1/terminal/readers", "registration_code=simulated-wpe"),
    ]:
        ids[kind] = made.call(Request("POST", path, raw)).body["id"]
    yield made, ids
    made.close()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.pattern.pattern[:-2]}")
@pytest.mark.parametrize("known", [False, True], ids=["unknown object", "known object"])
def test_no_call_crashes_on_bad_input(world, route, known):
    provider, ids = world
    path = route.pattern.pattern.removesuffix(r"\Z")
    kind = path.removeprefix("/v1/").partition("/(")[0]
    path = re.sub(r"\(\?P<\w+>\[\^/\]\+\)", ids.get(kind, "nobody") if known else "nobody", path)
    for raw in BODIES:
        if known and route.method == "DELETE":
            continue
        reply = provider.call(Request(route.method, path, raw))
        assert reply.status in (200, 400, 402, 404)
        assert ("error" in reply.body) == (reply.status != 200)
        if reply.status != 200:
            assert reply.body["error"]["message"]
