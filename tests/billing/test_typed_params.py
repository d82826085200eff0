"""Every request that the gateway sends is one that the installed `stripe` client declares: names, kinds, enumerations.

Each word of the Gateway is called with made-up values; what it would send is caught before the wire and compared with
the TypedDict of that very method of the client (stripe.params), read from its annotation. Nothing of the routes of the
provider's double is used: a call that the double takes by mistake is found here.
"""

import ast
import contextlib
import dataclasses
import enum
import inspect
import itertools
import re
import sys
import types
import typing
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from stripe._stripe_service import StripeService

from billing.gateways import base
from billing.gateways.base import About, BadNotice, GatewayError
from billing.gateways.stripe import StripeGateway
from evcms.simulator.provider import parameters

PREFIXES = ("cs_x", "pi_x", "seti_x", "pm_x", "du_x", "po_x", "tmr_x")
QUIET = {"read_notice", "least", "step"}  # they ask nothing
PARAMS = re.compile(r"\w+Params\b")


def words():
    """The public methods of the Gateway's protocol."""
    found = {name for room in base.Gateway.__mro__ for name in vars(room) if not name.startswith("_")}
    return sorted(name for name in found if callable(getattr(StripeGateway, name, None)))


@pytest.fixture
def sent(monkeypatch):
    """(path, name of the declaring TypedDict, parameters) of everything that would have been sent."""
    caught = []

    def request(self, method, url, params=None, options=None, **_more):
        caller = sys._getframe(1)
        annotation = str(getattr(type(self), caller.f_code.co_name).__annotations__.get("params", ""))
        room = type(self).__module__.split(".")[1:-1]
        name = PARAMS.search(annotation)
        caught.append((f"{method} {url}", ".".join([*room, name[0]]) if name else "", dict(params or {})))
        raise Caught

    monkeypatch.setattr(StripeService, "_request", request)
    return caught


class Caught(Exception):
    """The request was seen; nothing is sent."""


@pytest.fixture
def gateway():
    return StripeGateway(secret_key="sk_test_x", webhook_secret="whsec_x", api_base="http://127.0.0.1:9")


def made(hint, name, turn):
    """A value for an argument; `turn` goes through booleans and the members of enumerations."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is str or hint is None:
        return {"currency": "EUR", "email": "a@example.org", "language": "nl", "country": "NL"}.get(name, f"{name}_x")
    if origin in (typing.Union, types.UnionType):
        return made(next(each for each in inner if each is not type(None)), name, turn)
    if origin in (list, Sequence, tuple):
        return [made(inner[0], name, turn)]
    if origin is dict:
        return {"name": "value"}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return list(hint)[turn % len(hint)]
    if dataclasses.is_dataclass(hint):
        kinds = typing.get_type_hints(hint)
        return hint(**{field.name: made(kinds[field.name], field.name, turn) for field in dataclasses.fields(hint)})
    return {
        bool: bool(turn % 2), int: 1000, bytes: b"%PDF", datetime: datetime(2026, 11, 22, tzinfo=UTC),
        date: date(2026, 11, 22),
    }[hint]  # fmt: skip


def said(gateway, name, turn):
    method = getattr(gateway, name)
    kinds = typing.get_type_hints(getattr(type(gateway), name))
    given = {key: made(kinds[key], key, turn) for key in inspect.signature(method).parameters}
    if name == "find":
        given = {"object_id": PREFIXES[turn % len(PREFIXES)]}
    with contextlib.suppress(Caught, GatewayError, BadNotice):
        method(**given)


def on_the_wire(value):
    """As the client encodes a form: texts, and maps and lists of them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return {key: on_the_wire(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [on_the_wire(each) for each in value]
    return value if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize("name", words())
def test_a_request_carries_what_the_client_declares_and_nothing_else(gateway, sent, name):
    for turn in range(8):
        said(gateway, name, turn)
    if name in QUIET:
        assert sent == []
        return
    assert sent, f"{name} asked nothing"
    for path, declared, params in sent:
        assert declared or not params, f"{path} has no declared parameters"
        if declared:
            content = {key: value for key, value in on_the_wire(params).items() if not isinstance(value, bytes)}
            parameters.check(declared, content)


def test_what_is_undeclared_or_of_the_wrong_kind_would_be_found():
    good = {"amount": "100", "currency": "eur"}
    parameters.check("PaymentIntentCreateParams", good)
    for wrong in ({"amount": "much"}, {"payment_method_types": ["card"]}, {"capture_method": "later"}):
        with pytest.raises(parameters.ApiError):
            parameters.check("PaymentIntentCreateParams", good | wrong)


def test_an_off_session_charge_says_all_that_the_bank_must_know(gateway, sent):
    charge = base.Charge("ref", About.PAYMENT, 3000, "EUR", "cus_1", "pm_1", "Charging", hold=True)
    with pytest.raises(Caught):
        gateway.charge_saved(charge, "key")
    [(path, _declared, params)] = sent
    assert path == "post /v1/payment_intents"
    wanted = {
        "amount": 3000, "currency": "eur", "customer": "cus_1", "payment_method": "pm_1", "off_session": True,
        "confirm": True, "capture_method": "manual", "metadata": {"payment": "ref"},
    }  # fmt: skip
    assert wanted.items() <= params.items()


@pytest.mark.parametrize(
    ("at_once", "customer", "keep"), list(itertools.product([False, True], ["", "cus_1"], [False, True]))
)
def test_a_page_holds_or_takes_and_keeps_a_card_only_of_a_known_customer(gateway, sent, at_once, customer, keep):
    order = base.Order(
        reference="ref", amount_minor=500, currency="EUR", title="Open amount", description="x", success_url="https://x",
        cancel_url="https://x", email="a@example.org", language="de", expires_at=datetime(2026, 11, 22, tzinfo=UTC),
        about=About.COLLECTION, at_once=at_once, customer_id=customer, keep_card=keep,
    )  # fmt: skip
    with pytest.raises(Caught):
        gateway.create_checkout(order, "key")
    [(_path, _declared, params)] = sent
    data = params["payment_intent_data"]
    assert data["capture_method"] == ("automatic" if at_once else "manual")
    assert ("setup_future_usage" in data) == bool(customer and keep)
    assert ("customer" in params, "customer_email" in params) == (bool(customer), not customer)


def called():
    """(file, method) of every call of the client in the gateway's source: `sessions.create(` in pages.py."""
    for path in sorted(Path(inspect.getfile(StripeGateway)).parent.glob("*.py")):
        for lambda_ in [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Lambda)]:
            call = lambda_.body
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                yield path.name, call.func.attr, call.lineno


def test_no_call_of_the_gateway_escapes_these_tests(gateway, monkeypatch):
    seen = set()

    def request(self, method, url, params=None, options=None, **_more):
        frames = inspect.stack(context=0)
        seen.update((Path(frame.filename).name, frames[place - 1].function) for place, frame in enumerate(frames)
                    if "gateways/stripe" in frame.filename and frame.function == "<lambda>")  # fmt: skip
        raise Caught

    monkeypatch.setattr(StripeService, "_request", request)
    for name in words():
        for turn in range(8):
            said(gateway, name, turn)
    wanted = {(file, method) for file, method, _line in called()}
    assert len(wanted) > 20
    assert wanted - seen == set()
