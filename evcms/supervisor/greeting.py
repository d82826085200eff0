"""The lines that tell the person at the terminal that it runs, and where."""

from __future__ import annotations

import json
import time
from typing import Any

from django.db import connections

from evcms import health
from evcms.supervisor.child import State
from evcms.supervisor.console import Console
from evcms.supervisor.plan import Plan
from evcms.supervisor.tree import Supervisor

LOOK_EVERY, PATIENCE = 1.0, 60.0


class Greeting:
    """Called at each look of the supervisor: looks at the health now and then, speaks once when all is well."""

    def __init__(self, plan: Plan, tree: Supervisor, console: Console, begin: float) -> None:
        self._plan, self._tree, self._console, self._begin = plan, tree, console, begin
        self._next = 0.0
        self._patient_until = time.monotonic() + PATIENCE  # from here on: what was prepared before took its own time
        self._warned = self._done = False

    def __call__(self) -> None:
        now = time.monotonic()
        if self._done or now < self._next:
            return
        self._next = now + LOOK_EVERY
        if all(child.state is State.RUNNING for child in self._tree.children) and self._healthy():
            self._greet(now - self._begin)
        elif now > self._patient_until and not self._warned:
            self._warned = True
            self._console.say(f"Not everything is well yet: {self._plan.web_url}/healthz tells what is missing.")

    def _healthy(self) -> bool:
        """The same facts as `/healthz`, without a line in the web log for each time it is too early."""
        well = not health.bad(health.report())
        connections.close_all()
        return well

    def _greet(self, seconds: float) -> None:
        self._done = True
        plan, say = self._plan, self._console.say
        say(f"\nEVCMS runs (after {seconds:.0f} s).")
        say(f"  Operators       {plan.web_url}/accounts/login/")
        say(f"  Drivers' map    {plan.web_url}/map")
        say(f"  Staff           {plan.web_url}/admin/")
        say(f"  API             {plan.web_url}/api/v1/")
        say(f"  Chargers        ws://{plan.ocpp_host}:{plan.ocpp_port}/ocpp/<identity>")
        say(f"  Health          {plan.web_url}/healthz")
        if plan.mail_catcher:
            say(f"  Inbox           http://127.0.0.1:{plan.inbox_port}/  (mails, texts, push, webhooks, chat)")
        if plan.provider_double:
            say(f"  Payment double  http://127.0.0.1:{plan.provider_port}/_double/")
        if plan.demo:
            say(f"  At a charger    http://127.0.0.1:{plan.display_port}/")
        say(f"  Logs            {plan.log_dir}")
        if plan.demo:
            self._show_demo()
        say("Ctrl-C stops everything. Everyday lines go to the logs only (-v 2 shows them here too).\n")

    def _show_demo(self) -> None:
        """What the demo's seed left for the person at the terminal (logins, token, a connector that is kept free)."""
        try:
            left: dict[str, Any] = json.loads(self._plan.demo_file("logins.json").read_text("utf-8"))  # Any: JSON
        except (OSError, ValueError):
            return
        plan, say = self._plan, self._console.say
        kept = next(iter(left.get("kept", [])), "")
        say("\n  Log in as (password for all: " + left["password"] + ")")
        for login in left["logins"]:
            say(f"    {login['who']:<13} {login['email']}")
        say(f"  API token       {left['api_token']}")
        say(f"  Try it          {self._plan.web_url}/c/{left['try']}")
        say(f"                  {self._plan.web_url}/try/ lists every way to pay and to be told, step by step")
        say("    … and pay with card 4242 4242 4242 4242, any later date, any code. No car comes there by itself:")
        say(f"    plug one in at the charger's front, http://127.0.0.1:{plan.display_port}/{kept}")
        if plan.provider_double and left.get("reader"):
            say(f"  Card reader     http://127.0.0.1:{plan.provider_port}/_double/readers/{left['reader']}")
