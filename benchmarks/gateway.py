"""`make bench`: the charger gateway against a bare echo on the same server with the same clients.

Prints a table and writes var/bench.json. CPU is that of the server's process (all its threads), read from the
kernel around the measured time; the clients run in a process of their own.
"""

# ruff: noqa: E402  (run as a script: the path comes first)

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BASE))

import psutil

from evcms import embedded
from evcms.supervisor.orphans import tied_to_me
from tests.environment import free_port
from tests.fixtures import postgres

RESULT = BASE / "var" / "bench.json"
PROTOCOLS = ("ocpp1.6", "ocpp2.0.1")
STATIONS = 1000
IN_FLIGHT = 200
WARM_UP = 1.5  # s
MOST_RATIO = 6.0
MOST_BOOT_CPU = 20.0
MOST_KIB = 40.0
MODES = ("memory", "boot", "heartbeats", "sessions", "one")
FIELDS = (
    "mode",
    "protocol",
    "database",
    "in_flight",
    "gateway_ms_per_call",
    "total_ms_per_call",
    "calls_per_s",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "kib_per_connection",
    "failed",
    "ratio_to_echo",
)
CLIENT = [sys.executable, str(BASE / "benchmarks" / "client.py")]


class Server:
    """A child process that listens; its CPU and memory."""

    def __init__(self, argv, port, env, log):
        self.port = port
        self.log = log
        with log.open("ab") as out:
            self.child = subprocess.Popen(argv, env=env, cwd=BASE, stdout=out, stderr=out, preexec_fn=tied_to_me())
        self.process = psutil.Process(self.child.pid)
        end = time.monotonic() + 60
        while not _listens(port):
            if self.child.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"The server did not start:\n{log.read_text()[-4000:]}")
            time.sleep(0.1)

    def cpu(self):
        """Seconds of all its threads so far."""
        times = self.process.cpu_times()
        return times.user + times.system

    def pss_kib(self):
        text = Path(f"/proc/{self.child.pid}/smaps_rollup").read_text()
        return int(next(line for line in text.splitlines() if line.startswith("Pss:")).split()[1])

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def _listens(port):
    import socket

    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
        return True
    return False


class Client:
    """The stations' process: `begin` once it is ready, `result` when its time is over."""

    def __init__(self, mode, port, protocol, stations, seconds):
        argv = [*CLIENT, mode, str(port), protocol, str(stations), str(seconds)]
        self.child = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=BASE, preexec_fn=tied_to_me()
        )
        self.ready = json.loads(self._line())

    def _line(self):
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit("The bench's client ended early.")
        return line

    def begin(self):
        self.child.stdin.write("go\n")
        self.child.stdin.flush()

    def result(self):
        return json.loads(self._line())

    def end(self):
        with contextlib.suppress(OSError):
            self.child.stdin.write("bye\n")
            self.child.stdin.close()
        self.child.wait(30)


def measure(server, mode, protocol, stations, seconds, *, others=lambda: 0.0):
    """Run the client against the server; `others` gives the CPU seconds of the database server.

    Echo and gateway alike are measured warm: after a first round of the same work that is not counted.
    """
    if seconds:
        warm_up(server, mode, protocol, stations)
    client = Client(mode, server.port, protocol, stations, seconds)
    time.sleep(0.5)
    before, before_others = server.cpu(), others()
    client.begin()
    seen = client.result()
    cpu, cpu_others = server.cpu() - before, others() - before_others
    client.end()
    calls = max(1, seen["calls"])
    return seen | {
        "mode": mode,
        "protocol": protocol,
        "in_flight": stations,
        "cpu_s": round(cpu, 2),
        "gateway_ms_per_call": round(cpu / calls * 1000, 4),
        "total_ms_per_call": round((cpu + cpu_others) / calls * 1000, 4),
        "kib_per_connection": None,
        "ratio_to_echo": None,
    }


def warm_up(server, mode, protocol, stations):
    client = Client(mode, server.port, protocol, stations, WARM_UP)
    client.begin()
    client.result()
    client.end()


def memory(server, protocol):
    """Growth of PSS between 200 and 1,000 idle connections that have booted, in KiB for each."""
    few = Client("standing", server.port, protocol, IN_FLIGHT, 0)
    time.sleep(1)
    before = server.pss_kib()
    few.begin()
    few.result()
    many = Client("standing", server.port, protocol, STATIONS, IN_FLIGHT)
    time.sleep(1)
    growth = (server.pss_kib() - before) / (STATIONS - IN_FLIGHT)
    many.begin()
    many.result()
    many.end()
    few.end()
    return round(growth, 1)


def environment(folder, database_url, redis_url):
    env = os.environ | {
        "EVCMS_DATA_DIR": str(folder),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LOG_LEVEL": "WARNING",
        "EVCMS_TESTING": "0",
        "EVCMS_DEMO": "0",
        "EMAIL_FROM": "bench@evcms.example",
    }
    env.pop("EVCMS_CLOCK_FILE", None)
    return env


def prepare(folder, database_url, redis_url):
    argv = [sys.executable, str(BASE / "benchmarks" / "prepare.py"), str(STATIONS)]
    subprocess.run(argv, env=environment(folder, database_url, redis_url), cwd=BASE, check=True)


def gateway(folder, database_url, redis_url):
    port = free_port()
    argv = [sys.executable, str(BASE / "manage.py"), "gateway", "--host", "127.0.0.1", "--port", str(port)]
    return Server(argv, port, environment(folder, database_url, redis_url), folder / "gateway.log")


def echo_runs(folder, options, runs):
    port = free_port()
    server = Server(
        [sys.executable, str(BASE / "benchmarks" / "echo.py"), str(port)], port, os.environ, folder / "echo.log"
    )
    try:
        for protocol in options.protocols:
            for stations in (IN_FLIGHT, 1):
                run = measure(server, "echo", protocol, stations, options.seconds)
                runs.add(run | {"database": "", "ratio_to_echo": 1.0})
    finally:
        server.stop()


