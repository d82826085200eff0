"""Each part is killed for real (SIGKILL) in mid-session and at the worst moment; the story still ends right.

Right means: one capture, one receipt of that amount, no acknowledged reading lost, energy equal to the difference of
the charger's own register, nothing left on the bus.
"""

import asyncio
import json
import random
import sys
import time
from datetime import datetime, timedelta
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from billing.models import Bill, Payment, PaymentEvent, Receipt, WebhookEvent
from evcms.core import clock
from evcms.core.models import Delivery
from evcms.simulator.drivers import PayingDriver
from evcms.simulator.drivers.paying import find_form
from sessions.models import ChargingSession, Discrepancy, MeterSample
from stations.models import Connector
from tests.fixtures.processes import MANAGE, listens, until
from tests.fixtures.stack import SECRET_KEY, WEBHOOK_SECRET
from tests.stories.street import Street, build

pytestmark = pytest.mark.django_db(transaction=True)
OPENER = build_opener(ProxyHandler({}))
WORKER = ["celery", "-A", "evcms.celery", "worker", "-B", "--loglevel", "INFO", "--concurrency", "2"]
QUIET = ["--without-mingle", "--without-gossip"]


@pytest.fixture
def town(processes, redis_server):
    """The whole installation without mail, its parts started side by side; `.redis` is the signal server."""
    provider, web, gateway = (processes.port(name) for name in ("provider", "web", "gateway"))
    python = [sys.executable, "-m"]
    processes.know(
        STRIPE_SECRET_KEY=SECRET_KEY,
        STRIPE_WEBHOOK_SECRET=WEBHOOK_SECRET,
        STRIPE_API_BASE=f"http://127.0.0.1:{provider}",
    )
    database, hook = processes.directory / "provider.sqlite3", f"http://127.0.0.1:{web}/webhooks/stripe/"
    double = [*python, "evcms.simulator.provider", "--port", provider, "--database", database]
    double += ["--webhook-secret", WEBHOOK_SECRET, "--webhook-url", hook]
    parts = {
        "gateway": [*MANAGE, "gateway"],
        "web": [*python, "daphne", "-b", "127.0.0.1", "-p", web, "evcms.asgi:application"],
        "worker": [*python, *WORKER, *QUIET, "-s", processes.directory / "beat-schedule"],
        "provider": double,
    }
    for name, argv in parts.items():
        processes.start(name, argv, ready=lambda _process: True)
    wait_for(processes.worker, lambda: " ready." in processes.worker.output())
    for name, port in (("provider", provider), ("web", web), ("gateway", gateway)):
        wait_for(processes.processes[name], lambda port=port: listens(port))
    processes.redis = redis_server
    processes.web_url, processes.provider_url = f"http://127.0.0.1:{web}", f"http://127.0.0.1:{provider}"
    processes.chargers_url = f"ws://127.0.0.1:{gateway}/ocpp/"
    return processes


def wait_for(process, ready):
    until(lambda: ready() or not process.running, timeout=60, what=f"the {process.name}")
    assert process.running, process.output()[-4000:]


class Story:
    """One driver, one charger, one paid session; and what the charger's own memory says of it."""

    def __init__(self, town, protocol):
        self.town = town
        self.station = build("KILL-1")
        pace = {"tick_s": 0.25, "sample_interval_s": 0.5, "retry_interval_s": 0.5}
        self.street = Street(town.chargers_url, "KILL-1", protocol, **pace)
        self.heard = []
        self.listen_to(self.street.charger.link)
        self.street.connect()
        self.connector = Connector.objects.get(station=self.station)
        until(lambda: Connector.objects.get(pk=self.connector.pk).status == "available", what="a free connector")

    def listen_to(self, link):
        """Keeps every message of the charger that was answered."""
        call = link.call

        async def recording(action, payload, timeout, **more):
            answer = await call(action, payload, timeout, **more)
            self.heard.append((action, payload, answer))
            return answer

        link.call = recording

    def driver(self):
        return PayingDriver(self.town.web_url + "/", "driver@example.org", random.Random(1))

    def pay(self):
        self.page = asyncio.run(self.driver().pay(self.connector.code))
        return self.page

    def press_stop(self):
        asyncio.run(self.driver().press_stop(self.page))

    def charge(self, mwh=40_000):
        """Plugs in and waits until that much more energy is in the database."""
        if self.street.charger.ports[1].car is None:
            until(lambda: self.street.charger.ports[1].authorization, what="the remote start")
            self.street.plug(1)
        before = sum(ChargingSession.objects.values_list("energy_mwh", flat=True))
        more = ChargingSession.objects.filter(energy_mwh__gt=before + mwh)
        until(more.exists, timeout=30, what="energy to flow")

    def readings_heard(self):
        """The times of all readings of the session that were acknowledged; those of an end are never after it."""
        times = set()
        for action, payload, _answer in self.heard:
            if action == "TransactionEvent" or (action == "MeterValues" and "transactionId" in payload):
                read = {datetime.fromisoformat(value["timestamp"]) for value in payload.get("meterValue", [])}
                ended = payload.get("eventType") == "Ended"
                end = datetime.fromisoformat(payload["timestamp"]) if ended else None
                times |= {min(at, end) if end else at for at in read}
        return times

    def ends_right(self, timeout=40):
        receipt = until(Receipt.objects.first, timeout=timeout, what="the receipt")
        until(lambda: not Delivery.objects.exclude(state="done").exists(), timeout=30, what="an empty bus")
        until(
            lambda: not WebhookEvent.objects.filter(applied_at=None).exists(), timeout=30, what="the webhooks' effects"
        )
        self.street.settled()
        session, payment, bill = ChargingSession.objects.get(), Payment.objects.get(), Bill.objects.get()
        self.energy_is_right(session)
        assert (payment.state, bill.state) == ("captured", "paid")
        assert payment.captured_minor == receipt.total_minor == bill.total_minor
        kwh = session.energy_mwh / 1_000_000
        assert receipt.total_minor == pytest.approx(100 + 50 * kwh, abs=0.51)
        assert receipt.sequence == Receipt.objects.count() == 1
        assert PaymentEvent.objects.filter(kind="captured").count() == 1
        assert self.captures() == [receipt.total_minor]
        assert not Discrepancy.objects.exists()

    def energy_is_right(self, session):
        port = self.street.charger.ports[1]
        assert session.ended_at
        assert not session.estimated
        assert len(port.stopped) == 1
        assert session.energy_mwh == port.register_mwh - port.stopped[0].meter_start_mwh > 0
        assert not self.street.charger.lost_messages
        stored = set(MeterSample.objects.filter(session=session).values_list("at", flat=True))
        assert len(self.readings_heard()) > 2
        assert self.readings_heard() <= stored

    def captures(self):
        """What the payment provider took from cards, in minor units."""
        return [charge["amount_captured"] for charge in ask(self.town, "/v1/charges")["data"] if charge["captured"]]


