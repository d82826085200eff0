"""Addresses that people typed lead to the public internet or nowhere, whatever name or wrapping they come in."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from evcms.core import outgoing

INSIDE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused_as_it_stands_and_behind_a_name(address, monkeypatch):
    literal = f"[{address}]" if ":" in address else address
    with pytest.raises(outgoing.Forbidden):
        outgoing.check(f"https://{literal}/hook")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    entry = (family, socket.SOCK_STREAM, 6, "", (address, 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [entry])
    with pytest.raises(outgoing.Forbidden):
        outgoing.post("https://innocent.example/hook", b"{}", {})


def test_one_address_inside_among_public_ones_is_enough_to_refuse(monkeypatch):
    found = [(socket.AF_INET, 1, 6, "", (address, 443)) for address in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    with pytest.raises(outgoing.Forbidden):
        outgoing.resolve("both.example", 443)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "https://localhost/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://user:secret@example.org/",
        "https://[::1",
        "https://example.org:99999/",
        "nonsense",
        "",
    ],
)
def test_what_is_no_public_https_address_is_refused_with_a_sentence(url):
    with pytest.raises(outgoing.Forbidden, match=r"\w+ .*\."):
        outgoing.check(url)


class _Server(HTTPServer):
    asked = 0


class _Elsewhere(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.asked += 1
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/inside")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        if self.path == "/huge":
            for _ in range(200):
                self.wfile.write(b"x" * 4096)

    do_GET = do_POST

    def log_message(self, *args):
        pass


@pytest.fixture
def server(settings):
    server = _Server(("127.0.0.1", 0), _Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.OUTGOING_ALLOWED = [f"127.0.0.1:{server.server_port}"]
    yield server
    server.shutdown()
    server.server_close()


def test_a_redirect_is_not_followed(server):
    answer = outgoing.post(f"http://127.0.0.1:{server.server_port}/redirect", b"{}", {})
    assert answer.status == 302
    assert server.asked == 1


def test_a_huge_answer_is_cut(server):
    answer = outgoing.post(f"http://127.0.0.1:{server.server_port}/huge", b"{}", {})
    assert (answer.status, len(answer.text)) == (200, 2000)


def test_only_the_exact_host_and_port_of_the_doubles_are_exempt(server):
    for address in (f"127.0.0.1:{server.server_port + 1}", f"127.0.0.2:{server.server_port}"):
        with pytest.raises(outgoing.Forbidden):
            outgoing.post(f"http://{address}/", b"{}", {})


def test_a_name_that_changes_its_mind_is_called_at_the_address_that_was_checked(server, settings, monkeypatch):
    """DNS rebinding: the second look-up would lead inside, but there is none."""
    looks = []

    def look_up(host, port, *args, **kwargs):
        looks.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", look_up)
    settings.OUTGOING_ALLOWED = [f"receiver.example:{server.server_port}"]
    assert outgoing.post(f"http://receiver.example:{server.server_port}/", b"{}", {}).status == 200
    assert looks.count("receiver.example") == 1


def test_a_library_s_own_call_goes_the_checked_way_while_it_is_lent(server):
    with outgoing.lend() as seen, pytest.raises(requests.ConnectionError):
        requests.post("http://169.254.169.254/latest/meta-data", timeout=1)
    assert isinstance(seen.error, outgoing.Forbidden)
    with outgoing.lend() as seen:
        requests.post(f"http://127.0.0.1:{server.server_port}/redirect", timeout=1)
    assert (seen.status, server.asked) == (302, 1)


def test_a_closed_port_means_that_nothing_arrived_and_silence_that_nobody_knows(settings):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        settings.OUTGOING_ALLOWED = [f"127.0.0.1:{port}"]
        with pytest.raises(outgoing.NotSent):
            outgoing.post(f"http://127.0.0.1:{port}/", b"{}", {})
        deaf.listen()
        taken = threading.Thread(target=lambda: deaf.accept()[0].close(), daemon=True)
        taken.start()
        with pytest.raises(outgoing.NoAnswer):
            outgoing.post(f"http://127.0.0.1:{port}/", b"{}", {})
