"""The embedded signal server is a real one, leaves nothing behind and is found again."""

import subprocess

import pytest
import redis

from evcms import embedded
from tests.environment import free_port


def test_it_serves_redis_clients_and_ends_with_its_block(tmp_path):
    port = free_port()
    with embedded.serving(tmp_path, port) as running:
        client = redis.Redis.from_url(running.url)
        client.set("word", "kept")
        assert client.get("word") == b"kept"
        assert embedded.answers(port)
    assert not embedded.answers(port)


def test_with_a_password_strangers_are_kept_out(tmp_path):
    port = free_port()
    with subprocess.Popen(embedded.command(tmp_path, port, "secret"), stdout=subprocess.DEVNULL) as server:
        try:
            assert embedded.wait_until_answers(port)
            with pytest.raises(redis.AuthenticationError):
                redis.Redis(port=port).get("word")
            assert redis.Redis(port=port, password="secret").set("word", "kept")
            assert (tmp_path / "valkey.conf").stat().st_mode & 0o077 == 0
        finally:
            server.terminate()


def test_it_writes_no_data_to_disk(tmp_path):
    with embedded.serving(tmp_path, free_port()) as running:
        redis.Redis.from_url(running.url).set("word", "lost")
    assert not list(tmp_path.glob("*.rdb"))
    assert not list(tmp_path.glob("**/*.aof"))


def test_a_server_whose_parent_was_killed_is_found_and_stopped(tmp_path):
    port = free_port()
    stray = subprocess.Popen(embedded.command(tmp_path, port), stdout=subprocess.DEVNULL)
    try:
        assert embedded.wait_until_answers(port)
        assert embedded.left_over(tmp_path) == embedded.Running(port, stray.pid)
        embedded.stop(embedded.left_over(tmp_path))
        stray.wait(5)
        assert embedded.left_over(tmp_path) is None
    finally:
        stray.kill()
        stray.wait()


def test_an_open_port_that_speaks_something_else_is_no_server(tmp_path):
    import http.server
    import threading

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        assert not embedded.answers(other.server_port)
        other.shutdown()


def test_without_any_server_program_a_sentence_says_what_to_do(monkeypatch, tmp_path):
    def missing():
        raise ImportError

    monkeypatch.setattr(embedded, "_from_wheel", missing)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(embedded.NoSignalServer, match="install valkey-server or redis-server, or set REDIS_URL"):
        embedded.binary()


def test_a_plain_redis_on_the_path_serves_as_well(monkeypatch, tmp_path):
    def missing():
        raise ImportError

    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(embedded, "_from_wheel", missing)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert embedded.binary() == program
