"""Connections are kept for a batch, and one that died in between costs neither a message nor a double."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller

from alerts import services
from alerts.channels.email import lines
from alerts.models import DeliveryAttempt, Destination, Notification
from alerts.services import sending
from evcms.core import outgoing
from tests.alerts.channels.conftest import tell, until
from tests.alerts.conftest import make_contact
from tests.environment import free_port

pytestmark = pytest.mark.django_db(transaction=True)


class MailServer:
    """Counts lines; `manners` is what it does to a mail by its number: take it, close after it, 421, or a refusal."""

    def __init__(self):
        self.greeted, self.mails, self.manners, self._lock = 0, [], {}, threading.Lock()

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        with self._lock:
            self.greeted += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        session.mails = getattr(session, "mails", 0) + 1
        if session.mails > self.manners.get("most_a_line", 10_000):
            return "421 enough of this line"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.manners:
            return self.manners[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        with self._lock:
            self.mails.append(envelope.rcpt_tos[0])
        if "data" in self.manners:
            return self.manners["data"]
        if session.mails >= self.manners.get("hangs_up_after", 10_000):
            server.transport.write(b"250 kept\r\n421 good-bye\r\n")
            server.transport.close()
        return "250 kept"


@pytest.fixture
def server(settings):
    box = MailServer()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.MAIL_ON = "127.0.0.1", controller.port, True
    yield box
    controller.stop()


@pytest.fixture
def one_hand(monkeypatch):
    """One call after the other, so that lines are met again."""
    monkeypatch.setattr(sending, "HANDS", 1)


def people(organization, number):
    for each in range(number):
        tell(make_contact(organization, f"p{each}@example.org"), f"k{each}")
    return [f"p{each}@example.org" for each in range(number)]


def states():
    return set(Notification.objects.values_list("state", flat=True))


def test_a_batch_of_mails_needs_one_line_for_each_hand(organization, server):
    names = people(organization, 60)
    assert services.send_due() == 60
    assert sorted(server.mails) == sorted(names)
    assert server.greeted <= sending.HANDS
    assert not lines._idle  # nothing is kept open when the batch is out


@pytest.mark.parametrize(
    ("manners", "greeted"), [({"hangs_up_after": 3}, 4), ({"most_a_line": 3}, 4), ({"most_a_line": 1}, 10)]
)
def test_a_server_that_has_enough_of_a_line_loses_and_doubles_nothing(organization, server, one_hand, manners, greeted):
    server.manners |= manners
    names = people(organization, 10)
    assert services.send_due() == 10
    assert sorted(server.mails) == sorted(names)
    assert server.greeted == greeted
    assert set(DeliveryAttempt.objects.values_list("outcome", flat=True)) == {"accepted"}


def test_each_mail_has_its_own_outcome_on_a_shared_line(organization, server, one_hand):
    server.manners |= {"p1@example.org": "550 5.1.1 no such user", "p3@example.org": "451 later"}
    people(organization, 5)
    assert services.send_due() == 3
    found = dict(Notification.objects.values_list("to", "state"))
    assert found == {f"p{n}@example.org": {1: "failed", 3: "queued"}.get(n, "sent") for n in range(5)}


def test_a_server_that_is_away_is_no_unknown_outcome(organization, server, settings):
    settings.EMAIL_PORT = free_port()
    people(organization, 1)
    assert services.send_due() == 0
    assert DeliveryAttempt.objects.get().outcome == "refused"


@pytest.mark.parametrize(
    ("answer", "dead"),
    [
        ("550 no such user", True),
        ("550 5.1.1 no such user", True),
        ("550 5.2.1 mailbox disabled", True),
        ("552 5.2.2 mailbox full", False),
        ("550 5.7.1 relaying denied", False),
        ("553 5.1.8 your own domain is unknown", False),
    ],
)
def test_only_an_address_that_is_dead_is_disabled_not_one_that_is_full_or_a_server_that_dislikes_us(
    organization, server, answer, dead
):
    server.manners["p0@example.org"] = answer
    people(organization, 1)
    services.send_due()
    assert states() == {"failed"}
    assert bool(Destination.objects.get().disabled_at) == dead


@pytest.mark.parametrize(("answer", "state"), [("554 5.6.0 these words", "failed"), ("451 later", "queued")])
def test_words_that_are_refused_do_not_disable_the_address(organization, server, answer, state):
    server.manners["data"] = answer
    people(organization, 1)
    services.send_due()
    assert states() == {state}
    assert Destination.objects.get().disabled_at is None


# HTTP ----------------------------------------------------------------------------------------------------


class Receiver(ThreadingHTTPServer):
    daemon_threads = True
    lines = closed = 0

    def shutdown_request(self, request):
        super().shutdown_request(request)
        self.closed += 1


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.lines += 1

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b"x" * (200_000 if self.path == "/huge" else 2)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.path == "/closes"  # and does not say so

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver(settings):
    server = Receiver(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    settings.OUTGOING_ALLOWED = [f"127.0.0.1:{server.server_port}"]
    yield server
    outgoing.hang_up()
    server.shutdown()
    server.server_close()


def calls(receiver, path, times=5):
    return [outgoing.post(f"http://127.0.0.1:{receiver.server_port}{path}", b"{}", {}) for _ in range(times)]


def test_calls_to_one_receiver_share_a_line(receiver):
    assert {answer.text for answer in calls(receiver, "/")} == {"xx"}
    assert receiver.lines == 1
    outgoing.hang_up()
    calls(receiver, "/", 1)
    assert receiver.lines == 2


def test_a_line_that_the_receiver_closed_is_replaced_and_one_with_a_rest_on_it_is_not_used_again(receiver):
    calls(receiver, "/closes", 1)
    until(lambda: receiver.closed == 1)
    assert {len(answer.text) for answer in calls(receiver, "/huge", 2)} == {2000}
    assert {answer.text for answer in calls(receiver, "/")} == {"xx"}


def test_a_kept_line_is_no_way_round_the_check(receiver, settings):
    calls(receiver, "/", 1)
    settings.OUTGOING_ALLOWED = []
    with pytest.raises(outgoing.Forbidden):
        calls(receiver, "/", 1)
    assert receiver.lines == 1
