"""Invented values for every variable of every message: for previews, and to check words before they are saved.

Read from the built-in words themselves, so that a new message has samples at once.
"""

import functools
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

SAID = re.compile(r"\{\{\s*([a-z_][\w.]*)")
GIVEN = re.compile(r"{%\s*blocktranslate\s+([^%]*?)%}")
ALIAS = re.compile(r"\b(\w+)=([a-z_][\w.]*)")
ASKED = re.compile(r"{%\s*(?:el)?if\s+(?:not\s+)?([a-z_][\w.]*)")
ARGUMENT = re.compile(r"\|\w+:([a-z_][\w.]*)")
INCLUDED = re.compile(r"{%\s*include\s+\"alerts/mail/([\w.]+)\"")
LISTED = re.compile(r"{%\s*for\s+(\w+)\s+in\s+([a-z_][\w.]*)")
KNOWN = "kwh|at_zone|clock_time|wall_time|join"
MOMENT = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)
LINK = "https://charging.example/"
SAMPLES: dict[str, Any] = {  # by the whole name, or its last part; Any: values of many kinds
    "page": f"{LINK}c/K7PD2", "link": f"{LINK}u/confirm/x", "unsubscribe": f"{LINK}u/x",
    "where": "Kade 12 · 1 (Harbour)",
    "label": "Kade 12 · 1", "place": "Kade 12, Rotterdam",
    "organization": "Harbour Charging", "seller": "Harbour Charging", "help": "help@charging.example",
    "person": "Anna de Vries", "amount": "12.50 €", "receipt.total": "12.50 €", "total": 3,
    "hold": "60.00 €", "energy_mwh": 23_410_000,
    "card": "Visa ·· 4242", "number": "2026-000123", "month": "May 2026",
    "day": "14 June 2026", "due_on": "14 June 2026",
    "title": "Kade 12 is offline", "opened_at": MOMENT, "resolved_at": MOMENT, "at": MOMENT, "site": "Harbour",
    "get_severity_display": "Serious", "reason": "No car was connected.", "zone": "Europe/Amsterdam",
    "topic": "free", "topics": ["free", "broken"],
    "count": 3, "more": 0, "credit": False, "confirm": False, "code": "482913", "minutes": 10, "name": "Kade 12",
    "since": MOMENT, "until": MOMENT, "due": MOMENT, "starts_at": MOMENT, "ends_at": MOMENT,
    "mine": f"{LINK}u/mine/x", "energy": 23_410_000, "cost": "12.50 €", "fee": "0.10 € per minute",
    "cause": "The station lost its power.",
    "broke_off": "The station lost its power.", "problem": "Cable or plug is damaged", "lasting": False,
    "note": "Parking stays open.", "often": False, "one_day": True,
    "labels": ["Kade 12 · 1", "Kade 12 · 2"],
    "changes": [{"labels": ["Kade 12 · 1"], "before": ["Energy: 0.49 € per kWh"], "after": ["Energy: 0.59 € per kWh"]}],
    "parts": [{"subject": "Free now: Kade 12", "text": "It is free now.", "short": "It is free.", "page": LINK}],
}  # fmt: skip


@functools.cache
def variables(template: str) -> tuple[str, ...]:
    """Names (with dots) that the built-in words of a message use, its foot included."""
    return tuple(sorted(set().union(*(_variables(source) for source in _sources(template)))))


def _sources(template: str) -> list[str]:
    mine = [path.read_text("utf-8") for path in sorted(_folder(template).glob("*.*"))]
    shared = {name for source in mine for name in INCLUDED.findall(source)}
    return [*mine, *((_folder(template).parent / name).read_text("utf-8") for name in sorted(shared))]


def _variables(source: str) -> set[str]:
    aliases = {alias: name for given in GIVEN.findall(source) for alias, name in ALIAS.findall(given)}
    loops = dict(LISTED.findall(source))
    said = {name for form in (SAID, ASKED, ARGUMENT) for name in form.findall(source)}
    said = {name for name in said if name.split(".")[0] != "forloop"}
    names = {name for name in said if name not in aliases and name.split(".")[0] not in loops}
    return names | set(aliases.values()) | set(loops.values())


def context_of(template: str) -> dict[str, Any]:
    """A context with a value for each of them. Any: template context."""
    context: dict[str, Any] = {}
    for name in variables(template):
        *path, last = name.split(".")
        place = context
        for step in path:
            inner = place.get(step)
            if not isinstance(inner, dict):
                inner = place[step] = {}
            place = inner
        if not isinstance(place.get(last), dict):
            place[last] = SAMPLES.get(name, SAMPLES.get(last, last.replace("_", " ")))
    return context


def writable(template: str) -> list[str]:
    """Each value as an editor writes it, the built-in words' filters with it: "{{ since|clock_time:zone }}".

    What only chooses between words is an `if`. Tables are left out: changed words have no loops.
    """
    context, source = context_of(template), "\n".join(_sources(template))
    rows = []
    for name in variables(template):
        value: Any = context
        for step in name.split("."):
            value = value.get(step, "") if isinstance(value, dict) else ""
        if isinstance(value, bool):
            rows.append(f"{{% if {name} %}}…{{% endif %}}")
        elif not isinstance(value, dict) and not (isinstance(value, list) and isinstance(value[0], dict)):
            rows.append(f"{{{{ {name}{_filters(name, source) or _usual(value)} }}}}")
    return rows


def _filters(name: str, source: str) -> str:
    """As the built-in words write it first, so far as changed words know the filters."""
    found = re.search(rf"(?<![\w.]){re.escape(name)}((?:\|(?:{KNOWN})(?::(?:\"[^\"]*\"|[\w.]+))?)+)", source)
    return found[1] if found else ""


def _usual(value: Any) -> str:
    """Any: a sample."""
    return '|join:", "' if isinstance(value, list) else ""


def _folder(template: str) -> Path:
    return Path(settings.BASE_DIR) / "templates" / "alerts" / "mail" / template
