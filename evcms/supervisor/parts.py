"""What the supervisor runs: each part of the installation as a command line."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from evcms import embedded
from evcms.environment import BASE_DIR
from evcms.supervisor.plan import Plan

LIVELY = ("--tempo", "8", "--sample-seconds", "15")  # drivers come and go faster, meters speak often


@dataclass(frozen=True)
class Part:
    """One process: how to start it, what it waits for, how long it may take to end.

    `port` is what it listens on; the part counts as ready when the port answers (at once when it has none).
    `after` names parts that must be ready first. Times are seconds.
    """

    name: str
    argv: tuple[str, ...]
    port: int | None = None
    after: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    stop_timeout: float = 8.0


def _manage(*words: str) -> tuple[str, ...]:
    return (sys.executable, str(BASE_DIR / "manage.py"), *words)


def _python(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *words)


def of(plan: Plan) -> list[Part]:
    """The parts in the order in which they start; they stop in reverse."""
    made = [_valkey(plan)] if plan.embedded_redis else []
    signals = tuple(part.name for part in made)
    if plan.provider_double:
        made.append(_provider(plan))
    if plan.mail_catcher:
        made.append(_inbox(plan))
    made += [_worker(plan, signals), *_gateways(plan, signals), _web(plan, signals)]
    if plan.demo:
        made.append(_simulator(plan))
    return made


def _valkey(plan: Plan) -> Part:
    password = urlsplit(plan.environment["REDIS_URL"]).password or ""
    argv = embedded.command(plan.data_dir / "valkey", plan.redis_port, password)
    return Part("valkey", tuple(argv), port=plan.redis_port)


def _worker(plan: Plan, after: tuple[str, ...]) -> Part:
    argv = _python("celery", "--quiet", "-A", "evcms.celery", "worker", "-B", "-s", str(plan.run_dir / "beat-schedule"))
    options = ("--concurrency", str(plan.worker_processes), "--loglevel", "INFO", "--without-mingle")
    quiet = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser"} if plan.demo else {}
    return Part("worker", argv + options, after=after, env=quiet, stop_timeout=15)


def _gateways(plan: Plan, after: tuple[str, ...]) -> list[Part]:
    """The first listens on EVCMS_OCPP_PORT, each further one on the next port."""
    return [
        Part(
            "gateway" if number == 0 else f"gateway-{number + 1}",
            _manage("gateway"),
            port=plan.ocpp_port + number,
            after=after,
            env={"EVCMS_OCPP_PORT": str(plan.ocpp_port + number), "EVCMS_OCPP_HOST": plan.ocpp_host},
        )
        for number in range(plan.gateways)
    ]


def _web(plan: Plan, after: tuple[str, ...]) -> Part:
    argv = _python("daphne", "-v", "0", "-b", plan.web_host, "-p", str(plan.web_port), "evcms.asgi:application")
    return Part("web", argv, port=plan.web_port, after=after)


def _provider(plan: Plan) -> Part:
    argv = _python("evcms.simulator.provider", "--port", str(plan.provider_port))
    return Part("provider", argv + plan.provider_options, port=plan.provider_port)


def _inbox(plan: Plan) -> Part:
    ports = ("--smtp-port", str(plan.smtp_port), "--http-port", str(plan.inbox_port))
    database = ("--database", str(plan.data_dir / "inbox.sqlite3"))
    return Part("inbox", _python("evcms.simulator.inbox") + ports + database, port=plan.inbox_port)


def _simulator(plan: Plan) -> Part:
    url = f"ws://127.0.0.1:{plan.ocpp_port}/ocpp/"
    argv = _manage("simulate", "--fleet", str(fleet_file(plan)), "--url", url, "--web", plan.web_url, *LIVELY)
    argv += ("--display-port", str(plan.display_port))
    return Part("simulator", argv, port=plan.display_port, after=("gateway", "web"), stop_timeout=5)


def fleet_file(plan: Plan) -> Path:
    return plan.demo_file("fleet.json")