def gateway_runs(folder, database, database_url, redis_url, options, runs, others=lambda: 0.0):
    """Memory of a fresh process, boot storm of another, heartbeats, sessions with many and with one in flight."""
    work = {
        "boot": ("boot", STATIONS, 0),
        "heartbeats": ("heartbeats", IN_FLIGHT, options.seconds),
        "sessions": ("sessions", IN_FLIGHT, options.seconds),
        "one": ("sessions", 1, options.seconds),
    }
    for protocol in options.protocols:
        home = folder / f"{database}-{protocol}"
        home.mkdir()
        url = database_url(home)
        prepare(home, url, redis_url)
        kib = memory_of_fresh_process(home, url, redis_url, protocol) if "memory" in options.modes else None
        server = gateway(home, url, redis_url)
        try:
            for mode, stations, seconds in (each for name, each in work.items() if name in options.modes):
                run = measure(server, mode, protocol, stations, seconds, others=others)
                runs.add(run | {"database": database, "kib_per_connection": kib})
        finally:
            server.stop()


def memory_of_fresh_process(home, url, redis_url, protocol):
    server = gateway(home, url, redis_url)
    try:
        return memory(server, protocol)
    finally:
        server.stop()


def postgres_cpu(user_port):
    """CPU seconds of all processes of the server that listens on this port, ended backends included."""

    def read():
        total = 0.0
        for process in psutil.process_iter(["name", "cmdline"]):
            with contextlib.suppress(psutil.Error):
                if process.info["name"] == "postgres" and str(user_port) in " ".join(process.info["cmdline"]):
                    for each in [process, *process.children(recursive=True)]:
                        with contextlib.suppress(psutil.Error):
                            times = each.cpu_times()
                            total += times.user + times.system
                    times = process.cpu_times()
                    total += times.children_user + times.children_system
        return total

    return read


class Runs(list):
    """What was measured so far. Each run gets its ratio, is written to the file and told at once."""

    def add(self, run):
        same = (run["protocol"], run["in_flight"])
        for echo in self:
            if echo["mode"] == "echo" and (echo["protocol"], echo["in_flight"]) == same:
                run["ratio_to_echo"] = round(run["gateway_ms_per_call"] / echo["gateway_ms_per_call"], 2)
        self.append(run)
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps({"runs": self}, indent=1) + "\n")
        print(*(_cell(run.get(field)) or "-" for field in FIELDS), flush=True)


def table(runs):
    widths = {field: max(len(field), *(len(_cell(run.get(field))) for run in runs)) for field in FIELDS}
    lines = ["  ".join(field.ljust(widths[field]) for field in FIELDS)]
    lines += ["  ".join(_cell(run.get(field)).ljust(widths[field]) for field in FIELDS) for run in runs]
    return "\n".join(lines)


def _cell(value):
    return "" if value is None else str(value)


def verdicts(runs):
    """Sentences about the goals; each begins with 'reached' or 'MISSED'."""
    for run in runs:
        name = f"{run['protocol']} on {run['database']}"
        if run["mode"] == "boot":
            good = not run["failed"] and run["calls"] >= STATIONS and run["cpu_s"] <= MOST_BOOT_CPU
            yield good, f"{STATIONS} boots, {name}: {run['cpu_s']} s of gateway CPU, {run['failed']} failed"
            if (kib := run["kib_per_connection"]) is not None:
                yield kib < MOST_KIB, f"memory, {name}: {kib} KiB for each idle connection"
        elif run["mode"] == "sessions" and run["database"] == "sqlite" and run["in_flight"] == IN_FLIGHT:
            ratio = run["ratio_to_echo"]
            yield ratio <= MOST_RATIO and not run["failed"], f"sessions, {name}: {ratio} × the echo's CPU for a call"


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each measurement")
    parser.add_argument("--protocols", nargs="+", default=PROTOCOLS, choices=PROTOCOLS)
    parser.add_argument("--databases", nargs="+", default=("sqlite", "postgresql"))
    parser.add_argument("--modes", nargs="+", default=MODES, choices=MODES, help="one: sessions, one in flight")
    return parser.parse_args()


def main():
    chosen = options()
    with tempfile.TemporaryDirectory(prefix="evcms-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        signals = stack.enter_context(embedded.serving(folder / "valkey", free_port()))
        runs = Runs()
        echo_runs(folder, chosen, runs)
        if "sqlite" in chosen.databases:
            gateway_runs(folder, "sqlite", lambda home: f"sqlite:///{home}/bench.sqlite3", signals.url, chosen, runs)
        if "postgresql" in chosen.databases:
            on_postgres(folder, signals.url, chosen, runs)
    report(runs)


def on_postgres(folder, redis_url, chosen, runs):
    """Durable as in production: the test server's shortcuts are taken back."""
    postgres.OPTIONS.update(fsync="on", full_page_writes="on")
    for protocol in chosen.protocols:
        try:
            with postgres.serving() as url:
                port = url.rsplit(":", 1)[1].split("/")[0]
                one = argparse.Namespace(**vars(chosen) | {"protocols": (protocol,)})
                gateway_runs(folder, "postgresql", lambda home: url, redis_url, one, runs, postgres_cpu(port))
        except postgres.NoPostgres as error:
            print(f"PostgreSQL left out: {error}")
            return


def report(runs):
    print(table(runs))
    missed = False
    for good, sentence in verdicts(runs):
        missed |= not good
        print(("reached: " if good else "MISSED:  ") + sentence)
    print(f"Written to {RESULT.relative_to(BASE)}.")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
