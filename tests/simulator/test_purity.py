"""The simulator is the world outside: it knows nothing of the rooms that it visits."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {"alerts", "billing", "sessions", "stations", "django"}
FILES = [path for path in (ROOT / "evcms/simulator").rglob("*.py") if "provider" not in path.parts]


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_imports_nothing_of_ours_and_no_django(path: Path) -> None:
    for name in imported(path):
        assert name.split(".")[0] not in OURS, name
        assert not name.startswith("evcms.") or name.startswith("evcms.simulator"), name


def test_only_management_commands_and_the_demo_s_seed_import_it() -> None:
    folders = ("alerts", "billing", "sessions", "stations", "evcms")
    for path in (file for folder in folders for file in (ROOT / folder).rglob("*.py")):
        relative = path.relative_to(ROOT).parts
        if relative[:2] in (("evcms", "simulator"), ("evcms", "demo")) or relative[1:3] == ("management", "commands"):
            continue
        assert not any(name.startswith("evcms.simulator") for name in imported(path)), path
