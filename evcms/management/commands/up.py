"""`manage.py up`: the whole installation as one process tree; `--demo` adds the world outside."""

from __future__ import annotations

import subprocess
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError

from evcms import embedded
from evcms.environment import BASE_DIR
from evcms.supervisor import first_start, greeting, parts, plan, ports, state
from evcms.supervisor.console import Console
from evcms.supervisor.tree import Supervisor


class Command(BaseCommand):
    help = "Runs everything: web, charger gateway, worker, and what the settings leave to be embedded."
    requires_system_checks: list[str] = []  # run below, after the lock: their sentences end the start

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--demo", action="store_true", help="demo data, payment double, inbox, simulated chargers")

    def handle(self, *args: Any, **options: Any) -> None:
        begin = time.monotonic()
        what = plan.prepared()
        console = Console(what.log_dir, chatty=options["verbosity"] > 1)
        try:
            with state.lock(what.run_dir):
                self._prepare(what, console)
                tree = Supervisor(parts.of(what), console, what.run_dir)
                tree.run(greeting.Greeting(what, tree, console, begin))
        except (
            state.RunsAlready,
            ports.PortTaken,
            first_start.NotAnswered,
            embedded.NoSignalServer,
            KeyboardInterrupt,
        ) as error:
            raise CommandError(str(error) or "Stopped.") from None

    def _prepare(self, what: plan.Plan, console: Console) -> None:
        _clear_away(what, console)
        ports.demand(_wanted_ports(what))
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        self.check()
        _migrate(console)
        if what.demo:
            _seed(console)
        elif first_start.needed():
            organization = first_start.found()
            console.say(f"Founded {organization.name}.")
        connections.close_all()


def _clear_away(what: plan.Plan, console: Console) -> None:
    """What a killed supervisor left behind, where the kernel did not end it."""
    ended = state.end_left_overs(what.run_dir)
    if what.embedded_redis and (valkey := embedded.left_over(what.data_dir / "valkey")):
        embedded.stop(valkey)
        ended.append("valkey")
    if ended:
        console.say(f"Ended what an earlier start left behind: {', '.join(ended)}.")


def _wanted_ports(what: plan.Plan) -> dict[str, int]:
    wanted = {part.name: part.port for part in parts.of(what) if part.port}
    return wanted | ({"smtp": what.smtp_port} if what.mail_catcher else {})


def _migrate(console: Console) -> None:
    try:
        executor = MigrationExecutor(connection)
    except OperationalError as error:
        raise CommandError(f"The database does not answer (DATABASE_URL): {str(error).strip()}") from None
    if unknown := _steps_of_others(executor):
        raise CommandError(
            f"This database was made by another version of EVCMS (it took steps that this one does not know, "
            f"such as {unknown[0]}). Use that version, or begin afresh with an empty EVCMS_DATA_DIR or database."
        )
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        console.say(f"Bringing the database up to date ({len(waiting)} steps) …")
        call_command("migrate", interactive=False, verbosity=0)


def _steps_of_others(executor: MigrationExecutor) -> list[str]:
    """Steps of ours that the database has taken and this version does not have: its tables may be any."""
    ours = executor.loader.migrated_apps & {"core", "stations", "charging", "billing", "alerts"}
    known = executor.loader.disk_migrations
    folded = {step for migration in known.values() for step in migration.replaces}
    taken = set(executor.loader.applied_migrations) - set(known) - folded
    return sorted(f"{app}.{name}" for app, name in taken if app in ours)


def _seed(console: Console) -> None:
    """A process of its own: its memory goes when it is done."""
    connections.close_all()
    ended = subprocess.run([sys.executable, str(BASE_DIR / "manage.py"), "demo"], cwd=BASE_DIR, check=False)
    if ended.returncode:
        raise CommandError("The demo data could not be made; the lines above say why.")
