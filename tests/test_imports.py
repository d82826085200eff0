"""Imports point down (`.importlinter`), and the two rules that the linter cannot see."""

import re
import subprocess
import sys

from tests.fixtures.processes import BASE

ROOMS = ["evcms.core", "stations", "sessions", "billing", "alerts"]
LABELS = {"core": 0, "stations": 1, "charging": 2, "billing": 3, "alerts": 4}
READS_THE_TIME = re.compile(r"\b(?:datetime\.now|datetime\.utcnow|timezone\.now|date\.today|datetime\.today)\(")
STRING_KEY = re.compile(r"(?:ForeignKey|OneToOneField|ManyToManyField)\(\s*[\"'](\w+)\.(\w+)[\"']")


def sources(*folders):
    for folder in folders:
        for path in sorted((BASE / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, path.read_text()


def test_imports_point_down():
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=BASE,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr


def test_no_foreign_key_points_up_by_string():
    wrong = []
    for room in ROOMS:
        floor = ROOMS.index(room)
        for path, text in sources(room.replace(".", "/")):
            wrong += [
                f"{path}: {label}.{model}" for label, model in STRING_KEY.findall(text) if LABELS.get(label, -1) > floor
            ]
    assert not wrong


def test_only_the_clock_reads_the_time():
    wrong = [
        str(path.relative_to(BASE))
        for path, text in sources("evcms", "stations", "sessions", "billing", "alerts")
        if READS_THE_TIME.search(text) and path.name != "clock.py" and "simulator" not in path.parts
    ]
    assert not wrong


def test_every_tests_folder_is_a_package():
    folders = {path.parent for path in (BASE / "tests").rglob("test_*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []
