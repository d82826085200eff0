"""The supervisor with real processes: small ones, so that each truth shows by itself."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from evcms.supervisor import ports, state
from evcms.supervisor.console import Console
from tests.environment import free_port
from tests.fixtures.processes import BASE, listens, until

SLEEPS = "import time; print('here', flush=True); time.sleep(600)"
NOTES_ITS_END = """
import signal, sys, time
def end(*_):
    open(sys.argv[1] + '/ends', 'a').write('{name} '); sys.exit(0)
signal.signal(signal.SIGTERM, end)
time.sleep(600)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
HAS_CHILDREN = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
open(sys.argv[1] + '/grandchild', 'w').write(str(child.pid))
time.sleep(600)
"""
FALLS = "import sys; sys.exit(3)"
SERVES = """
import socket, time
server = socket.create_server(('127.0.0.1', {port}))
while True:
    server.accept()[0].close()
"""


class Tree:
    def __init__(self, folder):
        self.folder, self.process = folder, None

    def start(self, *parts):
        self.log = (self.folder / "tree.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.tooling.a_tree", str(self.folder), json.dumps(parts)],
            cwd=BASE,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return self

    def said(self):
        return (self.folder / "tree.log").read_text()

    def part(self, name):
        said = state.read(self.folder / "run")
        return said["parts"].get(name, {}) if said else {}

    def running(self, *names):
        until(lambda: all(self.part(name).get("state") == "running" for name in names), what=f"{names} to run")
        return [self.part(name)["pid"] for name in names]

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture
def tree(tmp_path):
    made = Tree(tmp_path)
    yield made
    if made.process and made.process.poll() is None:
        made.stop()
    said = state.read(tmp_path / "run") or {"parts": {}}
    for part in said["parts"].values():
        assert part["pid"] is None or gone(part["pid"])


def gone(pid):
    """Ended, or ended and not yet collected by its parent."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_killed_part_is_started_again(tree):
    tree.start({"name": "web", "code": SLEEPS}, {"name": "worker", "code": SLEEPS})
    web, worker = tree.running("web", "worker")
    os.kill(web, signal.SIGKILL)
    until(lambda: tree.part("web").get("restarts") == 1, what="the fall to be noticed")
    (again,) = tree.running("web")
    assert again != web
    assert tree.running("worker") == [worker]
    assert "web was ended by signal 9; it is started again in 0.5 s." in tree.said()


def test_a_part_that_keeps_falling_is_started_with_growing_pauses(tree):
    tree.start({"name": "web", "code": FALLS})
    until(lambda: tree.part("web").get("restarts", 0) >= 3, what="three falls")
    assert "ended with code 3; it is started again in 0.5 s." in tree.said()
    assert "it is started again in 2 s." in tree.said()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_everything_stops_in_reverse_order(tree, number):
    names = ["valkey", "gateway", "web"]
    tree.start(*({"name": name, "code": NOTES_ITS_END.replace("{name}", name)} for name in names))
    pids = tree.running(*names)
    time.sleep(0.5)  # the parts have set their handlers
    assert tree.stop(number) == 0
    assert (tree.folder / "ends").read_text().split() == ["web", "gateway", "valkey"]
    assert all(gone(pid) for pid in pids)
    assert "Everything is stopped" in tree.said()


def test_a_part_that_ignores_the_request_is_killed_after_its_time(tree):
    tree.start({"name": "web", "code": STUBBORN, "stop_timeout": 1})
    (pid,) = tree.running("web")
    time.sleep(0.5)
    begin = time.monotonic()
    tree.stop()
    assert gone(pid)
    assert 0.9 < time.monotonic() - begin < 5


def test_a_second_request_waits_for_nobody(tree):
    tree.start({"name": "web", "code": STUBBORN, "stop_timeout": 60})
    (pid,) = tree.running("web")
    time.sleep(0.5)
    tree.process.send_signal(signal.SIGTERM)
    until(lambda: "Stopping" in tree.said(), what="the first request to be heard")
    begin = time.monotonic()
    tree.stop()
    assert time.monotonic() - begin < 10
    assert gone(pid)


def test_grandchildren_end_with_their_part(tree):
    tree.start({"name": "worker", "code": HAS_CHILDREN})
    tree.running("worker")
    note = tree.folder / "grandchild"
    until(lambda: note.exists() and note.read_text(), what="the grandchild")
    tree.stop()
    until(lambda: gone(int(note.read_text())), what="the grandchild to end")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ties children to parents on Linux only")
