"""Calls to addresses that people typed: one checked way out, so that a form cannot reach what only we can reach.

The host is resolved here, every address it has must be public, and the connection goes to the checked address (a name
that changes its mind afterwards changes nothing). https only, no redirects, no proxies, bounded answers and times.
`OUTGOING_ALLOWED` names exact `host:port` pairs that are exempt: the doubles of the demo and the tests.
"""

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from django.conf import settings
from django.utils.translation import gettext as _
from requests.adapters import HTTPAdapter

TIMES = (5.0, 10.0)  # seconds to connect, and of silence
LONGEST_CALL = 20.0  # seconds for the whole answer
LARGEST_ANSWER = 64 * 1024
MOST_KEPT, MOST_LINES = 200, 32  # addresses, and lines to each, that wait for the next call
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Forbidden(Exception):
    """The address must not be called; the message is a sentence for a person."""


class NotSent(Exception):
    """For certain nothing arrived."""


class NoAnswer(Exception):
    """The call went out and no answer came back: it may have arrived."""


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    headers: Mapping[str, str]


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Raises Forbidden, NotSent, NoAnswer."""
    check(url)
    try:
        answer = CheckedAdapter().send(requests.Request("POST", url, dict(headers), data=body).prepare())
    except requests.RequestException as error:
        raise explained(error) from error
    return Answer(answer.status_code, answer.text[:2000], answer.headers)


def explained(error: Exception) -> Exception:
    """What a library's error means for us: sure that nothing arrived, or not."""
    sentence = f"{type(error).__name__}: {error}"[:300]
    early = (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.InvalidURL)
    refused = isinstance(error, requests.ConnectionError) and "NewConnectionError" in repr(error)
    return NotSent(sentence) if isinstance(error, early) or refused else NoAnswer(sentence)


def check(url: str) -> SplitResult:
    """What can be said without asking the network. Raises Forbidden."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Forbidden(_("This is no web address.")) from None
    if not host or parts.scheme not in ("https", "http"):
        raise Forbidden(_("Write a web address that begins with https://."))
    if exempt(host, port):
        return parts
    if parts.scheme != "https":
        raise Forbidden(_("Only https:// addresses are called."))
    if parts.username or parts.password:
        raise Forbidden(_("Write the address without a name or password in it."))
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        raise Forbidden(_("This address is inside a private network."))
    if ":" in host or host.replace(".", "").isdigit():
        demand_public(host)
    return parts


def exempt(host: str | None, port: int | None) -> bool:
    return f"{host}:{port}" in settings.OUTGOING_ALLOWED


def resolve(host: str, port: int) -> str:
    """One address of `host`, all of which are public. Raises Forbidden; NotSent when there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotSent(_("%(host)s is not found.") % {"host": host}) from error
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    if not exempt(host, port):
        for address in addresses:
            demand_public(address)
    return addresses[0]


def demand_public(address: str) -> None:
    """Raises Forbidden for what is not an address of the public internet, however it is wrapped."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        raise Forbidden(_("This is no web address.")) from None
    inner = _inner(ip)
    bad = not ip.is_global or ip.is_multicast or ip.is_reserved or ip.is_unspecified
    if bad or any(not one.is_global or one.is_multicast for one in inner):
        raise Forbidden(_("This address is inside a private network."))


def _inner(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """IPv4 addresses that an IPv6 one carries: mapped, 6to4, Teredo, NAT64."""
    if isinstance(ip, ipaddress.IPv4Address):
        return []
    found = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in NAT64:
        found.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [one for one in found if one is not None]


class CheckedAdapter(HTTPAdapter):
    """requests' way out, with our checks. Any: the parent's own signature."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = check(request.url or "")
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        address = resolve(host, port)
        request.headers.setdefault("Host", parts.netloc.rpartition("@")[2])
        request.headers["Accept-Encoding"] = "identity"
        response = _pinned(host, address).send(request, stream=True, timeout=TIMES, verify=True)
        response.headers.pop("location", None)  # nobody follows it
        response._content, whole = _body(response)
        if not whole:
            response.raw.close()  # what is left of it must not be taken for the next answer
        response._content_consumed = True
        response.close()
        return response


class _Pinned(HTTPAdapter):
    """Connects to the address that was checked; the certificate must still be the name's."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(max_retries=0, pool_maxsize=MOST_LINES)
        self.host, self.address = host, address

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        where, how = self.build_connection_pool_key_attributes(request, verify, cert)
        where["host"] = self.address
        if where["scheme"] == "https":
            how |= {"assert_hostname": self.host, "server_hostname": self.host}
        return self.poolmanager.connection_from_host(**where, pool_kwargs=how)


_kept: dict[tuple[str, str], _Pinned] = {}
_keeping = threading.Lock()


def _pinned(host: str, address: str) -> _Pinned:
    """Lines to one checked address of one name are kept for the next call; the look-up and its check are not."""
    with _keeping:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        return _kept.setdefault((host, address), _Pinned(host, address))


def hang_up() -> None:
    """Lets kept lines go; calls that are under way end as they would."""
    with _keeping:
        _kept.clear()


def _body(response: requests.Response) -> tuple[bytes, bool]:
    """The answer, cut where it grows too long or comes too slowly; and whether that is all of it."""
    parts: list[bytes] = []
    size, until = 0, time.monotonic() + LONGEST_CALL
    while size < LARGEST_ANSWER and time.monotonic() < until:
        try:
            piece = response.raw.read1(4096)
        except Exception:  # the status has come: the rest is decoration
            break
        if not piece:
            return b"".join(parts)[:LARGEST_ANSWER], True
        parts.append(piece)
        size += len(piece)
    return b"".join(parts)[:LARGEST_ANSWER], False


@dataclass
class Seen:
    """What a library's call met: the last status, or the error."""

    status: int = 0
    text: str = ""
    error: Exception | None = None


_lent = threading.local()
_plain_send = HTTPAdapter.send


@contextlib.contextmanager
def lend() -> Iterator[Seen]:
    """Within it, every call of this thread through `requests` (a library's own) goes the checked way."""
    HTTPAdapter.send = _send  # type: ignore[method-assign, assignment]
    _lent.seen = seen = Seen()
    try:
        yield seen
    finally:
        del _lent.seen


def _send(adapter: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
    seen: Seen | None = getattr(_lent, "seen", None)
    if seen is None or isinstance(adapter, CheckedAdapter | _Pinned):
        return _plain_send(adapter, request, *args, **kwargs)
    try:
        response = CheckedAdapter().send(request)
    except (Forbidden, NotSent) as error:
        seen.error = error
        raise requests.ConnectionError(str(error)) from error
    except requests.RequestException as error:
        seen.error = explained(error)
        raise
    seen.status, seen.text = response.status_code, response.text[:300]
    return response
