"""What the double shows has the members that the installed client declares: all required ones, no others."""

import sys
from typing import ForwardRef, Literal, Optional, Union, get_args, get_origin

import pytest
from stripe import (
    Balance,
    BalanceTransaction,
    Charge,
    Customer,
    Dispute,
    Event,
    PaymentIntent,
    PaymentMethod,
    Payout,
    Refund,
    SetupIntent,
    StripeObject,
    WebhookEndpoint,
    checkout,
    terminal,
)  # fmt: skip

from .conftest import control, hold, page_params
from .test_terminal import asked, reader  # noqa: F401  (a fixture)

# The client declares these differently from what the API reference says or leaves them to other versions.
FREE = ("metadata", "fraud_details", "radar_options", "invoice_data", "amount_details", "evidence_details")


def members(cls):
    """Declared members of a resource of the client: name → hint, with those that may be absent."""
    namespace = {**vars(sys.modules[cls.__module__]), **vars(cls)}
    for name, hint in cls.__annotations__.items():
        if not name.startswith("_") and name.islower():
            yield name, resolve(hint, namespace)


def resolve(hint, namespace):
    if isinstance(hint, ForwardRef):
        hint = hint.__forward_arg__
    try:
        return eval(hint, namespace) if isinstance(hint, str) else hint
    except NameError:
        return object


def optional(hint):
    return hint is object or (get_origin(hint) in (Union, Optional) and type(None) in get_args(hint))


def nested(hint):
    """The class of a member that is an object of the client's own, if it is one."""
    options = [hint, *get_args(hint)] if hint is not object else []
    found = [each for each in options if isinstance(each, type) and issubclass(each, StripeObject)]
    return found[0] if found else None


def differences(cls, body, path=""):
    declared = dict(members(cls))
    for name in body.keys() - declared.keys():
        yield f"{path}{name} is not declared by the client"
    for name, hint in declared.items():
        if name not in body:
            if not optional(hint):
                yield f"{path}{name} is missing"
        elif body[name] is None:
            if not optional(hint):
                yield f"{path}{name} is null"
        elif isinstance(body[name], dict) and name not in FREE and (inner := nested(hint)):
            yield from differences(inner, body[name], f"{path}{name}.")
        elif get_origin(hint) is Literal and body[name] not in get_args(hint):
            yield f"{path}{name} is {body[name]!r}"


@pytest.fixture
def world(api, provider, reader):  # noqa: F811
    """One of everything."""
    customer = api.customers.create({"email": "driver@example.com"})
    api.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    session = api.checkout.sessions.create(page_params())
    control(provider, f"sessions/{session.id}/pay")
    intent = api.payment_intents.capture(api.checkout.sessions.retrieve(session.id).payment_intent)
    api.refunds.create({"payment_intent": intent.id, "amount": 100})
    other = api.payment_intents.capture(hold(api).id)
    control(provider, "disputes", payment_intent=other.id)
    asked(api, reader)
    control(provider, f"readers/{reader.id}/tap")
    api.setup_intents.create({"customer": customer.id})
    api.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["account.updated"]})
    api.payment_intents.capture(hold(api, amount=90_000).id)
    assert control(provider, "payouts", currency="eur")["status"] == "paid"
    return api


@pytest.mark.parametrize(
    ("service", "cls"),
    [
        ("customers", Customer),
        ("payment_methods", PaymentMethod),
        ("payment_intents", PaymentIntent),
        ("setup_intents", SetupIntent),
        ("charges", Charge),
        ("refunds", Refund),
        ("disputes", Dispute),
        ("balance_transactions", BalanceTransaction),
        ("payouts", Payout),
        ("events", Event),
        ("webhook_endpoints", WebhookEndpoint),
        ("checkout.sessions", checkout.Session),
        ("terminal.readers", terminal.Reader),
        ("terminal.locations", terminal.Location),
    ],
)
def test_objects_have_the_members_that_the_client_declares(world, service, cls):
    found = world
    for part in service.split("."):
        found = getattr(found, part)
    rows = found.list({"limit": 100}).data
    assert rows
    wrong = {difference for row in rows for difference in differences(cls, row.to_dict())}
    assert not wrong


def test_the_balance_has_the_members_that_the_client_declares(world):
    assert not set(differences(Balance, world.balance.retrieve().to_dict()))
