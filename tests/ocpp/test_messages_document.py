"""docs/ocpp-messages.md says what the code does."""

import re
from pathlib import Path

from evcms.ocpp.versions import VERSIONS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "ocpp-messages.md"
PROTOCOLS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
ROW = re.compile(r"^\| (\w+) \| ([✓–]) \| ([✓–]) \| ([✓–]) \| (.+) \|$", re.MULTILINE)


def table(title):
    """First word of a line → the versions that are ticked."""
    text = DOCUMENT.read_text("utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [match.groups() for match in ROW.finditer(text)]
    assert all(told for *_, told in rows)
    return {
        name: {protocol for protocol, mark in zip(PROTOCOLS, marks, strict=True) if mark == "✓"}
        for name, *marks, _told in rows
    }


def ticked(names_of):
    found = {}
    for protocol in PROTOCOLS:
        for name in names_of(VERSIONS[protocol]):
            found.setdefault(name, set()).add(protocol)
    return found


def test_every_message_that_is_heard_has_its_line():
    assert table("From the station") == ticked(lambda version: version.HANDLERS)


def test_every_command_has_its_line():
    assert table("To the station") == ticked(lambda version: [kind.__name__ for kind in version.COMMANDS])
