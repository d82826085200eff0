"""A double that really listens, the official client, and a real receiver of webhooks."""

import json
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe

from evcms.simulator.provider import running

SECRET = "whsec_of_the_tests"


class Receiver:
    """Keeps what is posted to it; `answers` holds statuses to give first, then it says 200."""

    def __init__(self):
        self.received, self.answers = [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.answers.pop(0) if outer.answers else 200
                outer.received.append((body, self.headers["Stripe-Signature"], status))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks"

    def events(self):
        """Every accepted event, its signature verified by the official client."""
        return [
            stripe.Webhook.construct_event(body, signature, SECRET)
            for body, signature, status in self.received
            if status == 200
        ]

    def types(self):
        return [event.type for event in self.events()]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def until(condition, seconds=10):
    """Wait for something that another process or thread does; its value is returned."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """Nothing here goes through a proxy of the environment."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def provider(receiver, tmp_path):
    path = str(tmp_path / "provider.sqlite3")
    with running(database=path, webhook_url=receiver.url, webhook_secret=SECRET, merchant="Kade Charging") as made:
        yield made


def client_of(url, files=None, **options):
    addresses = {"api": url} | ({"files": files} if files else {})
    return stripe.StripeClient("sk_test_x", base_addresses=addresses, **({"max_network_retries": 0} | options))


@pytest.fixture
def api(provider):
    """The official client's v1 services."""
    return client_of(provider.public_url).v1


def control(provider, path, method="POST", **body):
    """A request of the double's own interface."""
    request = urllib.request.Request(
        f"{provider.public_url}/_double/{path}",
        data=json.dumps(body).encode() if method == "POST" else None,
        headers={"Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def hold(api, amount=3000, card="pm_card_visa", **more):
    return api.payment_intents.create(
        {
            "amount": amount,
            "currency": "eur",
            "capture_method": "manual",
            "confirm": True,
            "payment_method": card,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            **more,
        }
    )


def page_params(**more):
    return {
        "mode": "payment",
        "ui_mode": "hosted_page",
        "success_url": "http://127.0.0.1:1/ok?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1:1/cancelled",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": "eur",
                    "unit_amount": 3000,
                    "product_data": {"name": "Charging at Kade 12", "description": "Connector 1, up to 50 kW"},
                },
            }
        ],
        "payment_intent_data": {"capture_method": "manual", "metadata": {"payment": "p-1"}},
        **more,
    }
