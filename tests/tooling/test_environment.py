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


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("nonsense", "begin with sqlite:// or postgres://"),
        ("postgres", "begin with"),
        ("mysql://root:hush@localhost/evcms", "begin with"),
        ("postgres://u:hush@localhost:abc/x", "cannot be read: .*the port a number"),
        ("postgres://u:hush@localhost:99999/x", "cannot be read"),
        ("postgres://u:hu/sh@[localhost/x", "cannot be read"),
        ("postgres://u:hush@localhost", "names no database"),
    ],
)
def test_a_database_that_cannot_be_read_is_refused_by_name_and_its_password_kept(monkeypatch, address, complaint):
    monkeypatch.setenv("DATABASE_URL", address)
    with pytest.raises(ImproperlyConfigured, match=f"DATABASE_URL .*{complaint}") as said:
        environment.database("DATABASE_URL", "sqlite:///x")
    assert "hush" not in str(said.value)


def test_a_good_database_is_read(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://u:p%40w@localhost:5433/evcms")
    found = environment.database("DATABASE_URL", "sqlite:///x")
    assert (found["NAME"], found["PORT"], found["PASSWORD"]) == ("evcms", 5433, "p@w")
    monkeypatch.delenv("DATABASE_URL")
    assert environment.database("DATABASE_URL", "sqlite:////a/b.sqlite3")["NAME"] == "/a/b.sqlite3"


def test_a_level_that_does_not_exist_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("LOG_LEVEL", "debug")
    assert environment.one_of("LOG_LEVEL", "INFO", ("INFO", "DEBUG")) == "DEBUG"
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    with pytest.raises(ImproperlyConfigured, match="LOG_LEVEL must be one of INFO, DEBUG, not 'LOUD'"):
        environment.one_of("LOG_LEVEL", "INFO", ("INFO", "DEBUG"))


@pytest.mark.parametrize("place", ["/proc/x", "{tmp}/file", "{tmp}/file/below"])
def test_a_folder_that_cannot_be_written_is_refused_by_name(monkeypatch, tmp_path, place):
    (tmp_path / "file").write_text("here already")
    monkeypatch.setenv("EVCMS_DATA_DIR", place.format(tmp=tmp_path))
    with pytest.raises(ImproperlyConfigured, match="EVCMS_DATA_DIR must be a folder that we may write to"):
        environment.usable_data_dir()


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_URL", "nonsense"), ("LOG_LEVEL", "LOUD"), ("EVCMS_DATA_DIR", "/proc/x"), ("EVCMS_PORT", "many")],
)
def test_a_start_with_a_wrong_setting_ends_in_one_sentence(folder, name, value):
    start = [sys.executable, "manage.py", "up"]
    ended = subprocess.run(start, cwd=BASE, env={**os.environ, name: value}, capture_output=True, timeout=30, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"EVCMS cannot start: {name} ")
    assert "Traceback" not in ended.stderr


def test_a_public_address_without_its_scheme_is_our_sentence_alone(folder):
    given = {**os.environ, "PUBLIC_URL": "charging.example"}
    asked = [sys.executable, "manage.py", "check"]
    ended = subprocess.run(asked, cwd=BASE, env=given, capture_output=True, timeout=60, text=True)
    assert ended.returncode == 1
    assert "evcms.E002" in ended.stderr
    assert "4_0.E001" not in ended.stderr


def test_every_variable_that_the_code_reads_is_explained_in_the_example():
    """`.env.example` lists them all; a variable that nobody can find does not exist."""
    import re

    pattern = re.compile(r"(?:text|flag|whole|words|secret|one_of|database|_port|_whole)\(\s*\"([A-Z][A-Z0-9_]+)\"")
    read = set()
    for path in [*(BASE / "evcms").rglob("*.py"), *(BASE / "stations").rglob("*.py")]:
        read |= set(pattern.findall(path.read_text()))
    explained = set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", (BASE / ".env.example").read_text(), re.MULTILINE))
    assert read - explained == set()
    assert "ANYMAIL_" in (BASE / ".env.example").read_text()
