"""How long each operator page takes at the large network: 50 warm requests, what the database was asked, CPU."""

import statistics
import time
from dataclasses import asdict, dataclass

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evcms.core import memory
from tests.security.doors import ANYBODY, DRIVER, KEY, PAGES, STAFF

REQUESTS, MOST_MS, MOST_QUERIES = 50, 300, 20
PATIENCE = 30.0  # seconds for one page: a slow one is asked less often
NOT_OURS = {ANYBODY, DRIVER, KEY, STAFF}
FILES = ("export", "pdf", "zip", "photo", "file", "ocpi", "qr-sheet")  # downloads: no pages
LEADS_ON = {"analytics"}  # to another page


@dataclass(frozen=True)
class Timing:
    name: str
    status: int
    p50: float
    p95: float
    cpu: float
    database: float
    queries: int
    kilobytes: float

    @property
    def good(self):
        return self.status == 200 and self.p95 <= MOST_MS and self.queries <= MOST_QUERIES

    def line(self):
        flag = "" if self.good else "  <-- too slow" if self.p95 > MOST_MS else "  <-- look"
        return (
            f"{self.name:<26} {self.status} {self.p50:>7.0f} {self.p95:>7.0f} {self.cpu:>7.0f} {self.database:>7.0f} "
            f"{self.queries:>4} {self.kilobytes:>7.0f}{flag}"
        )


HEAD = f"{'page':<26} {'':>3} {'p50 ms':>7} {'p95 ms':>7} {'cpu ms':>7} {'sql ms':>7} {'sql':>4} {'kB':>7}"


def addresses(holdings, overrides):
    """name → address of every page of operators, with an example of each row that it is about.

    `overrides`: rows of the large network in place of the small examples (a busy station, a paid session …).
    """
    rows = vars(holdings.rows) | overrides
    found = {}
    for name, door in PAGES.items():
        if name in LEADS_ON or door.needs in NOT_OURS or door.post or any(each in name for each in FILES):
            continue
        if any(row not in rows for _argument, row, _attribute in door.rows):
            continue  # filled by an older seed
        kwargs = {argument: getattr(rows[row], attribute) for argument, row, attribute in door.rows}
        found[name] = reverse(name, kwargs=kwargs) + (f"?{door.query}" if door.query else "")
    return found | variants()


def variants():
    """Addresses that cost more than the plain page: filters, searches, the last page."""
    stations, sessions = reverse("stations"), reverse("sessions")
    return {
        "stations, status": f"{stations}?status=offline",
        "stations, free": f"{stations}?status=available",
        "stations, words": f"{stations}?q=Charger+77",
        "stations, last page": f"{stations}?page=200",
        "sessions, words": f"{sessions}?q=CARD120",
        "sessions, last page": f"{sessions}?page=20000",
        "search, words": reverse("search") + "?q=L-00077",
    }


def walk(user, found, *, requests=REQUESTS, say=print):
    """The timings of all pages, the slowest last."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    memory.settle_pages()  # as the server does
    say(HEAD)
    timings = []
    for name, address in found.items():
        timings.append(timed(client, name, address, requests))
        say(timings[-1].line())
    return sorted(timings, key=lambda timing: timing.p95)


def timed(client, name, address, requests):
    begin = time.perf_counter()
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address)
    queries, first = len(asked), time.perf_counter() - begin
    body = b"".join(answer) if answer.streaming else answer.content
    database = sum(float(query["time"]) for query in asked.captured_queries) * 1000
    elapsed, cpu = [], time.process_time()
    requests = min(requests, max(3, int(PATIENCE / first)))
    for _number in range(requests):
        begin = time.perf_counter()
        client.get(address)
        elapsed.append((time.perf_counter() - begin) * 1000)
    elapsed = elapsed or [0.0]
    return Timing(
        name, answer.status_code, statistics.median(elapsed), quantile(elapsed),
        (time.process_time() - cpu) * 1000 / max(1, requests), database, queries, len(body) / 1000,
    )  # fmt: skip


def quantile(values, share=0.95):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def as_rows(timings):
    return [asdict(timing) for timing in timings]