@pytest.fixture
def begin(town):
    made = []

    def story(protocol="ocpp1.6"):
        made.append(Story(town, protocol))
        return made[-1]

    yield story
    for one in made:
        one.street.end()


def ask(town, path, body=None):
    """The provider's answer, as its own client would get it (JSON on its control interface)."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {SECRET_KEY}", "Content-Type": "application/json"}
    with OPENER.open(Request(town.provider_url + path, data, headers), timeout=20) as answer:
        return json.load(answer)


def status_of(url):
    try:
        with OPENER.open(url, timeout=20) as answer:
            return answer.status
    except HTTPError as error:
        return error.code


def again(process):
    """As the supervisor would: the same command once more."""
    process.start(ready=lambda _process: True)


def test_the_gateway_dies_in_mid_session_with_a_stop_on_its_way_and_again_when_it_is_stored(begin, town):
    story = begin("ocpp1.6")
    story.pay()
    story.charge()
    town.gateway.kill()
    until(lambda: story.street.charger.outbox.kept, what="readings that nobody hears")
    again(town.gateway)
    story.charge()

    town.gateway.kill()
    story.press_stop()
    again(town.gateway)
    ended = ChargingSession.objects.exclude(ended_at=None)
    until(ended.exists, timeout=40, pause=0.002, what="the station to hear the stop, and us its word")
    town.gateway.kill()
    again(town.gateway)
    story.ends_right()


def test_the_worker_dies_in_mid_session_and_while_the_provider_captures(begin, town):
    story = begin("ocpp2.1")
    town.worker.kill()
    page = story.pay()
    assert Payment.objects.get().public_id in page.url
    again(town.worker)
    story.charge()
    town.worker.kill()
    story.charge()

    ask(town, "/_double/faults", {"match": "/capture", "delay": 3, "count": 1})
    again(town.worker)
    story.street.unplug(1)
    until(
        Payment.objects.filter(state="capturing", tries=1).exists, timeout=40, pause=0.005, what="the capture's begin"
    )
    time.sleep(0.5)
    town.worker.kill()
    assert Payment.objects.get().state == "capturing"
    until(story.captures, what="the provider to take the money that nobody waits for any more")
    again(town.worker)
    clock.advance(timedelta(minutes=3))  # the lease of the dead one
    story.ends_right()


def test_the_web_server_dies_while_the_driver_pays_and_while_the_money_is_taken(begin, town):
    story = begin("ocpp1.6")
    browser = story.driver().browser
    page = asyncio.run(browser.get(f"{town.web_url}/c/{story.connector.code}"))
    form = find_form(page, "pay")
    checkout = asyncio.run(browser.submit(page, form))
    town.web.kill()
    name = next(part for part in urlsplit(checkout.url).path.split("/") if part.startswith("cs_"))
    ask(town, f"/_double/sessions/{name}/pay", {})
    assert Payment.objects.get().state == "checkout"
    again(town.web)
    until(Payment.objects.filter(state="authorized").exists, timeout=40, what="the provider to knock again")
    story.charge()

    town.web.kill()
    story.street.unplug(1)
    until(Receipt.objects.exists, timeout=40, what="the settlement, which needs no web server")
    again(town.web)
    until(lambda: listens(town.port("web")), timeout=40, what="the web server")
    story.ends_right()
    assert status_of(f"{town.web_url}/s/{Payment.objects.get().public_id}") == 200
    assert status_of(f"{town.web_url}/r/{Receipt.objects.get().public_id}") == 200


def test_the_signal_server_dies_and_nobody_sees_an_error_page(begin, town):
    story = begin("ocpp2.0.1")
    story.pay()
    story.charge()
    town.redis.kill()
    end = time.monotonic() + 10
    public_id = Payment.objects.get().public_id
    pages = [f"/c/{story.connector.code}", f"/s/{public_id}", "/map", "/map/points.geojson", "/accounts/login/", "/"]
    answers = {}
    while time.monotonic() < end:
        for path in pages:
            answers.setdefault(path, set()).add(status_of(town.web_url + path))
        if not ChargingSession.objects.get().ended_at and end - time.monotonic() < 5:
            story.press_stop()
            until(ChargingSession.objects.exclude(ended_at=None).exists, timeout=20, what="the stop without signals")
    assert {path for path, said in answers.items() if max(said) >= 500} == set(), answers
    assert answers[f"/s/{public_id}"] == {200}
    assert status_of(f"{town.web_url}/healthz") == 503
    assert Payment.objects.get().state == "authorized"

    town.redis.start()
    story.ends_right(timeout=30)