def test_no_part_outlives_a_supervisor_that_was_killed(tree):
    tree.start({"name": "web", "code": SLEEPS}, {"name": "worker", "code": SLEEPS})
    pids = tree.running("web", "worker")
    tree.stop(signal.SIGKILL)
    until(lambda: all(gone(pid) for pid in pids), timeout=5, what="the parts to end")


def test_the_next_start_ends_what_a_killed_one_left_where_the_kernel_did_not(tree):
    """Elsewhere than on Linux; played here by a process whose parent is not the supervisor."""
    argv = [sys.executable, "-c", SLEEPS, str(tree.folder)]
    stray = subprocess.Popen(argv, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        (tree.folder / "run").mkdir()
        left = {"web": {"pid": stray.pid, "argv": argv, "state": "running", "restarts": 0}}
        (tree.folder / "run" / state.FILE).write_text(json.dumps({"pid": 1, "parts": left}))
        tree.start({"name": "web", "code": SLEEPS})
        until(lambda: stray.poll() is not None, timeout=10, what="the stray to end")
        until(lambda: "left over: web" in tree.said(), what="the supervisor to have ended it")
    finally:
        stray.kill()
        stray.wait()


def test_a_stranger_with_a_recycled_pid_is_left_alone(tmp_path):
    stranger = subprocess.Popen([sys.executable, "-c", SLEEPS], stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        parts = {"web": {"pid": stranger.pid, "argv": ["daphne", "evcms.asgi"]}}
        (tmp_path / state.FILE).write_text(json.dumps({"pid": 1, "parts": parts}))
        assert state.end_left_overs(tmp_path) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_part_waits_for_the_port_of_the_one_it_needs(tree):
    port = free_port()
    tree.start(
        {"name": "simulator", "code": SLEEPS, "after": ["gateway"]},
        {"name": "gateway", "code": "import time; time.sleep(1)" + SERVES.format(port=port), "port": port},
    )
    until(lambda: tree.part("gateway").get("state") == "starting", what="the gateway to start")
    assert tree.part("simulator")["state"] == "waiting"
    tree.running("gateway", "simulator")
    assert listens(port)


def test_a_second_supervisor_of_the_same_folder_is_refused_with_a_sentence(tree):
    tree.start({"name": "web", "code": SLEEPS})
    tree.running("web")
    with pytest.raises(state.RunsAlready, match=f"already runs on .* \\(process {tree.process.pid}\\).*EVCMS_DATA_DIR"):
        state.lock(tree.folder / "run")


def test_a_taken_port_is_named_with_the_variable_that_moves_it():
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", SERVES.format(port=port)]) as server:
        try:
            until(lambda: listens(port), what="the port to be taken")
            with pytest.raises(ports.PortTaken, match=f"Port {port}, which gateway needs.*EVCMS_OCPP_PORT"):
                ports.demand({"web": free_port(), "gateway": port})
        finally:
            server.kill()


def test_two_parts_on_one_port_are_refused():
    port = free_port()
    with pytest.raises(ports.PortTaken, match="inbox and web both want"):
        ports.demand({"web": port, "inbox": port})


def test_each_part_has_a_log_file_that_turns_over(tmp_path, monkeypatch):
    monkeypatch.setattr("evcms.supervisor.console.LARGEST_FILE", 2000)
    with (tmp_path / "out").open("w") as out:
        console = Console(tmp_path / "log", out)
        for number in range(200):
            console.line("web", f"line {number} of the web process")
    assert (tmp_path / "log" / "web.log").stat().st_size <= 2000
    assert (tmp_path / "log" / "web.log.1").exists()
    assert "web      | line 199 of the web process" in (tmp_path / "out").read_text()


def test_everyday_lines_go_to_the_file_and_warnings_to_the_terminal_too(tmp_path):
    with (tmp_path / "out").open("w") as out:
        console = Console(tmp_path / "log", out, chatty=False)
        console.line("web", '{"event": "request_finished", "level": "info"}')
        console.line("web", "2026-11-22 [warning  ] signal not sent")
        console.line("web", "Traceback (most recent call last):")
    shown = (tmp_path / "out").read_text()
    assert "request_finished" not in shown
    assert "signal not sent" in shown
    assert "Traceback" in shown
    assert "request_finished" in (tmp_path / "log" / "web.log").read_text()
