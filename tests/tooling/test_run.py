"""`make test` is honest: what it counts, what it says, how it ends."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import run
from tests.fixtures.postgres_files import check_marks, postgres_files
from tests.fixtures.processes import BASE
from tests.run import Result

REPORT = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"><failure/></testcase>
<testcase name="c"><skipped/></testcase><testcase name="d"><error/></testcase><testcase name="e"/>
</testsuite></testsuites>"""


def test_both_runs_are_summed_up_in_one_closing_line(capsys):
    good = Result("tests on SQLite", True, 60, {"passed": 300, "skipped": 2, "failed": 0, "error": 0})
    more = Result("tests on PostgreSQL", True, 20, {"passed": 40, "skipped": 0, "failed": 0, "error": 0})
    assert run.tell([good, more], 80.5) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1].strip("= ") == "340 passed, 2 skipped in 80.50s"


def test_a_step_that_fails_fails_the_whole_and_is_named_at_the_end(capsys):
    lint = Result("mypy", False, 3)
    good = Result("tests on SQLite", True, 60, {"passed": 300})
    assert run.tell([lint, good], 63) == 1
    assert "300 passed, not good: mypy" in capsys.readouterr().out.strip().splitlines()[-1]


def test_failures_errors_and_skips_are_counted_apart(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    assert run.count(report) == {"failed": 1, "passed": 2, "skipped": 1, "error": 1}


def test_a_run_that_tested_nothing_is_not_good(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0))
    assert not run.suite("tests on SQLite", [], tmp_path).good


def test_without_a_postgresql_the_run_is_not_good(tmp_path, capsys):
    assert not run.suite_on_postgres(tmp_path, "").good
    assert "there is no server" in capsys.readouterr().out


def test_a_mark_that_the_run_on_postgresql_would_overlook_is_refused(request, tmp_path):
    marked = SimpleNamespace(path=Path(postgres_files()[0]), get_closest_marker=lambda name: name)
    check_marks([marked, request.node])
    marked.path = tmp_path / "test_elsewhere.py"
    with pytest.raises(AssertionError, match="test_elsewhere"):
        check_marks([marked])


def test_what_is_made_beside_the_checks_writes_bytecode(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in run.environment(tmp_path)


def test_the_exit_code_of_a_step_is_what_the_command_said(tmp_path, capfd):
    assert run.step("true", ["true"], tmp_path).good
    assert not run.step("false", ["false"], tmp_path).good


def test_continuous_integration_runs_make_test():
    script = (BASE / ".ci" / "run").read_text()
    assert script.splitlines()[-1].endswith("make --no-print-directory test")


def test_an_old_python_is_refused_with_a_sentence(tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    ended = subprocess.run(
        ["sh", "bin/setup"],
        cwd=BASE,
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(old), "VENV": str(tmp_path / "venv")},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 1
    assert "Python 3.11 or newer is needed" in ended.stderr
    assert "Python 3.9.2" in ended.stderr


def test_a_missing_python_is_named(tmp_path):
    ended = subprocess.run(
        ["sh", "bin/setup"],
        cwd=BASE,
        env={"PATH": "/usr/bin:/bin", "PYTHON": "python-of-nobody", "VENV": str(tmp_path / "venv")},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 1
    assert "there is no python-of-nobody on this machine" in ended.stderr
