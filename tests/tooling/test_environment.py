"""Values and secrets from the environment."""

import os
import stat
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from evcms import environment
from tests.fixtures.processes import BASE

READ = "from evcms import environment; print(environment.secret('NO_SUCH', 'key'))"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EVCMS_DATA_DIR", str(tmp_path / "var"))
    return tmp_path / "var"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_made_once_and_only_its_owner_reads_it(folder):
    made = environment.secret("NO_SUCH", "key")
    assert len(made) >= 50
    assert environment.secret("NO_SUCH", "key") == made
    assert mode(folder / "secrets" / "key") == 0o600
    assert mode(folder / "secrets") == 0o700


def test_a_secret_from_the_environment_is_never_written(folder, monkeypatch):
    monkeypatch.setenv("NO_SUCH", "from outside")
    assert environment.secret("NO_SUCH", "key") == "from outside"
    assert not (folder / "secrets").exists()


def test_processes_that_start_together_agree_on_the_secret(folder):
    readers = [
        subprocess.Popen([sys.executable, "-c", READ], cwd=BASE, env={**os.environ}, stdout=subprocess.PIPE)
        for _ in range(6)
    ]
    assert len({reader.communicate(timeout=30)[0] for reader in readers}) == 1


@pytest.mark.parametrize("word", ["maybe", "2", "ja"])
def test_a_word_that_is_neither_yes_nor_no_is_refused_by_name(monkeypatch, word):
    monkeypatch.setenv("EVCMS_DEBUG", word)
    with pytest.raises(ImproperlyConfigured, match="EVCMS_DEBUG must be 1 or 0"):
        environment.flag("EVCMS_DEBUG")


@pytest.mark.parametrize(("word", "complaint"), [("many", "whole number"), ("70000", "between"), ("-1", "between")])
def test_a_number_out_of_range_is_refused_by_name(monkeypatch, word, complaint):
    monkeypatch.setenv("EVCMS_PORT", word)
    with pytest.raises(ImproperlyConfigured, match=f"EVCMS_PORT must be .*{complaint}"):
        environment.whole("EVCMS_PORT", 8000, least=1, most=65535)


def test_every_variable_that_the_code_reads_is_explained_in_the_example():
    """`.env.example` lists them all; a variable that nobody can find does not exist."""
    import re

    pattern = re.compile(r"(?:text|flag|whole|words|secret|_port|_whole)\(\s*\"([A-Z][A-Z0-9_]+)\"")
    read = set()
    for path in [*(BASE / "evcms").rglob("*.py"), *(BASE / "stations").rglob("*.py")]:
        read |= set(pattern.findall(path.read_text()))
    explained = set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", (BASE / ".env.example").read_text(), re.MULTILINE))
    assert read - explained == set()
    assert "ANYMAIL_" in (BASE / ".env.example").read_text()
